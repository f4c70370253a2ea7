//! Webhooks that Stripe did not send, and those that concern nobody.

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{TestApp, sign};
use perennial_types::Clock;
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
    let event = |id: &str, kind: &str, customer: &str| {
        json!({"id": id, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": false,
            "data": {"object": {"object": "subscription", "id": "sub_1", "customer": customer}}})
        .to_string()
    };
    app.forget_calls().await;
    for body in [
        event("evt_2", "something.new", "cus_1"),
        event(
            "evt_3",
            "customer.subscription.updated",
            "cus_of_another_product",
        ),
        event(
            "evt_3",
            "customer.subscription.updated",
            "cus_of_another_product",
        ),
        // Text that is not ASCII arrives as it was signed.
        event("evt_4", "something.new", "cus_1")
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
    assert_eq!(inbox.len(), 3);
    for item in &inbox {
        assert_eq!(item["status"], "ignored", "{item}");
        assert!(item["error"].is_string(), "it says why: {item}");
    }
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn an_event_of_an_endpoint_that_is_set_up_wrongly_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let before = everything(&app).await;
    for (change, said) in [
        (
            json!({"object": "v2.core.event", "created": "2026-11-24T00:00:00.000Z",
            "related_object": {"id": "sub_1", "type": "subscription"}}),
            "snapshot payloads",
        ),
        (
            json!({"livemode": true}),
            "The event is of live mode, and this endpoint takes test mode",
        ),
        (json!({"account": "acct_1"}), "events of your own account"),
    ] {
        let mut event = json!({"id": "evt_1", "object": "event", "type": "customer.subscription.updated",
            "created": 1_790_000_000, "livemode": false,
            "data": {"object": {"object": "subscription", "id": "sub_1", "customer": "cus_1"}}});
        for (name, value) in change.as_object().unwrap() {
            event[name] = value.clone();
        }
        let body = event.to_string();
        let signature = sign(&secret, body.as_bytes(), 0);
        let answer = app.anybody().webhook(body, Some(&signature)).await;
        assert_eq!(
            answer.expect_error(400),
            "webhook_misconfigured",
            "{change}"
        );
        assert!(answer.text.contains(said), "{}", answer.text);
    }
    assert!(app.inbox().await.is_empty());
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn an_event_of_a_destination_that_is_set_up_wrongly_is_dropped_with_a_reason() {
    let app = TestApp::start().await;
    let partner_events =
        partner_events::App::start(&app.env_of("partner-events", &[]), Clock::system())
            .await
            .unwrap();
    let recorded = include_str!("../../../../events/partner-events-invoice-paid.json");
    for (name, value, said) in [
        ("object", json!("v2.core.event"), "snapshot payloads"),
        ("livemode", json!(true), "is of live mode"),
        ("account", json!("acct_1"), "of a connected account"),
    ] {
        let mut event: serde_json::Value = serde_json::from_str(recorded).unwrap();
        event["detail"][name] = value;
        let answer = partner_events.handle(event).await.unwrap();
        assert_eq!(answer["stored"], false, "{answer}");
        assert!(
            answer["reason"].as_str().unwrap().contains(said),
            "{answer}"
        );
    }
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn an_event_of_another_version_of_the_api_is_a_hint_like_any_other() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let subscription = &app.stripe.objects("subscription").await[0];
    // Before 2025-03-31.basil, an invoice named its subscription beside its parent.
    let body = json!({"id": "evt_old", "object": "event", "type": "invoice.paid", "api_version": "2020-08-27",
        "created": 1_790_000_000, "livemode": false, "data": {"object": {"object": "invoice", "id": "in_1",
            "customer": subscription["customer"], "subscription": subscription["id"]}}})
    .to_string();
    let signature = sign(&secret, body.as_bytes(), 0);
    app.anybody()
        .webhook(body, Some(&signature))
        .await
        .expect(200);
    app.quiet().await;
    let inbox = app.inbox().await;
    let item = inbox
        .iter()
        .find(|item| item["event"] == "evt_old")
        .unwrap();
    assert_eq!(item["status"], "processed", "{item}");
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
