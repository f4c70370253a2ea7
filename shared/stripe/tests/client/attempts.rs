//! What is sent again, how often, and until when.

use std::time::Duration;

use perennial_stripe::{Cause, Effect, Pace, Settings, Stripe, StripeError};
use serde_json::json;
use tokio::time::Instant;
use wiremock::ResponseTemplate;

use crate::support::{
    client, create_customer, customer, error, key, ok, raw_once, received, server, settings,
};

fn server_error() -> ResponseTemplate {
    error(500, &json!({"type": "api_error"}))
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes_under_the_same_key() {
    let server = server([server_error(), server_error(), ok(&customer())]).await;
    let request = create_customer();
    let reply = client(&server.uri())
        .create_customer(&request)
        .await
        .unwrap();
    assert_eq!(reply.value.id.as_str(), "cus_1");
    let attempts = received(&server).await;
    assert_eq!(attempts.len(), 3);
    for attempt in &attempts {
        assert_eq!(attempt.body, request.body.as_bytes());
        assert_eq!(attempt.headers["idempotency-key"], "cus:alice");
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_next_attempt() {
    let late = ok(&customer()).set_delay(Duration::from_secs(30));
    let stored = ok(&customer()).insert_header("Idempotent-Replayed", "true");
    let server = server([late, stored]).await;
    let reply = client(&server.uri())
        .create_customer(&create_customer())
        .await
        .unwrap();
    assert!(reply.replayed);
    assert_eq!(reply.request_id.as_deref(), Some("req_1"));
    assert_eq!(received(&server).await.len(), 2);
}

#[tokio::test]
async fn stripes_wish_decides_over_the_status() {
    let refused = server_error().insert_header("Stripe-Should-Retry", "false");
    let server_a = server([refused]).await;
    client(&server_a.uri())
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert_eq!(received(&server_a).await.len(), 1);

    let asked = error(400, &json!({})).insert_header("Stripe-Should-Retry", "true");
    let server_b = server([asked, ok(&customer())]).await;
    client(&server_b.uri())
        .create_customer(&create_customer())
        .await
        .unwrap();
    assert_eq!(received(&server_b).await.len(), 2);
}

#[tokio::test]
async fn a_refusal_at_the_door_does_not_undo_an_unknown_outcome() {
    for (status, expected) in [
        (429, Effect::Unknown),
        (401, Effect::Unknown),
        (403, Effect::Unknown),
    ] {
        let server = server([server_error(), error(status, &json!({}))]).await;
        let error = client(&server.uri())
            .create_customer(&create_customer())
            .await
            .unwrap_err();
        assert_eq!(error.effect(), expected, "{error:?}");
        assert!(
            matches!(error, StripeError::Unavailable { cause: Cause::Status(s), .. } if s == status),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_does_not_undo_an_unknown_outcome() {
    let address = raw_once("").await;
    let error = client(&address)
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StripeError::Unavailable {
                cause: Cause::Connect,
                effect: Effect::Unknown,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stored_decline_settles_an_unknown_outcome() {
    let declined = error(402, &json!({"type": "card_error", "code": "card_declined"}));
    let server = server([server_error(), declined]).await;
    let error = client(&server.uri())
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert!(matches!(error, StripeError::Declined { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = server([ok(&customer())]).await;
    let stripe = client(&server.uri()).with_deadline(Instant::now());
    let error = stripe
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StripeError::Unavailable {
                cause: Cause::OutOfTime,
                effect: Effect::None,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn an_earlier_deadline_is_not_moved_by_a_later_one() {
    let server = server([ok(&customer())]).await;
    let later = Instant::now() + Duration::from_mins(1);
    let stripe = client(&server.uri())
        .with_deadline(Instant::now())
        .with_deadline(later);
    assert!(stripe.create_customer(&create_customer()).await.is_err());
}

#[tokio::test]
async fn a_pause_that_would_outlast_the_time_ends_the_call_at_once() {
    let server = server([server_error()]).await;
    let stripe = Stripe::new(Settings {
        total_timeout: Duration::from_secs(5),
        backoff: Duration::from_mins(1),
        ..settings(&server.uri())
    });
    let started = Instant::now();
    stripe
        .unwrap()
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn an_attempt_ends_with_the_total_time() {
    let server = server([ok(&customer()).set_delay(Duration::from_secs(30))]).await;
    let stripe = Stripe::new(Settings {
        attempt_timeout: Duration::from_secs(25),
        total_timeout: Duration::from_millis(700),
        ..settings(&server.uri())
    });
    let started = Instant::now();
    stripe
        .unwrap()
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn zero_attempts_are_one() {
    let server = server([server_error()]).await;
    let stripe = Stripe::new(Settings {
        attempts: 0,
        ..settings(&server.uri())
    })
    .unwrap();
    stripe
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn a_frozen_request_is_sent_to_its_own_operation_only() {
    let server = server([ok(&customer())]).await;
    let mut request = create_customer();
    request.idempotency_key = key("other");
    let error = client(&server.uri())
        .create_subscription(&request)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StripeError::Invalid { status: 0, .. }),
        "{error:?}"
    );
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn what_can_wait_is_sent_again_after_a_refusal_for_the_number_of_calls() {
    let too_many = || error(429, &json!({"type": "rate_limit_error"}));
    let paced = |server: &wiremock::MockServer| {
        let hundred = std::num::NonZeroU32::new(100).unwrap();
        client(&server.uri()).with_pace(Pace::per_second(hundred))
    };
    let server_a = server([too_many(), too_many(), ok(&customer())]).await;
    let request = create_customer();
    paced(&server_a).create_customer(&request).await.unwrap();
    assert_eq!(received(&server_a).await.len(), 3);

    let asked = too_many().insert_header("Stripe-Should-Retry", "false");
    let server_b = server([asked, ok(&customer())]).await;
    let refused = paced(&server_b).create_customer(&request).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(received(&server_b).await.len(), 1);

    let server_c = server([too_many(), ok(&customer())]).await;
    let refused = client(&server_c.uri()).create_customer(&request).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(received(&server_c).await.len(), 1);
}
