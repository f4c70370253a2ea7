//! The address to which Stripe writes: of a token, or of the shop's server, and kept nowhere here.

use perennial_tests::{Answer, Setup, TestApp};
use serde_json::{Value, json};

use crate::payments::{ShopServer, all, text};

const ADDRESS: &str = "alice@example.com";

async fn with_claim(claim: &'static str) -> TestApp {
    let setup = Setup {
        email_claim: Some(claim),
        ..Setup::default()
    };
    TestApp::with(setup).await
}

/// A click with these claims beside `sub`, as API Gateway has verified them.
async fn click(app: &TestApp, claims: &Value) -> Value {
    let recorded = include_str!("../../../events/client-secret-new.json");
    let mut event: Value = serde_json::from_str(recorded).unwrap();
    let body = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay"});
    event["body"] = body.to_string().into();
    let known = &mut event["requestContext"]["authorizer"]["jwt"]["claims"];
    known["sub"] = "alice".into();
    for (name, value) in claims.as_object().unwrap() {
        known[name] = value.clone();
    }
    app.invoke("client-secret", event).await
}

async fn addresses(app: &TestApp) -> Vec<Value> {
    let customers = app.stripe.objects("customer").await;
    customers.iter().map(|it| it["email"].clone()).collect()
}

async fn set(app: &TestApp, email: Value) -> Answer {
    let body = json!({"user": "alice", "email": email});
    ShopServer::of(app)
        .post("/shop/users/email", "", &body)
        .await
}

#[tokio::test]
async fn a_customer_that_is_created_gets_the_address_of_the_token_once() {
    let app = with_claim("email").await;
    app.forget_calls().await;
    let clicked = click(&app, &json!({"email": ADDRESS, "email_verified": "true"})).await;
    assert_eq!(clicked["statusCode"], 201, "{clicked}");
    let first = app.calls().await.to_string();
    assert_eq!(addresses(&app).await, [ADDRESS]);
    // It has changed since, of which the shop's server tells.
    app.forget_calls().await;
    click(&app, &json!({"email": "other@example.com"})).await;
    let again = app.calls().await.to_string();
    assert_eq!(addresses(&app).await, [ADDRESS]);
    insta::assert_snapshot!(format!("first\n    {first}\nagain\n    {again}"), @"
    first
        Stripe: POST /v1/customers, POST /v1/customers/{id}, POST /v1/setup_intents; DynamoDB: Query, 3 x TransactWriteItems, UpdateItem
    again
        Stripe: GET /v1/setup_intents/{id}; DynamoDB: Query
    ");
}

#[tokio::test]
async fn what_is_no_verified_address_is_left_out() {
    for (setting, claims) in [
        ("email", json!({})),
        ("email", json!({"email": ""})),
        ("email", json!({"email": "alice"})),
        ("email", json!({"email": "a@b@example.com"})),
        ("email", json!({"email": "alice@exam\nple.com"})),
        (
            "email",
            json!({"email": ADDRESS, "email_verified": "false"}),
        ),
        ("https://shop.example/mail", json!({"email": ADDRESS})),
        ("", json!({"email": ADDRESS})),
    ] {
        let app = with_claim(setting).await;
        app.forget_calls().await;
        let clicked = click(&app, &claims).await;
        assert_eq!(clicked["statusCode"], 201, "{claims}: {clicked}");
        assert_eq!(addresses(&app).await, [Value::Null], "{claims}");
        // And costs nothing.
        let asked = app.stripe.requests().await;
        let changes = |it: &&Value| text(&it["path"]).starts_with("/v1/customers/");
        assert_eq!(asked.iter().filter(changes).count(), 0, "{claims}");
    }
}

#[tokio::test]
async fn a_click_is_not_lost_by_an_address_that_stripe_refuses() {
    let app = with_claim("email").await;
    let fault = json!({"method": "POST", "path": "/v1/customers/*", "fault": "status", "status": 400, "times": 1,
        "body": {"error": {"type": "invalid_request_error", "code": "email_invalid", "message": "Invalid email address: alice@example.com"}}});
    app.stripe.fault(fault).await;
    let clicked = click(&app, &json!({"email": ADDRESS})).await;
    assert_eq!(clicked["statusCode"], 201, "{clicked}");
    assert_eq!(addresses(&app).await, [Value::Null]);
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_one_customer_with_the_address() {
    for path in ["/v1/customers", "/v1/customers/*"] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let app = with_claim("email").await;
            let fault =
                json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            app.stripe.fault(fault.clone()).await;
            let failed = click(&app, &json!({"email": ADDRESS})).await;
            assert_eq!(failed["statusCode"], 503, "{fault}");
            app.stripe.no_faults().await;
            let clicked = click(&app, &json!({"email": ADDRESS})).await;
            assert_eq!(clicked["statusCode"], 201, "{fault}: {clicked}");
            assert_eq!(addresses(&app).await, [ADDRESS], "{fault}");
        }
    }
}

#[tokio::test]
async fn a_server_sets_changes_and_removes_it() {
    let app = TestApp::start().await;
    let unknown = set(&app, Value::Null).await.expect(200).json();
    assert_eq!(unknown, json!({"user": "alice", "customer": null}));
    assert!(app.table.items_of("CUSTOMER").await.is_empty());
    let made = set(&app, json!(ADDRESS)).await.expect(200).json();
    assert_eq!(addresses(&app).await, [ADDRESS]);
    app.forget_calls().await;
    let changed = set(&app, json!("other@example.com"))
        .await
        .expect(200)
        .json();
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: POST /v1/customers/{id}; DynamoDB: GetItem");
    assert_eq!(changed, made);
    assert_eq!(addresses(&app).await, ["other@example.com"]);
    set(&app, Value::Null).await.expect(200);
    assert!(
        addresses(&app)
            .await
            .iter()
            .all(|it| it.is_null() || it == "")
    );
    // At once they make one customer.
    let app = TestApp::start().await;
    for answer in all([0; 4].map(|_| set(&app, json!(ADDRESS)))).await {
        assert!(matches!(answer.status, 200 | 429), "{}", answer.text);
    }
    assert_eq!(addresses(&app).await, [ADDRESS]);
}

#[tokio::test]
async fn a_bad_address_changes_nothing_and_is_not_repeated() {
    let app = TestApp::start().await;
    set(&app, json!(ADDRESS)).await.expect(200);
    let long = format!("{}@example.com", "a".repeat(501));
    for email in [
        json!("mallory"),
        json!("mallory@"),
        json!("@mallory"),
        json!("mallory@b@example.com"),
        json!("mallory @example.com"),
        json!("mallory@exam\u{0}ple.com"),
        json!(""),
        json!(long),
        json!(5),
        json!(["mallory@example.com"]),
    ] {
        let refused = set(&app, email.clone()).await;
        assert_eq!(refused.expect_error(400), "invalid_field", "{email}");
        assert!(!refused.text.contains("mallory"), "{}", refused.text);
    }
    let server = ShopServer::of(&app);
    let missing = server
        .post("/shop/users/email", "", &json!({"user": "alice"}))
        .await;
    assert_eq!(missing.expect_error(400), "missing_field");
    let fault = json!({"method": "POST", "path": "/v1/customers/*", "fault": "status", "status": 400, "times": 1,
        "body": {"error": {"type": "invalid_request_error", "code": "email_invalid", "message": "Invalid email address: mallory@example.com"}}});
    app.stripe.fault(fault).await;
    let refused = set(&app, json!("mallory@example.com")).await;
    assert_eq!(refused.expect_error(400), "email_refused");
    assert!(!refused.text.contains("mallory"), "{}", refused.text);
    assert_eq!(addresses(&app).await, [ADDRESS]);
    let alice = app.shopper("alice");
    let request = alice.calls.request("POST", "/shop/users/email");
    let request = request.json(&json!({"user": "alice", "email": ADDRESS}));
    alice.calls.send(request).await.expect(403);
}

#[tokio::test]
async fn a_customer_that_stripe_has_deleted_is_created_anew() {
    let app = TestApp::start().await;
    let made = set(&app, json!(ADDRESS)).await.expect(200).json();
    app.stripe.hold_webhooks().await;
    let path = format!("/v1/customers/{}", text(&made["customer"]));
    app.stripe.api("DELETE", &path, &[]).await;
    let busy = set(&app, json!(ADDRESS)).await;
    assert_eq!(busy.expect_error(429), "busy");
    let again = set(&app, json!(ADDRESS)).await.expect(200).json();
    assert_ne!(again["customer"], made["customer"]);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}
