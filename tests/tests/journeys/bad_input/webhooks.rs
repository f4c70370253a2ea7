//! Webhooks that Stripe did not send, and those that concern nobody.

use perennial_tests::{TestApp, sign};
use serde_json::json;

use super::everything;

#[tokio::test]
async fn a_webhook_that_stripe_did_not_sign_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let body = json!({"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1_790_000_000, "livemode": false,
        "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1"}}})
    .to_string();
    let good = sign(&secret, body.as_bytes(), 0);
    let anybody = app.anybody();
    for (what, body, signature) in [
        ("none", body.clone(), None),
        ("nonsense", body.clone(), Some("nonsense".to_owned())),
        (
            "another secret",
            body.clone(),
            Some(sign("whsec_another_one", body.as_bytes(), 0)),
        ),
        (
            "too old",
            body.clone(),
            Some(sign(&secret, body.as_bytes(), -302)),
        ),
        (
            "from the future",
            body.clone(),
            Some(sign(&secret, body.as_bytes(), 310)),
        ),
        ("v0 alone", body.clone(), Some(good.replace("v1=", "v0="))),
        (
            "another body",
            body.replace("cus_1", "cus_2"),
            Some(good.clone()),
        ),
        ("a space more", format!("{body} "), Some(good.clone())),
    ] {
        let answer = anybody.webhook(body, signature.as_deref()).await;
        assert_eq!(answer.expect_error(400), "invalid_signature", "{what}");
    }
    for body in [
        "{}",
        "nonsense",
        "",
        "[1]",
        r#"{"id":"cus_1","type":"a","created":1,"livemode":false}"#,
    ] {
        let signature = sign(&secret, body.as_bytes(), 0);
        let answer = anybody.webhook(body, Some(&signature)).await;
        assert_eq!(answer.expect_error(400), "invalid_event", "{body}");
    }
    let huge = "x".repeat(1024 * 1024 + 1);
    let signature = sign(&secret, huge.as_bytes(), 0);
    let answer = anybody.webhook(huge, Some(&signature)).await;
    assert_eq!(answer.expect_error(413), "body_too_large");
    assert_eq!(everything(&app).await, before);
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn an_event_that_is_of_no_concern_is_kept_and_acknowledged_and_nothing_more() {
    let app = TestApp::start().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let event = |id: &str, kind: &str, livemode: bool, customer: &str| {
        json!({"id": id, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": livemode,
            "data": {"object": {"object": "subscription", "id": "sub_1", "customer": customer}}})
        .to_string()
    };
    app.forget_calls().await;
    for body in [
        event("evt_1", "customer.subscription.updated", true, "cus_1"),
        event("evt_2", "something.new", false, "cus_1"),
        event(
            "evt_3",
            "customer.subscription.updated",
            false,
            "cus_of_another_product",
        ),
        event(
            "evt_3",
            "customer.subscription.updated",
            false,
            "cus_of_another_product",
        ),
        // Text that is not ASCII arrives as it was signed.
        event("evt_4", "something.new", false, "cus_1")
            .replace("something", "j\u{f6}rg")
            .replace("j\u{f6}rg", "som\u{65}thing"),
    ] {
        let signature = sign(&secret, body.as_bytes(), 0);
        let answer = app
            .anybody()
            .webhook(body, Some(&signature))
            .await
            .expect(200);
        assert_eq!(answer.json(), json!({"received": true}));
    }
    app.quiet().await;
    let inbox = app.inbox().await;
    assert_eq!(inbox.len(), 4);
    for item in &inbox {
        assert_eq!(item["status"], "ignored", "{item}");
        assert!(item["error"].is_string(), "it says why: {item}");
    }
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn a_webhook_in_any_language_is_verified_byte_for_byte() {
    let app = TestApp::start().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let body = "{\"id\":\"evt_1\", \"object\":\"event\",\n\"type\":\"product.updated\",\"created\":1790000000,\"livemode\":false,\"data\":{\"object\":{\"object\":\"product\",\"id\":\"prod_1\",\"name\":\"J\u{f6}rg \u{2603} \\u00e9\"}}}";
    let signature = sign(&secret, body.as_bytes(), -290);
    // While a secret is rolled, Stripe signs with both.
    let rolled = signature.replace(",v1=", &format!(",v1={},v1=", "00".repeat(32)));
    app.anybody().webhook(body, Some(&rolled)).await.expect(200);
    app.quiet().await;
    let inbox = app.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert!(
        !inbox[0].to_string().contains('\u{2603}'),
        "no body is kept"
    );
}
