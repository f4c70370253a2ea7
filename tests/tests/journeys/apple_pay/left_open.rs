//! Subscriptions that came first and that nobody has confirmed.

use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_tests::TestApp;
use perennial_types::{Clock, Timestamp};
use serde_json::json;

use super::{MONTHLY, TRIAL, subscription_first::live};

on_both!(
    another_plan_takes_the_place_of_one_that_nobody_confirmed,
    another_wallet_takes_the_place_of_one_that_nobody_confirmed,
    one_that_was_confirmed_meanwhile_stays,
    a_page_that_is_left_behind_can_no_longer_pay,
);

async fn another_plan_takes_the_place_of_one_that_nobody_confirmed(app: TestApp) {
    let alice = app.shopper("alice");
    for (plan, other) in [(MONTHLY, TRIAL), (TRIAL, MONTHLY)] {
        let left = alice.begin_subscription(plan).await;
        let next = alice.begin_subscription(other).await;
        assert_ne!(left["subscription"], next["subscription"]);
        app.quiet().await;
        let live = live(&app).await;
        assert_eq!(live.len(), 1, "{live:?}");
        assert_eq!(live[0]["id"], next["subscription"]);
        let checkout = left["checkout"].as_str().unwrap();
        let ended = alice.calls.checkout(checkout).await.expect(200).json();
        assert_eq!(ended["reason"], "canceled", "{ended}");
    }
    let setups = app.stripe.objects("setup_intent").await;
    assert!(
        setups.iter().all(|it| it["status"] == "canceled"),
        "{setups:?}"
    );
}

async fn another_wallet_takes_the_place_of_one_that_nobody_confirmed(app: TestApp) {
    let alice = app.shopper("alice");
    let left = alice.begin_subscription(MONTHLY).await;
    let (_, landed) = alice.buy(MONTHLY).await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    let live = live(&app).await;
    assert_eq!(live.len(), 1, "{live:?}");
    assert_ne!(live[0]["id"], left["subscription"]);
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

async fn one_that_was_confirmed_meanwhile_stays(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    for (user, plan, other) in [("alice", MONTHLY, TRIAL), ("bob", TRIAL, MONTHLY)] {
        let shopper = app.shopper(user);
        let opened = shopper.begin_subscription(plan).await;
        shopper.approve_apple_pay(&opened).await;
        // Nobody has been told yet, and the shopper's other tab asks for another plan.
        let refused = shopper
            .calls
            .begin_subscription(other)
            .await
            .expect(409)
            .json();
        assert_eq!(refused["error"]["code"], "already_subscribed");
    }
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    assert_eq!(live(&app).await.len(), 2);
    assert_eq!(
        app.stripe.objects("charge").await.len(),
        1,
        "that of {}",
        "alice"
    );
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
}

async fn a_page_that_is_left_behind_can_no_longer_pay(app: TestApp) {
    let alice = app.shopper("alice");
    let left = alice.begin_subscription(MONTHLY).await;
    let next = alice.begin_subscription(TRIAL).await;
    let late = alice.approve_apple_pay(&left).await;
    assert!(late["error"].is_object(), "{late}");
    alice.approve_apple_pay(&next).await;
    app.quiet().await;
    assert_eq!(app.stripe.objects("charge").await.len(), 0);
    let live = live(&app).await;
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["id"], next["subscription"]);
}

/// A sweep by a clock that is a day ahead.
async fn sweep_a_day_later(app: &TestApp) {
    let later = Timestamp::from_unix(Clock::system().now().unix() + 24 * 3600);
    let env: Env = app.env_of("reconcile", &[]);
    let reconcile = reconcile::App::start(&env, Clock::manual(later))
        .await
        .unwrap();
    reconcile.handle(json!({"sweep": "open"})).await.unwrap();
}

#[tokio::test]
async fn after_23_hours_nothing_is_left_and_the_shopper_may_try_again() {
    for plan in [MONTHLY, TRIAL] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let left = alice.begin_subscription(plan).await;
        app.quiet().await;
        sweep_a_day_later(&app).await;
        app.quiet().await;

        assert_eq!(live(&app).await.len(), 0, "{plan}");
        let setups = app.stripe.objects("setup_intent").await;
        assert!(
            setups.iter().all(|it| it["status"] == "canceled"),
            "{setups:?}"
        );
        let checkout = left["checkout"].as_str().unwrap();
        let ended = alice.calls.checkout(checkout).await.expect(200).json();
        assert_eq!(ended["reason"], "expired", "{plan}");
        let late = alice.approve_apple_pay(&left).await;
        assert!(late["error"].is_object(), "{plan}: {late}");

        let next = alice
            .calls
            .begin_subscription(plan)
            .await
            .expect(201)
            .json();
        assert_ne!(next["subscription"], left["subscription"]);
        alice.approve_apple_pay(&next).await;
        app.quiet().await;
        let mine = alice.calls.subscriptions().await.expect(200).json();
        assert_eq!(
            mine["entitlements"]["stock-photos"]["active"], true,
            "{plan}"
        );
    }
}

#[tokio::test]
async fn stripe_itself_may_be_the_one_that_ends_it() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let left = alice.begin_subscription(MONTHLY).await;
    app.stripe.advance(24 * 3600).await;
    app.quiet().await;
    let checkout = left["checkout"].as_str().unwrap();
    let ended = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(ended["reason"], "expired", "{ended}");
    alice.calls.begin_subscription(MONTHLY).await.expect(201);
}
