//! Browsers that never come back after the shopper has agreed.

use perennial_tests::TestApp;

on_both!(
    the_webhook_alone_finishes_what_the_browser_left,
    a_click_after_the_shopper_agreed_finds_the_subscription,
    a_setup_that_fails_while_the_shopper_tries_again_holds_nothing_up,
);

async fn the_webhook_alone_finishes_what_the_browser_left(app: TestApp) {
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    let polled = alice.calls.checkout(&checkout).await.expect(200).json();
    assert_eq!(polled["status"], "subscribed");
    alice.calls.subscribe(&checkout).await.expect(200);
}

async fn a_click_after_the_shopper_agreed_finds_the_subscription(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    let refused = alice.calls.click("stock-photos-monthly").await.expect(409);
    assert_eq!(refused.code(), "already_subscribed");
    assert_eq!(refused.json()["subscription"]["status"], "active");
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

async fn a_setup_that_fails_while_the_shopper_tries_again_holds_nothing_up(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let opened = alice.click().await;
    alice.answer_wallet(&opened, "decline").await;
    // The page confirms again before the event about the decline is delivered.
    alice.go_to_wallet(&opened).await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
    // The shopper takes their time at the wallet; the event must not wait for them.
    app.quiet().await;
    let back = alice.answer_open_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}
