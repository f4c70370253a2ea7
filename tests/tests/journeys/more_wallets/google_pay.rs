//! Google Pay: a sheet over the page, and to Stripe a card with a wallet.

use serde_json::json;

use super::{
    CASH_APP, GOOGLE, MONTHLY, TRIAL, approve, mine, press, shop, subscribed, subscriber, told,
};
use crate::payments::{ShopServer, charge, text};
use perennial_tests::TestApp;

#[tokio::test]
async fn google_pay_subscribes_with_either_of_the_two_first() {
    for first in ["setup_intent", "subscription"] {
        let app = shop().await;
        let alice = app.shopper("alice");
        let opened = press(&alice, GOOGLE, MONTHLY, first).await;
        let confirmed = approve(&alice, &opened, json!({})).await;
        assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
        let subscription = subscribed(&alice, &opened).await;
        assert_eq!(subscription["status"], "active");
        assert_eq!(subscription["wallet"], GOOGLE);
        assert_eq!(subscription["payment"]["state"], "ok");
        app.quiet().await;
        let charges = app.stripe.objects("charge").await;
        assert_eq!(charges.len(), 1, "{first}");
        assert_eq!(
            charges[0]["payment_method_details"]["card"]["wallet"]["type"],
            GOOGLE
        );
        let at_stripe = app.stripe.objects("subscription").await.remove(0);
        assert_eq!(at_stripe["metadata"]["perennial_wallet"], GOOGLE);
        assert_eq!(told(&app).await, ["subscription.activated"]);
    }
}

#[tokio::test]
async fn a_trial_with_google_pay_charges_nothing_and_sets_the_card_up() {
    for first in ["setup_intent", "subscription"] {
        let app = shop().await;
        let alice = app.shopper("alice");
        let opened = press(&alice, GOOGLE, TRIAL, first).await;
        approve(&alice, &opened, json!({})).await;
        let subscription = subscribed(&alice, &opened).await;
        assert_eq!(subscription["status"], "trialing", "{first}");
        app.quiet().await;
        assert!(app.stripe.objects("charge").await.is_empty());
        app.pass_days(15).await;
        assert_eq!(mine(&alice).await["status"], "active");
    }
}

#[tokio::test]
async fn a_card_that_google_pay_declines_can_be_followed_by_another() {
    for first in ["setup_intent", "subscription"] {
        let app = shop().await;
        let alice = app.shopper("alice");
        let opened = press(&alice, GOOGLE, MONTHLY, first).await;
        let refused = approve(&alice, &opened, json!({"first": "decline"})).await;
        assert_eq!(refused["error"]["code"], "card_declined", "{refused}");
        let failed = alice.calls.subscribe(text(&opened["checkout"])).await;
        // The first payment is what the bank has refused, if the subscription came first.
        let reason = if first == "subscription" {
            "payment_declined"
        } else {
            "wallet_declined"
        };
        assert_eq!(failed.expect_error(402), reason);
        let again = press(&alice, GOOGLE, MONTHLY, first).await;
        assert_eq!(again["checkout"], opened["checkout"], "it stays open");
        approve(&alice, &again, json!({})).await;
        subscribed(&alice, &again).await;
        app.quiet().await;
        assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    }
}

/// A sheet that is closed confirms nothing, and the next click goes on.
#[tokio::test]
async fn a_sheet_of_google_pay_that_is_closed_leaves_the_checkout_open() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let opened = press(&alice, GOOGLE, MONTHLY, "setup_intent").await;
    let polled = alice.calls.checkout(text(&opened["checkout"])).await;
    assert_eq!(polled.expect(200).json()["status"], "pending");
    let again = press(&alice, GOOGLE, MONTHLY, "setup_intent").await;
    assert_eq!(again["checkout"], opened["checkout"]);
    app.quiet().await;
    assert!(app.stripe.objects("charge").await.is_empty());
}

#[tokio::test]
async fn what_another_wallet_confirms_is_not_what_was_begun() {
    let app = shop().await;
    for (user, begun, with) in [("alice", GOOGLE, "apple_pay"), ("bob", "apple_pay", GOOGLE)] {
        let shopper = app.shopper(user);
        let opened = press(&shopper, begun, MONTHLY, "setup_intent").await;
        let token = app.stripe.sheet_token(with, json!({})).await;
        let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&opened[name]));
        app.stripe.confirm_with_token(key, secret, &token).await;
        let failed = shopper.calls.subscribe(text(&opened["checkout"])).await;
        assert_eq!(failed.expect_error(402), "wallet_mismatch", "{begun}");
    }
    app.quiet().await;
    assert!(app.stripe.objects("subscription").await.is_empty());
}

#[tokio::test]
async fn a_renewal_with_google_pay_is_tried_again_and_recovers() {
    let (app, alice, method) = subscriber(GOOGLE).await;
    app.pass_days(31).await;
    assert_eq!(mine(&alice).await["status"], "active");
    app.stripe.charges_of(&method, "decline").await;
    app.pass_days(31).await;
    let late = mine(&alice).await;
    let retrying = json!({"state": "retrying", "reason": "payment_failed"});
    assert_eq!(
        (&late["status"], &late["payment"]),
        (&json!("past_due"), &retrying)
    );
    assert!(late["next_payment_attempt"].is_string());
    app.stripe.charges_of(&method, "succeed").await;
    app.pass_days(4).await;
    assert_eq!(mine(&alice).await["payment"]["state"], "ok");
    let expected = [
        "subscription.activated",
        "subscription.renewed",
        "subscription.past_due",
        "subscription.activated",
    ];
    assert_eq!(told(&app).await, expected);
}

#[tokio::test]
async fn a_payment_in_the_page_is_made_with_google_pay_and_its_card_charged_later() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body =
        json!({"user": "alice", "amount": 1999, "currency": "usd", "wallet": GOOGLE, "save": true});
    let started = server.pay("order-1", &body).await.expect(201).json();
    assert_eq!(started["wallet"], GOOGLE);
    let options = &started["express_checkout"];
    assert_eq!(options["paymentMethods"]["googlePay"], "always");
    assert_eq!(options["paymentMethods"]["applePay"], "never");
    let paid = approve(&app.shopper("alice"), &started, json!({})).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let method = text(&paid["payment_method"]);
    let later = server.pay("order-2", &charge("alice", method, 700)).await;
    assert_eq!(later.expect(201).json()["wallet"], GOOGLE);

    // The bank wants to hear from the shopper, whose page shows the wallet that saved the card.
    app.stripe
        .charges_of(method, "authentication_required")
        .await;
    let refused = server.pay("order-3", &charge("alice", method, 700)).await;
    let refused = refused.expect(402).json();
    let link = text(&refused["payment"]["failure"]["next"]["authorize_url"]);
    let shown = app
        .anybody()
        .come_back_for_json(link)
        .await
        .expect(200)
        .json();
    assert_eq!(
        shown["express_checkout"]["paymentMethods"]["googlePay"],
        "always"
    );

    for (field, value) in [
        ("kind", json!("deferred")),
        ("apple_pay", json!({"label": "Two nights"})),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refused = server.pay("order-4", &body).await;
        assert_eq!(refused.expect_error(400), "conflicting_fields", "{field}");
    }
    let mut body = body.clone();
    body["wallet"] = CASH_APP.into();
    let refused = server.pay("order-5", &body).await;
    assert_eq!(refused.expect_error(400), "wallet_not_supported");
    app.quiet().await;
}
