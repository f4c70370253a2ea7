//! Bodies that are wrong.

use perennial_tests::{Setup, TestApp};
use serde_json::{Value, json};

use super::{everything, post, two_shoppers};

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_a_code_of_its_own() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let caller = app.caller("carol");
    let json = Some("application/json");
    let good = r#""plan":"stock-photos-monthly","wallet":"amazon_pay""#;
    let too_large = format!(r#"{{{good},"return_to":"/{}"}}"#, "x".repeat(64 * 1024));
    for (path, kind, body, status, code) in [
        (
            "/client-secret",
            json,
            r#"{"plan":"gold","wallet":"amazon_pay"}"#,
            400,
            "unknown_plan",
        ),
        (
            "/client-secret",
            json,
            r#"{"plan":"","wallet":"amazon_pay"}"#,
            400,
            "unknown_plan",
        ),
        (
            "/client-secret",
            json,
            r#"{"plan":"stock-photos-monthly","wallet":"paypal"}"#,
            400,
            "unknown_wallet",
        ),
        (
            "/client-secret",
            json,
            r#"{"plan":"stock-photos-monthly","wallet":"Amazon_Pay"}"#,
            400,
            "unknown_wallet",
        ),
        (
            "/client-secret",
            json,
            &format!(r#"{{{good},"amount":1}}"#),
            400,
            "unknown_field",
        ),
        (
            "/client-secret",
            json,
            &format!(r#"{{{good},"customer":"cus_1"}}"#),
            400,
            "unknown_field",
        ),
        (
            "/client-secret",
            json,
            r#"{"wallet":"amazon_pay"}"#,
            400,
            "missing_field",
        ),
        (
            "/client-secret",
            json,
            r#"{"plan":"stock-photos-monthly"}"#,
            400,
            "missing_field",
        ),
        (
            "/client-secret",
            json,
            r#"{"plan":7,"wallet":"amazon_pay"}"#,
            400,
            "invalid_field",
        ),
        (
            "/client-secret",
            json,
            &format!(r#"{{{good},"confirm":"nobody"}}"#),
            400,
            "invalid_field",
        ),
        (
            "/client-secret",
            json,
            &format!("{{{good}"),
            400,
            "malformed_json",
        ),
        ("/client-secret", json, "[]", 400, "malformed_json"),
        ("/client-secret", json, "", 400, "malformed_json"),
        ("/client-secret", json, "\u{0}", 400, "malformed_json"),
        (
            "/client-secret",
            Some("text/plain"),
            &format!("{{{good}}}"),
            415,
            "unsupported_content_type",
        ),
        (
            "/client-secret",
            Some("application/x-www-form-urlencoded"),
            "plan=a",
            415,
            "unsupported_content_type",
        ),
        (
            "/client-secret",
            None,
            &format!("{{{good}}}"),
            415,
            "unsupported_content_type",
        ),
        ("/client-secret", json, &too_large, 413, "body_too_large"),
        ("/subscriptions", json, "{}", 400, "missing_field"),
        (
            "/subscriptions",
            json,
            r#"{"checkout":"chk_1","price":"price_1"}"#,
            400,
            "unknown_field",
        ),
        (
            "/subscriptions",
            json,
            r#"{"checkout":null}"#,
            400,
            "missing_field",
        ),
        ("/subscriptions", json, "{", 400, "malformed_json"),
        (
            "/subscriptions",
            Some("text/html"),
            "{}",
            415,
            "unsupported_content_type",
        ),
        ("/subscriptions", json, &too_large, 413, "body_too_large"),
        (
            "/subscriptions",
            json,
            r#"{"checkout":"chk_nobody"}"#,
            404,
            "unknown_checkout",
        ),
    ] {
        let answer = post(&caller, path, kind, body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.expect_error(status), code, "{path} {shown}");
    }
    assert!(
        app.stripe.requests().await.is_empty(),
        "Stripe is not asked about nonsense"
    );
    let fine = format!("{{{good}}}");
    let alice_again = post(
        &app.caller("alice"),
        "/client-secret",
        Some("Application/JSON; charset=utf-8"),
        &fine,
    )
    .await;
    assert_eq!(
        alice_again.expect(200).json()["checkout"],
        alice["checkout"]
    );
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_return_to_that_leaves_the_shop_is_refused() {
    let app = TestApp::start().await;
    let caller = app.caller("alice");
    let before = everything(&app).await;
    for path in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "account",
        "",
        " /account",
        "/account#there",
        "@evil.example",
        ".evil.example/",
        ":8080@evil.example",
        &format!("/{}", "x".repeat(600)),
    ] {
        let ask =
            json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "return_to": path});
        let answer = caller.client_secret(&ask).await;
        assert_eq!(answer.expect_error(400), "invalid_return_to", "{path}");
    }
    assert_eq!(everything(&app).await, before);
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn a_mandate_needs_the_browser_that_agreed() {
    let app = TestApp::start().await;
    let caller = app.caller("alice");
    let ask = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "confirm": "server"});
    for browser in [String::new(), "x".repeat(1025)] {
        let request = caller.request("POST", "/client-secret");
        let request = request.header("user-agent", browser).json(&ask);
        let answer = caller.send(request).await;
        assert_eq!(answer.expect_error(400), "consent_incomplete");
    }
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn a_currency_that_amazon_pay_does_not_take_is_refused() {
    let plans = r#"{"brazil":{"lookup_key":"brazil","group":"photos","label":"Photos"}}"#;
    let app = TestApp::with(Setup {
        plans: Some(plans.to_owned()),
        prices: vec![vec![
            ("product_data[name]", "Photos".to_owned()),
            ("lookup_key", "brazil".to_owned()),
            ("currency", "brl".to_owned()),
            ("unit_amount", "900".to_owned()),
            ("recurring[interval]", "month".to_owned()),
        ]],
        ..Setup::default()
    })
    .await;
    // The event of the price that was just created.
    app.quiet().await;
    app.forget_calls().await;
    let before = app.table.items().await;
    let refused = app.caller("alice").click("brazil").await;
    assert_eq!(refused.expect_error(400), "currency_not_supported");
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(app.table.items().await, before);
}

#[tokio::test]
async fn an_event_with_an_invalid_base64_body_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (function, method, path) in [
        ("client-secret", "POST", "/client-secret"),
        ("subscribe", "POST", "/subscriptions"),
        ("webhook", "POST", "/webhooks/stripe"),
    ] {
        let event = json!({
            "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json", "stripe-signature": "t=1,v1=00"},
            "requestContext": {
                "accountId": "0", "apiId": "a", "domainName": "a.example", "domainPrefix": "a", "requestId": "r1",
                "routeKey": format!("{method} {path}"), "stage": "$default", "time": "24/Nov/2026:00:00:00 +0000",
                "timeEpoch": 0,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "x"},
                "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
            },
            "body": "###not base64###", "isBase64Encoded": true,
        });
        let answer = app.invoke(function, event).await;
        assert_eq!(answer["statusCode"], 400, "{function}");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "invalid_body", "{function}");
    }
    assert_eq!(everything(&app).await, before);
}
