//! Which AWS identity asks, what its signature covers, and below which domain.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};

use super::{SHOP, ShopServer, charge, event, read, text};

async fn as_caller(app: &TestApp, arn: &str, key: &str, body: &Value) -> Answer {
    let mut event = event("POST", "/payments", Some(key), Some(body));
    event["requestContext"]["authorizer"]["iam"]["userArn"] = arn.into();
    read(&app.invoke("payments", event).await)
}

#[tokio::test]
async fn the_keys_of_one_identity_say_nothing_of_those_of_another() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let body = charge("alice", &method, 700);
    let other = charge("alice", &method, 900);
    let first = server.pay("order-1", &body).await.expect(201).json();
    // Another session of the same role, whose name is an e-mail address.
    let session = SHOP.replace("i-0123456789abcdef0", "dora@shop.example");
    let again = as_caller(&app, &session, "order-1", &body).await;
    assert_eq!(again.expect(200).json()["id"], first["id"]);
    let reused = as_caller(&app, &session, "order-1", &other).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");

    let billing = "arn:aws:sts::123456789012:assumed-role/billing/i-1";
    let own = as_caller(&app, billing, "order-1", &other).await;
    assert_eq!(own.expect(201).json()["amount"], 900);
    let user = "arn:aws:iam::123456789012:user/shop";
    let own = as_caller(&app, user, "order-1", &body).await;
    assert_ne!(own.expect(201).json()["id"], first["id"]);
    app.quiet().await;
}

#[tokio::test]
async fn who_asked_is_on_record_without_the_name_of_the_session() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let session = SHOP.replace("i-0123456789abcdef0", "dora@shop.example");
    let body = charge("alice", &method, 700);
    as_caller(&app, &session, "order-1", &body)
        .await
        .expect(201);
    let requests = app.table.items_of("PAYMENT").await;
    assert_eq!(requests.len(), 2);
    for request in &requests {
        let role = "arn:aws:sts::123456789012:assumed-role/shop";
        assert_eq!(request["caller"], role, "{request}");
        assert!(!request.to_string().contains("dora@"), "{request}");
    }
    app.quiet().await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn the_log_tells_who_asked_and_not_in_which_session() {
    let app = TestApp::start_on_lambda().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let session = SHOP.replace("i-0123456789abcdef0", "dora@shop.example");
    let body = charge("alice", &method, 700);
    as_caller(&app, &session, "order-1", &body)
        .await
        .expect(201);
    let lambda = app.lambda.as_ref().unwrap();
    let answered = wait_until("the requests are logged", async || {
        let mut lines = lambda.log();
        lines.retain(|line| line.contains("answered") && line.contains("POST /payments"));
        (lines.len() == 2).then_some(lines)
    })
    .await;
    for line in &answered {
        let role = "arn:aws:sts::123456789012:assumed-role/shop";
        assert!(line.contains(role), "{line}");
    }
    let log = lambda.log().join("\n");
    for session in ["dora@", "i-0123456789abcdef0"] {
        assert!(!log.contains(session), "{log}");
    }
    app.quiet().await;
}

#[tokio::test]
async fn a_signature_that_does_not_cover_the_key_is_refused() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let body = charge("alice", &method, 700);
    let before = app.table.items().await;
    app.forget_calls().await;
    let mut unsigned = event("POST", "/payments", Some("order-1"), Some(&body));
    let header = text(&unsigned["headers"]["authorization"]);
    unsigned["headers"]["authorization"] = header.replace("idempotency-key;", "").into();
    let mut in_query = event("POST", "/payments", Some("order-1"), Some(&body));
    in_query["headers"]
        .as_object_mut()
        .unwrap()
        .remove("authorization");
    in_query["rawQueryString"] = "X-Amz-SignedHeaders=content-type%3Bhost".into();
    for event in [unsigned, in_query] {
        let refused = read(&app.invoke("payments", event).await);
        assert_eq!(refused.expect_error(400), "idempotency_key_unsigned");
    }
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(app.table.items().await, before);
    server.pay("order-1", &body).await.expect(201);
    app.quiet().await;
}

/// What API Gateway hands over below a custom domain that maps the API to `/billing`.
fn below_billing(mut event: Value) -> Value {
    for place in ["/rawPath", "/requestContext/http/path"] {
        let path = event.pointer_mut(place).unwrap();
        *path = format!("/billing{}", text(path)).into();
    }
    event["requestContext"]["domainName"] = "api.shop.example".into();
    event
}

/// What `cargo lambda watch` makes of the same request: it knows no routes.
fn without_a_route(mut event: Value) -> Value {
    event["routeKey"] = "$default".into();
    event["requestContext"]["routeKey"] = "$default".into();
    event["pathParameters"] = json!({});
    event
}

#[tokio::test]
async fn every_route_is_found_below_a_path_of_the_domain_and_without_a_route_key() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    for (number, change) in [below_billing, without_a_route].into_iter().enumerate() {
        let ask = async |verb: &str, path: &str, body: Option<Value>| {
            let key = format!("{path} {number}").replace([' ', '/'], "-");
            let key = body.as_ref().map(|_| key.as_str());
            let event = change(event(verb, path, key, body.as_ref()));
            read(&app.invoke("payments", event).await)
        };
        let mut body = charge("alice", &method, 700 + number as u64);
        body["capture"] = "manual".into();
        let held = ask("POST", "/payments", Some(body))
            .await
            .expect(201)
            .json();
        let path = format!("/payments/{}", text(&held["id"]));
        ask("GET", &path, None).await.expect(200);
        let more = Some(json!({"amount": 900}));
        ask("POST", &format!("{path}/increment"), more)
            .await
            .expect(200);
        let captured = ask("POST", &format!("{path}/capture"), Some(json!({}))).await;
        assert_eq!(captured.expect(200).json()["amount_received"], 900);
        let back = Some(json!({"amount": 100}));
        ask("POST", &format!("{path}/refunds"), back)
            .await
            .expect(201);
        let late = ask("POST", &format!("{path}/cancel"), Some(json!({}))).await;
        assert_eq!(late.expect_error(409), "not_cancelable");
        let token = app.stripe.apple_pay_token(json!({})).await;
        let body = Some(json!({"user": "alice", "token": token}));
        ask("POST", "/payment-methods/migrate", body)
            .await
            .expect(201);
        let path = format!("/payment-methods/{method}/diagnosis?user=alice");
        ask("GET", &path, None).await.expect(200);
        let unknown = ask("POST", "/payments/pi_1/keep", Some(json!({}))).await;
        assert_eq!(unknown.expect_error(404), "unknown_route");
    }
    app.quiet().await;
}
