//! A key that Stripe refuses, since it was rolled.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use perennial_stripe::{NewKey, Stripe, StripeError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::support::{create_customer, customer, error, ok, received, server, settings};

/// Gives this key for the one of before, and counts how often it is asked.
fn rolled_to(key: Option<&'static str>) -> (NewKey, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let new_key: NewKey = Arc::new(move |refused: SecretString| {
        counted.fetch_add(1, Ordering::Relaxed);
        let other = key.filter(|key| *key != refused.expose_secret());
        Box::pin(async move { other.map(SecretString::from) })
    });
    (new_key, asked)
}

fn refused() -> wiremock::ResponseTemplate {
    error(
        401,
        &json!({"type": "invalid_request_error", "message": "Expired API Key provided"}),
    )
}

#[tokio::test]
async fn a_refused_key_is_replaced_and_the_same_bytes_go_out_once_more() {
    let server = server([refused(), ok(&customer())]).await;
    let (new_key, asked) = rolled_to(Some("sk_test_of_now"));
    let stripe = Stripe::new(settings(&server.uri()).with_new_key(new_key)).unwrap();
    stripe.create_customer(&create_customer()).await.unwrap();
    // The calls after it begin with the new key.
    stripe.create_customer(&create_customer()).await.unwrap();
    let requests = received(&server).await;
    let bearers: Vec<&str> = requests
        .iter()
        .map(|it| it.headers["authorization"].to_str().unwrap())
        .collect();
    let new = "Bearer sk_test_of_now";
    assert_eq!(bearers, ["Bearer sk_test_never_shown", new, new]);
    assert_eq!(requests[0].body, requests[1].body);
    let key = |n: usize| &requests[n].headers["idempotency-key"];
    assert_eq!(key(0), key(1));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_key_that_is_refused_again_or_has_no_successor_ends_the_call() {
    for (successor, sent) in [
        (Some("sk_test_of_now"), 2),
        (Some("sk_test_never_shown"), 1),
        (Some("no key at all"), 1),
        (None, 1),
    ] {
        let server = server([refused()]).await;
        let (new_key, _) = rolled_to(successor);
        let stripe = Stripe::new(settings(&server.uri()).with_new_key(new_key)).unwrap();
        let error = stripe
            .create_customer(&create_customer())
            .await
            .unwrap_err();
        assert!(
            matches!(error, StripeError::Unauthenticated { .. }),
            "{error:?}"
        );
        assert_eq!(received(&server).await.len(), sent, "{successor:?}");
    }
}

#[tokio::test]
async fn what_is_refused_otherwise_asks_for_no_other_key() {
    let forbidden = error(
        403,
        &json!({"type": "invalid_request_error", "message": "no"}),
    );
    let server = server([forbidden]).await;
    let (new_key, asked) = rolled_to(Some("sk_test_of_now"));
    let stripe = Stripe::new(settings(&server.uri()).with_new_key(new_key)).unwrap();
    stripe
        .create_customer(&create_customer())
        .await
        .unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}
