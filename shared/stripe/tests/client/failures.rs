//! Each way a call fails, and what the caller is told.

use perennial_stripe::{Cause, Effect, StripeError};
use perennial_types::SetupIntentId;
use serde_json::json;
use std::time::Duration;
use wiremock::ResponseTemplate;

use crate::support::{client, create_customer, customer, error, nobody, ok, raw, received, server};

async fn failure(answer: ResponseTemplate) -> (StripeError, usize) {
    let server = server([answer]).await;
    let error = client(&server.uri())
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    let attempts = received(&server).await.len();
    (error, attempts)
}

fn unavailable(error: &StripeError) -> (Effect, Cause, bool) {
    match error {
        StripeError::Unavailable {
            effect,
            cause,
            replayed,
            ..
        } => (*effect, *cause, *replayed),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_declined_payment_names_its_code_and_is_not_tried_again() {
    let (error, attempts) = failure(error(
        402,
        &json!({
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "message": "Your card has insufficient funds."
        }),
    ))
    .await;
    assert!(matches!(
        &error,
        StripeError::Declined { code: Some(code), decline_code: Some(decline), intent: None, request_id: Some(id) }
            if code == "card_declined" && decline == "insufficient_funds" && id == "req_1"
    ));
    assert_eq!(
        error.to_string(),
        "Stripe declined the payment (card_declined, insufficient_funds, request req_1)"
    );
    assert_eq!((attempts, error.effect()), (1, Effect::None));
    assert_eq!(error.retry_after_hint(), None);
}

#[tokio::test]
async fn a_wrong_request_names_its_parameter_and_is_not_tried_again() {
    for status in [400, 404] {
        let (error, attempts) = failure(error(
            status,
            &json!({
                "type": "invalid_request_error",
                "code": "resource_missing",
                "param": "price",
                "message": "No such price: 'price_1'"
            }),
        ))
        .await;
        assert_eq!(
            error.to_string(),
            format!(
                "Stripe refused the request with status {status} \
                 (resource_missing, price, request req_1): No such price: 'price_1'"
            )
        );
        assert!(matches!(error, StripeError::Invalid { status: seen, .. } if seen == status));
        assert_eq!(attempts, 1);
    }
}

#[tokio::test]
async fn a_secret_in_a_message_goes_no_further() {
    let (error, _) = failure(error(
        400,
        &json!({
            "type": "invalid_request_error",
            "code": "sk_live_in_a code",
            "param": "seti_1_secret_Abc",
            "message": "Bad seti_1_secret_Abc with sk_live_1, rk_test_2 and whsec_3."
        }),
    ))
    .await;
    let shown = format!("{error} {error:?}");
    for secret in ["Abc", "live_1", "test_2", "whsec", "live_in_a"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(
        shown.contains("Bad [redacted] with [redacted], [redacted] and [redacted]"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_key_with_other_parameters_is_a_mismatch() {
    let (error, attempts) = failure(error(400, &json!({"type": "idempotency_error"}))).await;
    assert!(
        matches!(error, StripeError::IdempotencyMismatch { .. }),
        "{error:?}"
    );
    assert_eq!((attempts, error.effect()), (1, Effect::Unknown));
}

#[tokio::test]
async fn a_key_in_use_is_waited_for_and_then_reported() {
    let (error, attempts) = failure(error(
        409,
        &json!({"type": "invalid_request_error", "code": "idempotency_key_in_use"}),
    ))
    .await;
    assert!(matches!(error, StripeError::KeyInUse { .. }), "{error:?}");
    assert_eq!((attempts, error.effect()), (3, Effect::Unknown));
    assert!(error.retry_after_hint().is_some());
}

#[tokio::test]
async fn another_conflict_is_tried_again_and_then_unavailable() {
    let (error, attempts) = failure(error(409, &json!({"type": "api_error"}))).await;
    assert_eq!(
        unavailable(&error),
        (Effect::Unknown, Cause::Status(409), false)
    );
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_rate_limit_is_left_to_the_caller_unless_stripe_asks_for_another_try() {
    let limited = || {
        error(
            429,
            &json!({"type": "invalid_request_error", "code": "rate_limit"}),
        )
        .insert_header("Stripe-Rate-Limited-Reason", "endpoint-rate")
    };
    let (error, attempts) = failure(limited()).await;
    assert!(
        matches!(&error, StripeError::RateLimited { reason: Some(r), .. } if r == "endpoint-rate"),
        "{error:?}"
    );
    assert_eq!((attempts, error.effect()), (1, Effect::None));
    assert_eq!(error.retry_after_hint(), Some(Duration::from_secs(2)));

    let (error, _) = failure(limited().insert_header("Retry-After", "7")).await;
    assert_eq!(error.retry_after_hint(), Some(Duration::from_secs(7)));

    let (error, attempts) = failure(limited().insert_header("Stripe-Should-Retry", "true")).await;
    assert!(
        matches!(error, StripeError::RateLimited { .. }),
        "{error:?}"
    );
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_lock_that_ran_out_and_an_old_style_limit_are_rate_limits_too() {
    for (status, code) in [(429, "lock_timeout"), (400, "rate_limit")] {
        let (error, _) = failure(error(status, &json!({"code": code}))).await;
        assert!(
            matches!(error, StripeError::RateLimited { .. }),
            "{error:?}"
        );
        assert_eq!(error.code(), Some(code));
    }
}

#[tokio::test]
async fn a_key_that_is_unknown_or_too_weak_is_told_apart() {
    let message = json!({"message": "Invalid API Key provided: sk_test_never_shown"});
    let (refused, attempts) = failure(error(401, &message)).await;
    assert!(
        matches!(refused, StripeError::Unauthenticated { .. }),
        "{refused:?}"
    );
    assert!(!format!("{refused:?}").contains("never_shown"));
    assert_eq!(attempts, 1);
    let (refused, attempts) =
        failure(error(403, &json!({"code": "more_permissions_required"}))).await;
    assert!(
        matches!(refused, StripeError::Forbidden { .. }),
        "{refused:?}"
    );
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_its_effect_is_unknown() {
    let (error, attempts) = failure(error(500, &json!({"type": "api_error"}))).await;
    assert_eq!(
        unavailable(&error),
        (Effect::Unknown, Cause::Status(500), false)
    );
    assert_eq!((attempts, error.request_id()), (3, Some("req_1")));
    assert!(error.retry_after_hint().is_some());
}

#[tokio::test]
async fn a_server_error_without_a_readable_body_is_still_one() {
    let (error, _) = failure(ResponseTemplate::new(503).set_body_string("<html>")).await;
    assert_eq!(
        unavailable(&error),
        (Effect::Unknown, Cause::Status(503), false)
    );
}

#[tokio::test]
async fn a_stored_server_error_says_that_it_will_come_again() {
    let stored = error(500, &json!({"type": "api_error"}))
        .insert_header("Idempotent-Replayed", "true")
        .insert_header("Stripe-Should-Retry", "false");
    let (error, attempts) = failure(stored).await;
    assert_eq!(
        unavailable(&error),
        (Effect::Unknown, Cause::Status(500), true)
    );
    assert_eq!((attempts, error.retry_after_hint()), (1, None));
}

#[tokio::test]
async fn a_success_that_cannot_be_read_has_an_unknown_effect_and_quotes_nothing() {
    for body in [
        "<html>seti_1_secret_Abc",
        "{\"id\":\"seti_1_secret_Abc\"}",
        "{\"id\":\"cus_1\"",
        "",
    ] {
        let (error, attempts) = failure(ResponseTemplate::new(200).set_body_string(body)).await;
        let (effect, cause, _) = unavailable(&error);
        assert_eq!(effect, Effect::Unknown, "{body}");
        assert!(
            matches!(cause, Cause::Unreadable { .. }),
            "{body}: {cause:?}"
        );
        assert_eq!(attempts, 1, "{body}");
        assert!(!format!("{error} {error:?}").contains("Abc"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_has_no_effect() {
    let error = client(&nobody().await)
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert_eq!(unavailable(&error), (Effect::None, Cause::Connect, false));
}

#[tokio::test]
async fn a_time_out_has_an_unknown_effect() {
    let late = ok(&customer()).set_delay(Duration::from_secs(30));
    let (error, attempts) = failure(late).await;
    assert_eq!(
        unavailable(&error),
        (Effect::Unknown, Cause::Timeout, false)
    );
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_severed_answer_has_an_unknown_effect_and_is_tried_again() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"cus_1\"",
        "HTTP/1.1 402 Payment Required\r\nContent-Length: 100\r\n\r\n{",
    ] {
        let (address, mut requests) = raw(answer).await;
        let error = client(&address)
            .create_customer(&create_customer())
            .await
            .unwrap_err();
        assert_eq!(
            unavailable(&error),
            (Effect::Unknown, Cause::Severed, false),
            "{answer:?}"
        );
        let mut attempts = 0;
        while requests.try_recv().is_ok() {
            attempts += 1;
        }
        assert_eq!(attempts, 3, "{answer:?}");
    }
}

#[tokio::test]
async fn reading_never_has_an_effect() {
    let server = server([error(500, &json!({}))]).await;
    let id: SetupIntentId = "seti_1".parse().unwrap();
    let error = client(&server.uri())
        .retrieve_setup_intent(&id)
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test]
async fn a_lost_connection_does_not_show_the_parameters_of_a_list() {
    let customer = "cus_hidden".parse().unwrap();
    let error = client(&nobody().await)
        .list_subscriptions(&customer, None)
        .await
        .unwrap_err();
    assert!(std::error::Error::source(&error).is_some());
    assert!(!format!("{error:?}").contains("cus_hidden"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server([ok(&customer())]).await;
    let redirect = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri().as_str());
    let (error, _) = failure(redirect).await;
    assert_eq!(unavailable(&error).1, Cause::Status(307));
    assert!(received(&elsewhere).await.is_empty());
}
