//! A checkout of Apple Pay that was confirmed with a card that was typed in.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

/// Confirms with a card and no wallet, as anybody can who has the client secret.
async fn type_card_in(app: &TestApp, opened: &Value) -> Value {
    let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&opened[name]));
    app.stripe.confirm_with_token(key, secret, "tok_visa").await
}

async fn check_refused(app: &TestApp, shopper: &Shopper, opened: &Value) {
    let checkout = text(&opened["checkout"]);
    let refused = shopper.calls.subscribe(checkout).await;
    assert_eq!(refused.expect_error(402), "wallet_mismatch");
    assert_eq!(refused.json()["may_retry"], true);
    app.quiet().await;
    let polled = shopper.calls.checkout(checkout).await.json();
    assert_eq!(polled["reason"], "wallet_mismatch");
    for subscription in app.stripe.objects("subscription").await {
        assert_eq!(subscription["status"], "canceled");
    }
    let kept: i64 = app
        .stripe
        .objects("charge")
        .await
        .iter()
        .map(|it| it["amount_captured"].as_i64().unwrap() - it["amount_refunded"].as_i64().unwrap())
        .sum();
    assert_eq!(kept, 0, "the money is given back");
    for method in app.stripe.objects("payment_method").await {
        assert_eq!(method["customer"], Value::Null, "{method}");
    }
    let mine = shopper.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], false);
    // The right way is open, with the trial.
    let again = shopper.begin_subscription(TRIAL).await;
    assert_eq!(again["confirm"], "setup");
    shopper.approve_apple_pay(&again).await;
    app.quiet().await;
    let mine = shopper.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}

#[tokio::test]
async fn a_typed_in_card_gives_no_subscription_and_keeps_no_money() {
    for plan in [MONTHLY, TRIAL] {
        let app = TestApp::start().await;
        app.stripe.hold_webhooks().await;
        let alice = app.shopper("alice");
        let opened = alice.click_apple_pay(plan).await;
        let confirmed = type_card_in(&app, &opened).await;
        assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
        app.stripe.release_webhooks("fifo", 0, 1).await;
        check_refused(&app, &alice, &opened).await;
        assert_eq!(app.stripe.objects("charge").await.len(), 0);
    }
}

#[tokio::test]
async fn what_was_paid_before_it_could_be_seen_is_given_back() {
    for plan in [MONTHLY, TRIAL] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let opened = alice.begin_subscription(plan).await;
        let confirmed = type_card_in(&app, &opened).await;
        assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
        app.quiet().await;
        check_refused(&app, &alice, &opened).await;
    }
}

/// Wherever a refusal stops, the next request goes on with it, and gives the money back once.
#[tokio::test]
async fn a_refusal_that_stops_half_way_is_finished_by_the_next() {
    for (method, path) in [
        ("POST", "/v1/refunds"),
        ("DELETE", "/v1/subscriptions/{id}"),
        ("POST", "/v1/payment_methods/{id}/detach"),
    ] {
        for fault in ["timeout_before", "timeout_after"] {
            let app = TestApp::start().await;
            app.stripe.hold_webhooks().await;
            let alice = app.shopper("alice");
            let opened = alice.begin_subscription(MONTHLY).await;
            type_card_in(&app, &opened).await;
            app.stripe
                .fault(json!({"fault": fault, "delay_ms": 20, "times": 3, "method": method, "path": path}))
                .await;
            let checkout = text(&opened["checkout"]);
            let stopped = alice.calls.subscribe(checkout).await;
            assert_eq!(stopped.status, 503, "{path} {fault}: {}", stopped.text);
            app.stripe.no_faults().await;
            app.stripe.release_webhooks("fifo", 0, 1).await;
            app.quiet().await;
            check_refused(&app, &alice, &opened).await;
            assert_eq!(
                app.stripe.objects("refund").await.len(),
                1,
                "{path} {fault}"
            );
        }
    }
}

/// It may pay for something else.
#[tokio::test]
async fn a_method_that_was_saved_before_stays() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    // The customer is there from an earlier click.
    alice.click_apple_pay(TRIAL).await;
    let customer = app.stripe.objects("customer").await[0]["id"].clone();
    let saved = app
        .stripe
        .api(
            "POST",
            "/v1/payment_methods/pm_card_visa/attach",
            &[("customer", text(&customer))],
        )
        .await;
    app.stripe.advance(60).await;
    let opened = alice.click_apple_pay(MONTHLY).await;
    let intent = text(&opened["setup_intent"]);
    let confirmed = app
        .stripe
        .api(
            "POST",
            &format!("/v1/setup_intents/{intent}/confirm"),
            &[
                ("payment_method", text(&saved["id"])),
                ("return_url", "https://shop.example/"),
            ],
        )
        .await;
    assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
    app.quiet().await;
    let methods = app.stripe.objects("payment_method").await;
    let kept = methods.iter().find(|it| it["id"] == saved["id"]).unwrap();
    assert_eq!(kept["customer"], customer);
    assert!(app.stripe.objects("subscription").await.is_empty());
}
