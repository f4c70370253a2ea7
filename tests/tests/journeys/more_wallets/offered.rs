//! What a page is told of them, and when they are not offered.

use perennial_tests::{TestApp, http};
use serde_json::json;

use super::{
    CASH_APP, EUROPE, GOOGLE, MONTHLY, TRIAL, codes, mine, offer, offers, shop, subscriber, told,
};
use crate::payments::text;

#[tokio::test]
async fn a_method_that_is_detached_is_asked_for_anew() {
    for wallet in [GOOGLE, CASH_APP] {
        let (app, alice, method) = subscriber(wallet).await;
        let path = format!("/v1/payment_methods/{method}/detach");
        app.stripe.api("POST", &path, &[]).await;
        app.quiet().await;
        let subscription = mine(&alice).await;
        let required = json!({"state": "method_required", "reason": "method_detached"});
        assert_eq!(subscription["payment"], required, "{wallet}");
        let expected = [
            "subscription.activated",
            "subscription.payment_method_required",
        ];
        assert_eq!(told(&app).await, expected);
    }
}

#[tokio::test]
async fn a_page_is_told_what_each_wallet_needs() {
    let app = shop().await;
    let told = offers(&app, MONTHLY).await;
    let names: Vec<&str> = told["wallets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["wallet"]))
        .collect();
    assert_eq!(names, ["amazon_pay", "apple_pay", GOOGLE, CASH_APP]);
    let google = offer(&told, GOOGLE);
    assert_eq!((&google["offer"], codes(google)), (&json!(true), vec![]));
    assert_eq!(google["first"], json!(["setup_intent", "subscription"]));
    assert_eq!(google["elements"], offer(&told, "apple_pay")["elements"]);
    let options = &google["express_checkout"];
    assert_eq!(
        options.get("applePay"),
        None,
        "no merchant token is asked for"
    );
    let shown = options["paymentMethods"].as_object().unwrap();
    let shown: Vec<&String> = shown
        .iter()
        .filter(|(_, it)| *it != "never")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(shown, ["googlePay"]);
    let cash_app = offer(&told, CASH_APP);
    assert_eq!(
        (&cash_app["offer"], codes(cash_app)),
        (&json!(true), vec![])
    );
    assert_eq!(cash_app["first"], json!(["setup_intent"]));
    assert!(cash_app.get("elements").is_none() && cash_app.get("express_checkout").is_none());
    let consent = &told["consent"]["text"];
    assert!(text(&consent[GOOGLE]).ends_with("with Google Pay, until you cancel."));
    assert!(
        text(&consent[CASH_APP])
            .contains("with Cash App Pay, until you cancel. You can change this")
    );
    let trial = offers(&app, TRIAL).await;
    assert_eq!(codes(offer(&trial, CASH_APP)), Vec::<&str>::new());
}

/// Whether a wallet takes the domain of the shop.
async fn refuse_domain(app: &TestApp, wallet: &str) {
    let path = "/v1/payment_method_domains?domain_name=127.0.0.1";
    let list = app.stripe.api("GET", path, &[]).await;
    let id = text(&list["data"][0]["id"]);
    let url = format!("{}/_sandbox/payment_method_domains/{id}", app.stripe.url());
    let request = http().post(url).bearer_auth(app.stripe.secret_key());
    let answer = request.json(&json!({ wallet: "inactive" })).send().await;
    assert!(answer.unwrap().status().is_success());
}

#[tokio::test]
async fn a_wallet_that_cannot_be_used_is_not_offered_and_says_why() {
    let app = shop().await;
    let told = offers(&app, EUROPE).await;
    let cash_app = offer(&told, CASH_APP);
    assert_eq!(
        (&cash_app["offer"], codes(cash_app)),
        (&json!(false), vec!["currency_not_supported"])
    );
    assert_eq!(offer(&told, GOOGLE)["offer"], true);

    let app = shop().await;
    app.stripe
        .set_account(json!({"country": "DE", "cashapp": false}))
        .await;
    refuse_domain(&app, GOOGLE).await;
    let told = offers(&app, MONTHLY).await;
    let (google, cash_app) = (offer(&told, GOOGLE), offer(&told, CASH_APP));
    assert_eq!(
        codes(cash_app),
        ["country_not_supported", "wallet_not_enabled"]
    );
    assert_eq!(cash_app["offer"], false);
    // On a developer's machine a domain hides nothing.
    assert_eq!(
        (&google["offer"], codes(google)),
        (&json!(true), vec!["domain_inactive"])
    );
    assert!(text(&google["reasons"][0]["message"]).starts_with("Google Pay is not active"));
    assert_eq!(codes(offer(&told, "apple_pay")), Vec::<&str>::new());

    let app = shop().await;
    app.stripe
        .set_account(json!({"country": "IN", "card": false}))
        .await;
    let told = offers(&app, MONTHLY).await;
    let google = offer(&told, GOOGLE);
    assert_eq!(
        codes(google),
        ["country_not_supported", "wallet_not_enabled"]
    );
    assert_eq!(google["offer"], false);
}

#[tokio::test]
async fn what_a_wallet_cannot_do_is_refused_before_stripe_is_asked() {
    let app = shop().await;
    let alice = app.shopper("alice");
    // The worker reads the prices that were made for the plans.
    app.quiet().await;
    app.forget_calls().await;
    for (path, body, code) in [
        (
            "/client-secret",
            json!({"plan": EUROPE, "wallet": CASH_APP}),
            "currency_not_supported",
        ),
        (
            "/client-secret",
            json!({"plan": MONTHLY, "wallet": CASH_APP, "confirm": "server"}),
            "confirm_not_supported",
        ),
        (
            "/client-secret",
            json!({"plan": MONTHLY, "wallet": GOOGLE, "confirm": "server"}),
            "confirm_not_supported",
        ),
        (
            "/subscriptions",
            json!({"plan": MONTHLY, "wallet": CASH_APP, "first": "subscription"}),
            "first_not_supported",
        ),
        (
            "/client-secret",
            json!({"plan": MONTHLY, "wallet": "cashapp"}),
            "unknown_wallet",
        ),
    ] {
        let request = alice.calls.request("POST", path).json(&body);
        assert_eq!(
            alice.calls.send(request).await.expect_error(400),
            code,
            "{body}"
        );
    }
    assert!(app.stripe.requests().await.is_empty());
    // An account that lacks it gets no SetupIntent for it.
    app.stripe.set_account(json!({"cashapp": false})).await;
    let body = json!({"plan": MONTHLY, "wallet": CASH_APP});
    let refused = alice.calls.client_secret(&body).await;
    assert_eq!(refused.expect_error(502), "wallet_not_enabled");
    app.quiet().await;
}

/// A shop that names no wallets is offered what it was always offered.
#[tokio::test]
async fn a_plan_that_does_not_name_them_has_neither() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let monthly = "stock-photos-monthly";
    let told = offers(&app, monthly).await;
    let names: Vec<&str> = told["wallets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["wallet"]))
        .collect();
    assert_eq!(names, ["amazon_pay", "apple_pay"]);
    let texts = told["consent"]["text"].as_object().unwrap();
    assert_eq!(
        texts.keys().collect::<Vec<_>>(),
        ["amazon_pay", "apple_pay"]
    );
    let caller = app.caller("alice");
    let plans = caller
        .send(caller.request("GET", "/plans"))
        .await
        .expect(200)
        .json();
    let mut plans = plans["plans"].as_array().unwrap().iter();
    let plan = plans.find(|plan| plan["name"] == monthly).unwrap();
    assert_eq!(plan["wallets"], json!(["amazon_pay", "apple_pay"]));
    for wallet in [GOOGLE, CASH_APP] {
        let body = json!({"plan": monthly, "wallet": wallet});
        let refused = alice.calls.client_secret(&body).await;
        assert_eq!(refused.expect_error(400), "wallet_not_offered");
    }
}
