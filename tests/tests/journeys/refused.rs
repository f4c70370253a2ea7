//! Refusals: by the shopper, by the wallet, by the bank.

use perennial_tests::TestApp;
use serde_json::Value;

on_both!(
    a_decline_is_told_and_the_same_attempt_is_tried_again,
    a_decline_of_what_the_server_confirmed_needs_a_new_attempt,
    a_first_payment_that_is_declined_leaves_nothing_behind,
    a_renewal_that_is_declined_is_past_due_and_not_lost,
);

async fn a_decline_is_told_and_the_same_attempt_is_tried_again(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let checkout = opened["checkout"].as_str().unwrap();
    let back = alice.answer_wallet(&opened, "decline").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("wallet_declined")
    );

    let polled = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(polled["status"], "failed");
    assert_eq!(polled["reason"], "wallet_declined");
    assert_eq!(polled["may_retry"], true);
    let refused = alice.calls.subscribe(checkout).await.expect(402);
    assert_eq!(refused.code(), "wallet_declined");

    let again = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(200)
        .json();
    assert_eq!(again["checkout"], opened["checkout"]);
    assert_eq!(again["setup_intent"], opened["setup_intent"]);
    assert_eq!(again["client_secret"], opened["client_secret"]);
    let back = alice.answer_wallet(&again, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    let polled = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(
        polled["reason"],
        Value::Null,
        "what went wrong before no longer counts"
    );
}

async fn a_decline_of_what_the_server_confirmed_needs_a_new_attempt(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_with_server_confirm().await;
    let back = alice.answer_wallet(&opened, "decline").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("wallet_declined")
    );
    let again = alice.click_with_server_confirm().await;
    assert_ne!(again["checkout"], opened["checkout"]);
    let back = alice.answer_wallet(&again, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

async fn a_first_payment_that_is_declined_leaves_nothing_behind(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let opened = alice.click().await;
    let checkout = opened["checkout"].as_str().unwrap();
    alice.go_to_wallet(&opened).await;
    let method = app.stripe.objects("payment_method").await[0]["id"].clone();
    app.stripe
        .charges_of(method.as_str().unwrap(), "decline")
        .await;
    let back = alice.answer_open_wallet(&opened, "approve").await;

    let refused = alice.calls.subscribe(checkout).await.expect(402);
    assert_eq!(refused.code(), "payment_declined");
    assert_eq!(refused.json()["may_retry"], true);
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("payment_declined")
    );
    assert!(app.stripe.objects("subscription").await.is_empty());
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"].as_array().map(Vec::len), Some(0));
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], false);

    let again = alice.click().await;
    assert_ne!(
        again["checkout"], opened["checkout"],
        "its payment method is of no use"
    );
    let back = alice.answer_wallet(&again, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

async fn a_renewal_that_is_declined_is_past_due_and_not_lost(app: TestApp) {
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let method = app.stripe.objects("subscription").await[0]["default_payment_method"].clone();
    app.stripe
        .charges_of(method.as_str().unwrap(), "decline")
        .await;
    app.pass_days(31).await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "past_due");
    assert_eq!(mine["subscriptions"][0]["latest_invoice_status"], "open");
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    assert_eq!(mine["entitlements"]["stock-photos"]["because"], "past_due");

    // Stripe gives up after weeks; then the user may buy anew.
    for _ in 0..4 {
        app.pass_days(7).await;
    }
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "canceled");
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], false);
    let (_, landed) = alice.buy("stock-photos-monthly").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}
