//! The table is out of order.

use perennial_tests::{TestApp, sign};
use serde_json::json;

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_not_acknowledged_and_comes_again() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let checkout = alice.approve_and_vanish().await;
    app.to_dynamodb.set_down(true);
    let refused = app.stripe.release_webhooks("fifo", 0, 1).await;
    assert!(!refused.is_empty());
    for delivery in &refused {
        assert_eq!(delivery["attempts"][0]["status"], 500, "{delivery}");
    }
    app.to_dynamodb.set_down(false);
    app.quiet().await;
    let polled = alice.calls.checkout(&checkout).await.expect(200).json();
    assert_eq!(polled["status"], "subscribed");
}

#[tokio::test]
async fn without_the_table_nothing_is_sold_and_nothing_is_asked_of_stripe() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "approve").await;
    app.quiet().await;
    app.forget_calls().await;
    app.to_dynamodb.set_down(true);
    let checkout = opened["checkout"].as_str().unwrap();
    for answer in [
        alice.calls.click("stock-photos-trial").await,
        alice.calls.subscribe(checkout).await,
        alice.calls.checkout(checkout).await,
        alice.calls.subscriptions().await,
        alice.calls.come_back_for_json(&back).await,
    ] {
        assert_eq!(answer.expect_error(503), "table_unavailable");
        assert!(answer.retry_after().is_some());
    }
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("pending"));
    let event = json!({"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1, "livemode": false,
        "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1"}}})
    .to_string();
    let signature = sign(app.variable("STRIPE_WEBHOOK_SECRETS"), event.as_bytes(), 0);
    let refused = alice.calls.webhook(event, Some(&signature)).await;
    refused.expect_error(500);
    assert!(app.stripe.requests().await.is_empty());
    app.to_dynamodb.set_down(false);
}
