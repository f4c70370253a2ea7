//! Stripe or the table fails in the middle; the same key, sent again, does it once.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{
    ShopServer,
    asked_again::{OwnServer, lose_answers},
    charge,
    migration::MIGRATE,
    text,
};

#[tokio::test]
async fn whatever_stripe_does_one_key_is_one_charge() {
    for fault in [
        json!({"fault": "timeout_before", "delay_ms": 20, "times": 20}),
        json!({"fault": "timeout_after", "delay_ms": 20, "times": 20}),
        json!({"fault": "severed", "times": 20}),
        json!({"fault": "status", "status": 500, "times": 20}),
        json!({"fault": "status", "status": 429, "code": "rate_limit", "times": 20}),
    ] {
        let app = TestApp::start().await;
        let server = ShopServer::of(&app);
        let method = server.saved_method("alice").await;
        let mut with_path = fault.clone();
        with_path["method"] = "POST".into();
        with_path["path"] = "/v1/payment_intents".into();
        app.stripe.fault(with_path).await;
        let body = charge("alice", &method, 700);
        let lost = server.pay("order-1", &body).await;
        let (status, code) = match fault["code"].as_str() {
            Some("rate_limit") => (429, "stripe_busy"),
            _ => (503, "stripe_unavailable"),
        };
        assert_eq!(lost.expect_error(status), code, "{fault}");
        assert!(lost.retry_after().is_some());
        app.stripe.no_faults().await;
        let paid = server.pay("order-1", &body).await.expect(201).json();
        assert_eq!(paid["status"], "succeeded", "{fault}");
        assert_eq!(app.stripe.objects("charge").await.len(), 2, "{fault}");
        app.quiet().await;
    }
}

#[tokio::test]
async fn each_step_of_a_migration_may_lose_its_answer() {
    for path in ["/v1/customers", "/v1/payment_methods", "/v1/setup_intents"] {
        let app = TestApp::start().await;
        let server = ShopServer::of(&app);
        let token = app.stripe.apple_pay_token(json!({})).await;
        let body = json!({"user": "alice", "token": token});
        lose_answers(&app, path).await;
        let lost = server.post(MIGRATE, "move-1", &body).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable", "{path}");
        app.stripe.no_faults().await;
        let saved = server
            .post(MIGRATE, "move-1", &body)
            .await
            .expect(201)
            .json();
        assert_eq!(saved["status"], "saved", "{path}");
        let kept = app.table.items().await;
        assert!(
            kept.iter().all(|item| !item.to_string().contains("tok_")),
            "{kept:?}"
        );
        for kind in ["customer", "payment_method", "setup_intent"] {
            assert_eq!(app.stripe.objects(kind).await.len(), 1, "{path}: {kind}");
        }
        app.quiet().await;
    }
}

/// The table goes down once Stripe has carried a call out, and comes back later.
async fn check_table_lost_after(path: &str, ask: &str, body: impl AsyncFn(&TestApp) -> Value) {
    let app = TestApp::start().await;
    let server = OwnServer::of(&app).await;
    let body = body(&app).await;
    // The answer comes late enough for the table to be gone when it does.
    let fault = json!({"method": "POST", "path": path, "fault": "timeout_after", "delay_ms": 500, "times": 1});
    app.stripe.fault(fault).await;
    app.forget_calls().await;
    let (lost, ()) = tokio::join!(server.post(ask, "key-1", &body), async {
        perennial_tests::wait_until("Stripe has carried the call out", async || {
            let requests = app.stripe.requests().await;
            requests.iter().any(|it| it["path"] == path).then_some(())
        })
        .await;
        app.to_dynamodb.set_down(true);
    });
    assert_eq!(lost.expect_error(503), "table_unavailable", "{path}");
    app.to_dynamodb.set_down(false);
    // The lease of the one that failed runs out.
    server.wait(13);
    let done = server.post(ask, "key-1", &body).await.expect(201).json();
    assert!(
        matches!(text(&done["status"]), "saved" | "succeeded"),
        "{done}"
    );
    for kind in ["payment_intent", "setup_intent"] {
        assert!(app.stripe.objects(kind).await.len() <= 2, "{path}: {kind}");
    }
    app.quiet().await;
}

#[tokio::test]
async fn a_table_that_is_lost_after_the_charge_does_not_charge_twice() {
    check_table_lost_after("/v1/payment_intents", "/payments", async |app| {
        let method = ShopServer::of(app).saved_method("alice").await;
        charge("alice", &method, 700)
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_lost_after_either_step_of_a_migration_loses_no_token() {
    for path in ["/v1/payment_methods", "/v1/setup_intents"] {
        check_table_lost_after(path, MIGRATE, async |app| {
            let token = app.stripe.apple_pay_token(json!({})).await;
            json!({"user": "alice", "token": token})
        })
        .await;
    }
}

#[tokio::test]
async fn without_the_table_nothing_is_asked_of_stripe() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    app.quiet().await;
    app.forget_calls().await;
    app.to_dynamodb.set_down(true);
    let token = json!({"user": "alice", "token": "tok_1"});
    for answer in [
        server.pay("order-1", &charge("alice", &method, 700)).await,
        server.post(MIGRATE, "move-1", &token).await,
        server
            .post("/payments/pi_1/capture", "take", &json!({}))
            .await,
    ] {
        assert_eq!(answer.expect_error(503), "table_unavailable");
        assert!(answer.retry_after().is_some());
    }
    assert!(app.stripe.requests().await.is_empty());
    app.to_dynamodb.set_down(false);
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_no_charge() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let fault = json!({"method": "GET", "path": "/v1/setup_intents", "fault": "status", "status": 503, "times": 20});
    app.stripe.fault(fault).await;
    app.forget_calls().await;
    let body = charge("alice", &method, 700);
    let refused = server.pay("order-1", &body).await;
    assert_eq!(refused.expect_error(503), "stripe_unavailable");
    assert!(
        app.stripe
            .requests_to("POST /v1/payment_intents")
            .await
            .is_empty()
    );
    app.stripe.no_faults().await;
    server.pay("order-1", &body).await.expect(201);
    app.quiet().await;
}

#[tokio::test]
async fn a_failure_that_stripe_repeats_is_looked_behind() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let fault = json!({"method": "POST", "path": "/v1/payment_intents", "fault": "status", "status": 500,
        "after": true, "stored": true, "times": 1});
    app.stripe.fault(fault).await;
    let body = charge("alice", &method, 700);
    let paid = server.pay("order-1", &body).await;
    assert_eq!(paid.expect(201).json()["status"], "succeeded");
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
    app.quiet().await;
}
