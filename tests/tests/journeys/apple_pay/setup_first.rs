//! P2: a SetupIntent spends the cryptogram, and a subscription charges the method that it set up.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

use super::{MONTHLY, TRIAL};

on_both!(
    a_shopper_who_approves_is_subscribed,
    a_trial_begins_without_a_charge,
    the_webhook_alone_subscribes_a_shopper_whose_page_is_gone,
    a_refused_card_can_be_followed_by_another,
    the_version_of_the_consent_is_kept,
);

/// What the page asks for once it has confirmed; the webhook may have been quicker.
async fn subscribed(shopper: &Shopper, checkout: &str) -> Value {
    let answer = shopper.calls.subscribe(checkout).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    answer.json()
}

async fn a_shopper_who_approves_is_subscribed(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    assert_eq!(opened["redirect_url"], json!(null));
    let confirmed = alice.approve_apple_pay(&opened).await;
    assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
    let checkout = opened["checkout"].as_str().unwrap();
    let subscription = subscribed(&alice, checkout).await;
    assert_eq!(subscription["subscription"]["status"], "active");
    assert_eq!(subscription["subscription"]["wallet"], "apple_pay");

    app.quiet().await;
    let [setup] = &app.stripe.objects("setup_intent").await[..] else {
        panic!("there is one SetupIntent")
    };
    assert_eq!(setup["usage"], "off_session");
    assert_eq!(setup["payment_method_types"], json!(["card"]));
    let charges = app.stripe.objects("charge").await;
    assert_eq!(charges.len(), 1);
    assert_eq!(charges[0]["amount"], 1500);
}

async fn a_trial_begins_without_a_charge(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(TRIAL).await;
    alice.approve_apple_pay(&opened).await;
    let checkout = opened["checkout"].as_str().unwrap();
    let subscription = subscribed(&alice, checkout).await;
    assert_eq!(subscription["subscription"]["status"], "trialing");
    assert_eq!(subscription["subscription"]["payment"]["state"], "ok");
    app.quiet().await;
    assert_eq!(app.stripe.objects("charge").await.len(), 0);
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}

async fn the_webhook_alone_subscribes_a_shopper_whose_page_is_gone(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(mine["subscriptions"][0]["wallet"], "apple_pay");
}

async fn a_refused_card_can_be_followed_by_another(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    let refused = alice
        .use_apple_pay(&opened, json!({"first": "decline"}))
        .await;
    assert_eq!(refused["error"]["code"], "card_declined", "{refused}");
    let checkout = opened["checkout"].as_str().unwrap();
    let failed = alice.calls.subscribe(checkout).await.expect(402).json();
    assert_eq!(failed["error"]["code"], "wallet_declined");
    assert_eq!(failed["may_retry"], true);

    let again = alice.click_apple_pay(MONTHLY).await;
    assert_eq!(again["checkout"], opened["checkout"], "it stays open");
    alice.approve_apple_pay(&again).await;
    subscribed(&alice, checkout).await;
    app.quiet().await;
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
}

async fn the_version_of_the_consent_is_kept(app: TestApp) {
    let alice = app.shopper("alice");
    let ask = json!({"plan": MONTHLY, "wallet": "apple_pay", "consent": "default-1"});
    alice.calls.client_secret(&ask).await.expect(201);
    let [attempt] = &app.table.items_of("CHECKOUT#").await[..] else {
        panic!("there is one attempt")
    };
    assert_eq!(attempt["consent"], "default-1");

    let ask = json!({"plan": MONTHLY, "wallet": "apple_pay", "consent": "of-last-year"});
    let refused = alice.calls.client_secret(&ask).await.expect(409).json();
    assert_eq!(refused["error"]["code"], "consent_outdated");
    let ask = json!({"plan": MONTHLY, "wallet": "apple_pay", "first": "subscription", "consent": "of-last-year"});
    let refused = alice.calls.post_subscription(&ask).await.expect(409).json();
    assert_eq!(refused["error"]["code"], "consent_outdated");
}
