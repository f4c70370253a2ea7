//! What a caller may not ask, each with a code, and nothing changed.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{Subscriber, at_period_end};
use crate::payments::ShopServer;

#[tokio::test]
async fn another_users_subscription_is_as_if_it_were_not_there() {
    let it = Subscriber::of("stock-photos-monthly").await;
    let bob = it.app.shopper("bob");
    bob.buy("stock-photos-monthly").await.1.expect(303);
    it.app.quiet().await;
    it.app.stripe.forget_requests().await;
    for id in [
        it.id.as_str(),
        "sub_unknown",
        "in_1",
        "sub_",
        "%20",
        "sub_%23",
    ] {
        for action in ["cancel", "withdraw-cancellation", "pause", "resume"] {
            let path = format!("/subscriptions/{id}/{action}");
            let request = bob.calls.request("POST", &path).json(&json!({}));
            let answer = bob.calls.send(request).await;
            assert_eq!(answer.expect_error(404), "unknown_subscription", "{path}");
        }
    }
    assert_eq!(it.app.stripe.requests().await, Vec::<Value>::new());
    assert!(it.app.table.items_of("ACTIONS#").await.is_empty());
}

#[tokio::test]
async fn a_body_that_says_something_else_is_refused() {
    let it = Subscriber::of("stock-photos-monthly").await;
    for (body, code) in [
        (json!({"when": "tomorrow"}), "invalid_field"),
        (json!({"when": 1}), "invalid_field"),
        (json!({"feedback": "too_dear"}), "invalid_field"),
        (json!({"comment": "x".repeat(5001)}), "invalid_field"),
        (json!({"wen": "now"}), "unknown_field"),
        (json!({"user": "bob"}), "conflicting_fields"),
        (json!([]), "malformed_json"),
    ] {
        let answer = it.asks("cancel", &body).await;
        assert_eq!(answer.expect_error(400), code, "{body}");
    }
    for (action, body, code) in [
        ("pause", json!({"until": "tomorrow"}), "invalid_field"),
        ("pause", json!({"until": 1_800_000_000}), "invalid_field"),
        ("pause", json!({"untill": null}), "unknown_field"),
        ("pause", json!({"user": "bob"}), "conflicting_fields"),
        ("resume", json!({"due_now": "15.00"}), "invalid_field"),
        ("resume", json!({"due_now": 1.5}), "invalid_field"),
        ("preview", json!({"pause": 30}), "invalid_field"),
        ("preview", json!({"resume": {"now": true}}), "unknown_field"),
    ] {
        let answer = it.asks(action, &body).await;
        assert_eq!(answer.expect_error(400), code, "{action} {body}");
    }
    let path = format!("/subscriptions/{}/cancel", it.id);
    let calls = &it.alice.calls;
    let without_token = calls.with_token(None);
    let request = without_token.request("POST", &path).json(&json!({}));
    without_token.send(request).await.expect(401);
    assert_eq!(it.app.stripe.requests().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_server_names_the_user_and_a_key() {
    let it = Subscriber::of("stock-photos-monthly").await;
    let path = format!("/shop/subscriptions/{}/cancel", it.id);
    let server = ShopServer::of(&it.app);
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"user": ""}), "invalid_field"),
        (json!({"user": " alice"}), "invalid_field"),
        (json!({"user": "alice", "when": "never"}), "invalid_field"),
    ] {
        let answer = server.post(&path, "k", &body).await;
        assert_eq!(answer.expect_error(400), code, "{body}");
    }
    let answer = server.post(&path, "k k", &json!({"user": "alice"})).await;
    assert_eq!(answer.expect_error(400), "invalid_idempotency_key");
    let answer = server.post(&path, "k", &json!({"user": "bob"})).await;
    assert_eq!(answer.expect_error(404), "unknown_subscription");
    let missing = server.get("/shop/invoices").await;
    assert_eq!(missing.expect_error(400), "missing_field");
    assert_eq!(it.app.stripe.requests().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_token_does_not_open_the_routes_of_the_servers() {
    let it = Subscriber::of("stock-photos-monthly").await;
    let path = format!("/shop/subscriptions/{}/cancel", it.id);
    let body = json!({"user": "alice"});
    let request = it.alice.calls.request("POST", &path).json(&body);
    it.alice.calls.send(request).await.expect(403);
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn what_the_shopper_has_yet_to_confirm_is_not_canceled_here() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.begin_subscription("stock-photos-monthly").await;
    app.quiet().await;
    let id = opened["subscription"].as_str().unwrap();
    let path = format!("/subscriptions/{id}/cancel");
    let request = alice.calls.request("POST", &path).json(&at_period_end());
    let answer = alice.calls.send(request).await;
    assert_eq!(answer.expect_error(409), "subscription_not_confirmed");
}

#[tokio::test]
async fn a_query_of_invoices_is_checked() {
    let it = Subscriber::of("stock-photos-monthly").await;
    for query in [
        "?after=sub_1",
        "?after=in_",
        "?after=in_%2F",
        "?subscription=in_1",
    ] {
        let request = it.alice.calls.request("GET", &format!("/invoices{query}"));
        let answer = it.alice.calls.send(request).await;
        assert_eq!(answer.expect_error(400), "invalid_field", "{query}");
    }
    let request = it.alice.calls.request("GET", "/invoices?user=bob");
    let answer = it.alice.calls.send(request).await;
    assert_eq!(answer.expect_error(400), "conflicting_fields");
    let request = it.alice.calls.request("GET", "/invoices?after=in_unknown");
    let page = it.alice.calls.send(request).await.expect(200).json();
    assert_eq!(page, json!({"invoices": [], "after": null}));
}
