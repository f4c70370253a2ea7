//! The same key again: at once, later, beside another one, and after Stripe has forgotten it.

use perennial_config::Start as _;
use perennial_http::invoke;
use perennial_tests::{Answer, TestApp};
use perennial_types::Clock;
use serde_json::{Value, json};

use super::{ShopServer, charge, event, migration::MIGRATE, read, text};

pub(super) const DAY: u32 = 24 * 3600;

/// A function of the test's own, whose time the test moves.
pub(super) struct OwnServer {
    app: payments::App,
    clock: Clock,
}

impl OwnServer {
    pub(super) async fn of(app: &TestApp) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let app = payments::App::start(&app.env_of("payments", &[]), clock.clone()).await;
        let app = app.unwrap();
        Self { app, clock }
    }

    pub(super) fn wait(&self, seconds: u32) {
        self.clock.advance(seconds.into());
    }

    pub(super) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        read(&invoke(&self.app, event("POST", path, Some(key), Some(body)), "r1").await)
    }
}

/// Lets Stripe carry the next calls out and lose the answers.
pub(super) async fn lose_answers(app: &TestApp, path: &str) {
    let fault = json!({"method": "POST", "path": path, "fault": "timeout_after", "delay_ms": 20, "times": 20});
    app.stripe.fault(fault).await;
}

#[tokio::test]
async fn one_key_is_one_payment_whoever_asks_at_once() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let body = charge("alice", &method, 700);
    let (a, b, c) = tokio::join!(
        server.pay("order-1", &body),
        server.pay("order-1", &body),
        server.pay("order-1", &body),
    );
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 201]);
    assert_eq!(a.json()["id"], b.json()["id"]);
    assert_eq!(a.json()["id"], c.json()["id"]);
    assert_eq!(
        app.stripe.objects("charge").await.len(),
        2,
        "the one that saved the method and this one"
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let body = charge("alice", &method, 700);
    let paid = server.pay("order-1", &body).await.expect(201).json();
    let mut spaced: Value = serde_json::from_str(&body.to_string()).unwrap();
    server.pay("order-1", &spaced).await.expect(200);
    spaced["amount"] = 701.into();
    let path = format!("/payments/{}/refunds", text(&paid["id"]));
    for answer in [
        server.pay("order-1", &spaced).await,
        server.post(&path, "order-1", &json!({})).await,
        server
            .post(
                MIGRATE,
                "order-1",
                &json!({"user": "alice", "token": "tok_1"}),
            )
            .await,
    ] {
        assert_eq!(answer.expect_error(409), "idempotency_key_reused");
    }
    app.quiet().await;
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_does_not_use_the_key_up() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let path = "/payments/pi_nobody/capture";
    let refused = server.post(path, "order-1", &json!({})).await;
    assert_eq!(refused.expect_error(404), "unknown_payment");
    server
        .pay("order-1", &charge("alice", &method, 700))
        .await
        .expect(201);
    app.quiet().await;
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_found_after_stripe_has_forgotten_its_key() {
    let app = TestApp::start().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let server = OwnServer::of(&app).await;
    let body = charge("alice", &method, 700);
    lose_answers(&app, "/v1/payment_intents").await;
    let lost = server.post("/payments", "order-1", &body).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    app.stripe.no_faults().await;
    app.stripe.advance(DAY).await;
    server.wait(DAY);
    app.forget_calls().await;
    let found = server.post("/payments", "order-1", &body).await;
    assert_eq!(found.expect(201).json()["status"], "succeeded");
    assert!(
        app.stripe
            .requests_to("POST /v1/payment_intents")
            .await
            .is_empty(),
        "nothing is sent again"
    );
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
    app.quiet().await;
}

#[tokio::test]
async fn a_charge_that_never_arrived_is_sent_after_stripe_has_forgotten_its_key() {
    let app = TestApp::start().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let server = OwnServer::of(&app).await;
    let body = charge("alice", &method, 700);
    let fault = json!({"method": "POST", "path": "/v1/payment_intents", "fault": "timeout_before", "delay_ms": 20, "times": 20});
    app.stripe.fault(fault).await;
    let lost = server.post("/payments", "order-1", &body).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    app.stripe.no_faults().await;
    app.stripe.advance(DAY).await;
    server.wait(DAY);
    let sent = server.post("/payments", "order-1", &body).await;
    assert_eq!(sent.expect(201).json()["status"], "succeeded");
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
    app.quiet().await;
}

#[tokio::test]
async fn a_refund_and_a_capture_are_found_after_stripe_has_forgotten_their_keys() {
    let app = TestApp::start().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let server = OwnServer::of(&app).await;
    let mut body = charge("alice", &method, 700);
    body["capture"] = "manual".into();
    let held = server
        .post("/payments", "order-1", &body)
        .await
        .expect(201)
        .json();
    let payment = format!("/payments/{}", text(&held["id"]));
    for (action, key, stripe) in [
        (
            "increment",
            "more",
            "/v1/payment_intents/*/increment_authorization",
        ),
        ("capture", "take", "/v1/payment_intents/*/capture"),
        ("refunds", "back", "/v1/refunds"),
    ] {
        let path = format!("{payment}/{action}");
        let body = json!({ "amount": 900 });
        lose_answers(&app, stripe).await;
        let lost = server.post(&path, key, &body).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable", "{action}");
        app.stripe.no_faults().await;
        app.stripe.advance(DAY).await;
        server.wait(DAY);
        app.forget_calls().await;
        let found = server.post(&path, key, &body).await;
        assert!(
            matches!(found.status, 200 | 201),
            "{action}: {}",
            found.text
        );
        let sent = app.stripe.requests().await;
        assert!(
            sent.iter().all(|request| request["method"] == "GET"),
            "{action}: {sent:?}"
        );
    }
    assert_eq!(app.stripe.objects("refund").await.len(), 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_migration_is_found_after_stripe_has_forgotten_its_keys() {
    let app = TestApp::start().await;
    let server = OwnServer::of(&app).await;
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    lose_answers(&app, "/v1/setup_intents").await;
    let lost = server.post(MIGRATE, "move-1", &body).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    app.stripe.no_faults().await;
    app.stripe.advance(DAY).await;
    server.wait(DAY);
    let found = server
        .post(MIGRATE, "move-1", &body)
        .await
        .expect(201)
        .json();
    assert_eq!(found["status"], "saved");
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_token_that_was_used_and_forgotten_is_refused_and_nothing_is_charged() {
    let app = TestApp::start().await;
    let server = OwnServer::of(&app).await;
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    lose_answers(&app, "/v1/payment_methods").await;
    let lost = server.post(MIGRATE, "move-1", &body).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    app.stripe.no_faults().await;
    app.stripe.advance(DAY).await;
    server.wait(DAY);
    for _ in 0..2 {
        let refused = server.post(MIGRATE, "move-1", &body).await;
        assert_eq!(refused.expect_error(409), "token_not_usable");
    }
    app.quiet().await;
}
