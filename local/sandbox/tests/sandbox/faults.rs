use crate::support::Stripe;
use perennial_sandbox::SECRET_KEY;
use serde_json::json;
use std::time::Duration;

const PATH: &str = "/v1/customers";

async fn customers(stripe: &Stripe) -> usize {
    stripe.get(PATH, &[]).await.ok()["data"]
        .as_array()
        .unwrap()
        .len()
}

/// The error of a request that gets no whole answer.
async fn broken(stripe: &Stripe, key: &str) -> bool {
    let request = stripe
        .request("POST", PATH, &[("name", "A")])
        .header("idempotency-key", key)
        .timeout(Duration::from_millis(700));
    match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    }
}

#[tokio::test]
async fn a_timeout_comes_before_or_after_the_effect() {
    let stripe = Stripe::start().await;
    for (fault, effect) in [("timeout_before", 0), ("timeout_after", 1)] {
        let before = customers(&stripe).await;
        stripe
            .control(
                "/faults",
                json!({"method": "POST", "path": PATH, "fault": fault}),
            )
            .await;
        assert!(broken(&stripe, fault).await);
        assert_eq!(customers(&stripe).await - before, effect, "{fault}");
        // The same key finds out what happened, or does it now.
        let again = stripe.post_keyed(fault, PATH, &[("name", "A")]).await;
        assert_eq!(
            (again.status, again.header("idempotent-replayed")),
            (200, if effect == 1 { "true" } else { "" })
        );
        assert_eq!(customers(&stripe).await - before, 1);
    }
}

#[tokio::test]
async fn a_timeout_that_ends_drops_the_connection_without_a_status() {
    let stripe = Stripe::start().await;
    for fault in ["timeout_before", "timeout_after"] {
        stripe
            .control(
                "/faults",
                json!({"path": PATH, "fault": fault, "delay_ms": 50}),
            )
            .await;
        let request = stripe.request("POST", PATH, &[]).send().await;
        let error = request.unwrap_err();
        assert!(!error.is_timeout(), "{error:?}");
    }
}

#[tokio::test]
async fn a_severed_answer_breaks_off_after_the_effect() {
    let stripe = Stripe::start().await;
    stripe
        .control(
            "/faults",
            json!({"method": "POST", "path": PATH, "fault": "severed"}),
        )
        .await;
    let response = stripe
        .request("POST", PATH, &[("name", "A")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.is_err());
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_status_comes_with_its_headers_and_without_the_effect() {
    let stripe = Stripe::start().await;
    let cases = [
        (json!({"status": 500}), 500, None, ""),
        (
            json!({"status": 503, "headers": {"Stripe-Should-Retry": "false"}}),
            503,
            None,
            "false",
        ),
        (
            json!({"status": 409}),
            409,
            Some("idempotency_key_in_use"),
            "true",
        ),
        (json!({"status": 429}), 429, Some("rate_limit"), ""),
        (
            json!({"status": 429, "code": "lock_timeout"}),
            429,
            Some("lock_timeout"),
            "",
        ),
        (json!({"status": 402}), 402, Some("card_declined"), "false"),
    ];
    for (mut fault, status, code, retry) in cases {
        fault["path"] = json!(PATH);
        fault["method"] = json!("POST");
        fault["fault"] = json!("status");
        stripe.control("/faults", fault).await;
        let answer = stripe.post_keyed("k", PATH, &[]).await;
        assert_eq!(
            (answer.refusal(), answer.header("stripe-should-retry")),
            ((status, code), retry)
        );
        assert!(!answer.header("request-id").is_empty());
    }
    assert_eq!(customers(&stripe).await, 0);
    assert_eq!(stripe.post_keyed("k", PATH, &[]).await.status, 200);
}

#[tokio::test]
async fn a_status_after_the_effect_hides_an_answer_that_the_key_still_finds() {
    let stripe = Stripe::start().await;
    stripe.control("/faults", json!({"method": "POST", "path": PATH, "fault": "status", "status": 502, "after": true})).await;
    assert_eq!(stripe.post_keyed("k", PATH, &[]).await.status, 502);
    assert_eq!(customers(&stripe).await, 1);
    let again = stripe.post_keyed("k", PATH, &[]).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (200, "true")
    );
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn the_log_tells_what_was_asked_and_what_went_wrong() {
    let stripe = Stripe::start().await;
    stripe
        .control(
            "/faults",
            json!({"method": "POST", "path": PATH, "fault": "status", "status": 500, "skip": 1}),
        )
        .await;
    stripe
        .post_keyed("k", PATH, &[("metadata[user]", "alice")])
        .await
        .ok();
    stripe.post_keyed("k2", PATH, &[]).await;
    stripe
        .post_keyed("k", PATH, &[("metadata[user]", "alice")])
        .await
        .ok();
    let log = stripe.observe("/requests").await;
    let entry = |index: usize| &log["requests"][index];
    assert_eq!(
        (&entry(0)["method"], &entry(0)["path"], &entry(0)["params"]),
        (
            &json!("POST"),
            &json!(PATH),
            &json!([["metadata[user]", "alice"]])
        )
    );
    assert_eq!(
        (
            &entry(0)["status"],
            &entry(0)["idempotency_key"],
            &entry(0)["fault"]
        ),
        (&json!(200), &json!("k"), &json!(null))
    );
    assert_eq!(
        (&entry(1)["status"], &entry(1)["fault"]),
        (&json!(500), &json!("status"))
    );
    assert_eq!(
        (&entry(2)["replayed"], &entry(0)["replayed"]),
        (&json!(true), &json!(false))
    );
    stripe
        .send(
            stripe
                .http
                .delete(stripe.url("/_sandbox/requests"))
                .bearer_auth(SECRET_KEY),
        )
        .await
        .ok();
    assert_eq!(stripe.observe("/requests").await["requests"], json!([]));
}

#[tokio::test]
async fn a_control_call_that_is_misspelt_is_refused() {
    let stripe = Stripe::start().await;
    for (path, body) in [
        ("/faults", json!({"path": PATH, "fault": "explode"})),
        ("/faults", json!({"pth": PATH, "fault": "severed"})),
        ("/account", json!({"amazon": false})),
        ("/nothing", json!({})),
    ] {
        let answer = stripe
            .send(
                stripe
                    .http
                    .post(stripe.url(&format!("/_sandbox{path}")))
                    .bearer_auth(SECRET_KEY)
                    .body(body.to_string()),
            )
            .await;
        assert!(answer.status >= 400, "{path} {body}");
    }
}

// The types of npm stripe 23.1.0 say of both kinds of intents that the last confirmation cancels them.
#[tokio::test]
async fn the_last_confirmation_of_an_intent_cancels_it() {
    let stripe = Stripe::start().await;
    for (path, event) in [
        ("/v1/setup_intents", "setup_intent.canceled"),
        ("/v1/payment_intents", "payment_intent.canceled"),
    ] {
        let params: &[(&str, &str)] = if path == "/v1/payment_intents" {
            &[("amount", "1500"), ("currency", "usd")]
        } else {
            &[]
        };
        let intent = stripe.id(path, params).await;
        let fault =
            json!({"path": format!("{path}/{{id}}/confirm"), "fault": "confirmation_limit"});
        stripe.control("/faults", fault).await;
        let confirm = [("payment_method", "pm_card_visa")];
        let answer = stripe
            .post(&format!("{path}/{intent}/confirm"), &confirm)
            .await;
        assert_eq!(answer.refusal(), (402, Some("card_declined")));
        let name = path.trim_start_matches("/v1/").trim_end_matches('s');
        assert_eq!(answer.json["error"][name]["status"], "canceled");
        let read = stripe.get(&format!("{path}/{intent}"), &[]).await.ok();
        assert_eq!(read["status"], "canceled");
        assert!(stripe.events().await.contains(&event.to_owned()));
        let again = stripe
            .post(&format!("{path}/{intent}/confirm"), &confirm)
            .await;
        assert_eq!(
            again.refusal(),
            (400, Some(&*format!("{name}_unexpected_state")))
        );
    }
}

// https://docs.stripe.com/rate-limits
#[tokio::test]
async fn a_rate_limit_names_its_reason_and_a_lock_none() {
    let stripe = Stripe::start().await;
    let customers = |more: serde_json::Value| {
        let mut fault = json!({"path": "/v1/customers", "fault": "status", "status": 429});
        fault
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fault
    };
    stripe
        .control("/faults", customers(json!({"reason": "endpoint-rate"})))
        .await;
    let limited = stripe.get("/v1/customers", &[]).await;
    assert_eq!(limited.refusal(), (429, Some("rate_limit")));
    assert_eq!(
        limited.header("stripe-rate-limited-reason"),
        "endpoint-rate"
    );
    stripe
        .control("/faults", customers(json!({"code": "lock_timeout"})))
        .await;
    let locked = stripe.get("/v1/customers", &[]).await;
    assert_eq!(locked.refusal(), (429, Some("lock_timeout")));
    assert_eq!(locked.header("stripe-rate-limited-reason"), "");
    let message = locked.json["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("This object cannot be accessed right now"));
}
