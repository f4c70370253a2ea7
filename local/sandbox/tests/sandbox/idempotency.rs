use crate::support::Stripe;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

const PATH: &str = "/v1/customers";

async fn customers(stripe: &Stripe) -> usize {
    stripe.get(PATH, &[]).await.ok()["data"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again() {
    let stripe = Stripe::start().await;
    let first = stripe
        .post_keyed("k", PATH, &[("name", "A"), ("email", "a@example.com")])
        .await;
    let again = stripe
        .post_keyed("k", PATH, &[("email", "a@example.com"), ("name", "A")])
        .await;
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            again.header("idempotent-replayed")
        ),
        ("", "true")
    );
    assert_eq!(
        (
            again.header("idempotency-key"),
            again.header("original-request")
        ),
        ("k", first.header("request-id"))
    );
    assert_eq!(first.json, again.json);
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_parameters_and_path() {
    let stripe = Stripe::start().await;
    stripe.post_keyed("k", PATH, &[("name", "A")]).await.ok();
    for (path, params) in [(PATH, [("name", "B")]), ("/v1/products", [("name", "A")])] {
        let answer = stripe.post_keyed("k", path, &params).await;
        assert_eq!(answer.refusal(), (400, None));
        assert_eq!(answer.json["error"]["type"], "idempotency_error");
    }
    assert_eq!(
        stripe
            .post_keyed(&"k".repeat(256), PATH, &[])
            .await
            .refusal()
            .0,
        400
    );
}

#[tokio::test]
async fn a_key_is_new_again_after_a_day() {
    let stripe = Stripe::start().await;
    stripe.post_keyed("k", PATH, &[("name", "A")]).await.ok();
    stripe.control("/clock", json!({"advance": 86_399})).await;
    assert_eq!(
        stripe
            .post_keyed("k", PATH, &[("name", "A")])
            .await
            .header("idempotent-replayed"),
        "true"
    );
    stripe.control("/clock", json!({"advance": 2})).await;
    stripe.post_keyed("k", PATH, &[("name", "B")]).await.ok();
    assert_eq!(customers(&stripe).await, 2);
}

#[tokio::test]
async fn a_refusal_is_kept_once_the_request_began_and_not_before() {
    let stripe = Stripe::start().await;
    // Refused by its parameters alone: the same key may be used for the right ones.
    assert_eq!(
        stripe
            .post_keyed("typo", PATH, &[("nam", "A")])
            .await
            .status,
        400
    );
    stripe.post_keyed("typo", PATH, &[("name", "A")]).await.ok();
    // Refused by what is there: the refusal stays, even when the reason is gone.
    let missing = [("customer", "cus_none")];
    assert_eq!(
        stripe
            .post_keyed("missing", "/v1/setup_intents", &missing)
            .await
            .refusal(),
        (400, Some("resource_missing"))
    );
    let again = stripe
        .post_keyed("missing", "/v1/setup_intents", &missing)
        .await;
    assert_eq!(
        (again.refusal(), again.header("idempotent-replayed")),
        ((400, Some("resource_missing")), "true")
    );
}

#[tokio::test]
async fn a_500_is_kept_and_a_conflict_or_rate_limit_is_not() {
    let stripe = Stripe::start().await;
    for (key, status, kept) in [("a", 500, true), ("b", 409, false), ("c", 429, false)] {
        stripe
            .control(
                "/faults",
                json!({"path": PATH, "fault": "status", "status": status, "stored": true}),
            )
            .await;
        assert_eq!(stripe.post_keyed(key, PATH, &[]).await.status, status);
        let again = stripe.post_keyed(key, PATH, &[]).await;
        assert_eq!(
            (again.status, again.header("idempotent-replayed")),
            if kept { (status, "true") } else { (200, "") }
        );
    }
}

#[tokio::test]
async fn two_at_once_with_one_key_meet_a_conflict() {
    let stripe = Arc::new(Stripe::start().await);
    stripe.control("/account", json!({"latency_ms": 300})).await;
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let stripe = Arc::clone(&stripe);
        tasks.spawn(async move { stripe.post_keyed("k", PATH, &[("name", "A")]).await });
    }
    let mut statuses = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 409 {
            assert_eq!(answer.refusal(), (409, Some("idempotency_key_in_use")));
            assert_eq!(answer.header("stripe-should-retry"), "true");
        }
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_key_on_a_get_means_nothing() {
    let stripe = Stripe::start().await;
    for path in [PATH, "/v1/products"] {
        let answer = stripe
            .send(
                stripe
                    .request("GET", path, &[])
                    .header("idempotency-key", "k"),
            )
            .await;
        assert_eq!(
            (answer.status, answer.header("idempotent-replayed")),
            (200, "")
        );
    }
}
