//! A trial that ends with a working method, with one that is refused, and with none.

use perennial_tests::TestApp;

use super::TRIAL;

/// Subscribes with a trial, the subscription first or the SetupIntent first.
async fn in_trial(app: &TestApp, subscription_first: bool) {
    let alice = app.shopper("alice");
    if subscription_first {
        let opened = alice.begin_subscription(TRIAL).await;
        alice.approve_apple_pay(&opened).await;
    } else {
        let opened = alice.click_apple_pay(TRIAL).await;
        alice.approve_apple_pay(&opened).await;
    }
    app.quiet().await;
}

async fn status(app: &TestApp) -> (String, bool) {
    let mine = app.caller("alice").subscriptions().await.expect(200).json();
    let status = mine["subscriptions"][0]["status"]
        .as_str()
        .unwrap()
        .to_owned();
    let active = mine["entitlements"]["stock-photos"]["active"]
        .as_bool()
        .unwrap();
    (status, active)
}

#[tokio::test]
async fn a_working_method_is_charged_when_the_trial_ends() {
    for subscription_first in [true, false] {
        let app = TestApp::start().await;
        in_trial(&app, subscription_first).await;
        assert_eq!(status(&app).await, ("trialing".to_owned(), true));
        app.pass_days(15).await;
        assert_eq!(status(&app).await, ("active".to_owned(), true));
        let charges = app.stripe.objects("charge").await;
        assert_eq!(charges.len(), 1, "subscription first: {subscription_first}");
        assert_eq!(charges[0]["paid"], true);
    }
}

#[tokio::test]
async fn a_refused_method_is_tried_again_and_told() {
    for subscription_first in [true, false] {
        let app = TestApp::start().await;
        in_trial(&app, subscription_first).await;
        let [subscription] = &app.stripe.objects("subscription").await[..] else {
            panic!("there is one subscription")
        };
        let method = subscription["default_payment_method"].as_str().unwrap();
        app.stripe.charges_of(method, "decline").await;
        app.pass_days(15).await;
        assert_eq!(status(&app).await, ("past_due".to_owned(), true));
        let mine = app.caller("alice").subscriptions().await.expect(200).json();
        assert_eq!(
            mine["subscriptions"][0]["payment"]["reason"],
            "payment_failed"
        );
    }
}

#[tokio::test]
async fn a_trial_whose_method_was_taken_away_ends_with_it() {
    for subscription_first in [true, false] {
        let app = TestApp::start().await;
        in_trial(&app, subscription_first).await;
        let [subscription] = &app.stripe.objects("subscription").await[..] else {
            panic!("there is one subscription")
        };
        let method = subscription["default_payment_method"].as_str().unwrap();
        let path = format!("/v1/payment_methods/{method}/detach");
        app.stripe.api("POST", &path, &[]).await;
        app.quiet().await;
        let mine = app.caller("alice").subscriptions().await.expect(200).json();
        assert_eq!(
            mine["subscriptions"][0]["payment"]["state"],
            "method_required"
        );
        app.pass_days(15).await;
        let (status, active) = status(&app).await;
        assert!(!active || status == "past_due", "{status}");
        let charges = app.stripe.objects("charge").await;
        assert!(charges.iter().all(|charge| charge["paid"] == false));
    }
}

#[tokio::test]
async fn a_trial_that_nobody_confirms_never_gives_anything() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.begin_subscription(TRIAL).await;
    app.quiet().await;
    assert!(!status(&app).await.1);
    app.pass_days(15).await;
    assert_eq!(status(&app).await, ("canceled".to_owned(), false));
    assert_eq!(app.stripe.objects("charge").await.len(), 0);
}
