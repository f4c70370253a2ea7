//! What is no request, or comes from somebody who may not ask.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, event, read};

#[tokio::test]
async fn only_the_shops_servers_are_answered() {
    let app = TestApp::start().await;
    let shopper = json!({"jwt": {"claims": {"sub": "alice"}, "scopes": null}});
    for authorizer in [Value::Null, json!({}), json!({"iam": {}}), shopper] {
        for (method, path) in [
            ("POST", "/payments"),
            ("GET", "/payments/pi_1"),
            ("POST", "/payments/pi_1/refunds"),
            ("POST", "/payment-methods/migrate"),
            ("GET", "/payment-methods/pm_1/diagnosis?user=alice"),
        ] {
            let mut asked = event(method, path, Some("key-1"), Some(&json!({})));
            asked["requestContext"]["authorizer"] = authorizer.clone();
            let refused = read(&app.invoke("payments", asked).await);
            assert_eq!(refused.expect_error(403), "forbidden", "{method} {path}");
        }
    }
    assert!(app.stripe.requests().await.is_empty());
    assert!(app.to_dynamodb.counts().is_empty());
}

#[tokio::test]
async fn every_post_needs_a_key() {
    let app = TestApp::start().await;
    let pay = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    for path in [
        "/payments",
        "/payments/pi_1/increment",
        "/payments/pi_1/capture",
        "/payments/pi_1/cancel",
        "/payments/pi_1/refunds",
        "/payment-methods/migrate",
    ] {
        let refused = read(
            &app.invoke("payments", event("POST", path, None, Some(&pay)))
                .await,
        );
        assert_eq!(
            refused.expect_error(400),
            "idempotency_key_required",
            "{path}"
        );
    }
    let long = "k".repeat(256);
    for key in ["", "two words", "ünlaut", &*long] {
        let asked = event("POST", "/payments", Some(key), Some(&pay));
        let refused = read(&app.invoke("payments", asked).await);
        assert_eq!(
            refused.expect_error(400),
            "invalid_idempotency_key",
            "{key}"
        );
    }
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn a_payment_that_cannot_be_is_refused_with_a_code() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let pay = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    let saved = json!({"wallet": null, "payment_method": "pm_1", "off_session": true});
    let with = |base: &Value, changes: Value| {
        let mut body = base.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let saved = with(&pay, saved);
    for (body, code) in [
        (with(&pay, json!({"amount": 49})), "amount_too_small"),
        (with(&pay, json!({"amount": 0})), "amount_too_small"),
        (
            with(&pay, json!({"amount": 100_000_000})),
            "amount_too_large",
        ),
        (
            with(&pay, json!({"amount": 49, "currency": "JPY"})),
            "amount_too_small",
        ),
        (
            with(&pay, json!({"amount": 5001, "currency": "kwd"})),
            "amount_not_chargeable",
        ),
        (
            with(&pay, json!({"amount": 550, "currency": "isk"})),
            "amount_not_chargeable",
        ),
        (
            with(&pay, json!({"currency": "dollars"})),
            "invalid_currency",
        ),
        (with(&pay, json!({"currency": "xau"})), "invalid_currency"),
        (with(&saved, json!({"currency": "xau"})), "invalid_currency"),
        (with(&saved, json!({"amount": 49})), "amount_too_small"),
        (
            with(&saved, json!({"amount": 100_000_000})),
            "amount_too_large",
        ),
        (
            with(&saved, json!({"amount": 17_499, "currency": "huf"})),
            "amount_too_small",
        ),
        (
            with(&saved, json!({"amount": 5001, "currency": "kwd"})),
            "amount_not_chargeable",
        ),
        (with(&pay, json!({"amount": -500})), "invalid_field"),
        (with(&pay, json!({"amount": 5.5})), "invalid_field"),
        (with(&pay, json!({"amount": "500"})), "invalid_field"),
        (with(&pay, json!({"user": ""})), "invalid_field"),
        (with(&pay, json!({"usage": "sometimes"})), "invalid_field"),
        (with(&pay, json!({"capture": "never"})), "invalid_field"),
        (
            with(&pay, json!({"description": "d".repeat(501)})),
            "invalid_field",
        ),
        (with(&pay, json!({"wallet": "paypal"})), "unknown_wallet"),
        (
            with(&pay, json!({"wallet": "amazon_pay"})),
            "wallet_not_supported",
        ),
        (with(&pay, json!({"wallet": null})), "missing_field"),
        (with(&pay, json!({"off_session": true})), "missing_field"),
        (
            with(&pay, json!({"usage": "recurring"})),
            "usage_without_save",
        ),
        (with(&pay, json!({"customer": "cus_1"})), "unknown_field"),
        (json!({"user": "alice"}), "missing_field"),
        (with(&saved, json!({"save": true})), "conflicting_fields"),
        (
            with(&saved, json!({"wallet": "apple_pay"})),
            "conflicting_fields",
        ),
        (with(&saved, json!({"kind": "once"})), "conflicting_fields"),
        (with(&saved, json!({"amount": 1})), "amount_too_small"),
    ] {
        let refused = server.pay("key-1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    for (path, body, code) in [
        ("/payments/pi_1/increment", json!({}), "missing_field"),
        (
            "/payments/pi_1/capture",
            json!({"amount": -1}),
            "invalid_field",
        ),
        (
            "/payments/pi_1/cancel",
            json!({"reason": "no"}),
            "unknown_field",
        ),
        (
            "/payments/pi_1/refunds",
            json!({"reason": "regret"}),
            "invalid_field",
        ),
        (
            "/payment-methods/migrate",
            json!({"user": "alice"}),
            "missing_field",
        ),
    ] {
        let refused = server.post(path, "key-1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{path} {body}");
    }
    let unnamed = server.get("/payment-methods/pm_1/diagnosis").await;
    assert_eq!(unnamed.expect_error(400), "missing_field");
    assert!(app.stripe.requests().await.is_empty());
    assert!(app.table.items().await.is_empty());
}

#[tokio::test]
async fn there_are_no_other_routes() {
    let app = TestApp::start().await;
    for (method, path) in [
        ("GET", "/payments"),
        ("DELETE", "/payments/pi_1"),
        ("POST", "/payments/pi_1/pay"),
        ("POST", "/payments/pi_1/capture/now"),
        ("GET", "/payment-methods/pm_1"),
    ] {
        let asked = event(method, path, Some("key-1"), Some(&json!({})));
        let refused = read(&app.invoke("payments", asked).await);
        assert_eq!(
            refused.expect_error(404),
            "unknown_route",
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn what_only_stripe_knows_to_be_wrong_is_refused_with_a_code_as_well() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    for (number, (error, status, code)) in [
        (json!({"param": "currency"}), 400, "invalid_currency"),
        (
            json!({"code": "amount_too_small", "param": "amount"}),
            400,
            "amount_too_small",
        ),
        (
            json!({"code": "amount_too_large", "param": "amount"}),
            400,
            "amount_too_large",
        ),
        (
            json!({"code": "payment_method_not_available"}),
            502,
            "wallet_not_enabled",
        ),
        (
            json!({"code": "parameter_unknown", "param": "color"}),
            502,
            "stripe_refused",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut error = error;
        error["type"] = "invalid_request_error".into();
        let fault = json!({"method": "POST", "path": "/v1/payment_intents", "fault": "status", "status": 400,
            "body": {"error": error}, "times": 1});
        app.stripe.fault(fault).await;
        let body =
            json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
        for _ in 0..2 {
            let refused = server.pay(&format!("key-{number}"), &body).await;
            assert_eq!(refused.expect_error(status), code, "{error}");
        }
    }
    assert!(app.stripe.objects("payment_intent").await.is_empty());
}

#[tokio::test]
async fn a_customer_that_was_deleted_at_stripe_is_created_anew_for_the_next_key() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    server.pay("key-1", &body).await.expect(201);
    let fault = json!({"method": "POST", "path": "/v1/payment_intents", "fault": "status", "status": 400,
        "body": {"error": {"type": "invalid_request_error", "code": "resource_missing", "param": "customer"}}, "times": 1});
    app.stripe.fault(fault).await;
    let refused = server.pay("key-2", &body).await;
    assert_eq!(refused.expect_error(409), "customer_deleted");
    let forgotten = app.table.items_of("CUSTOMER").await;
    assert!(forgotten.iter().all(|it| it.get("customer").is_none()));
}
