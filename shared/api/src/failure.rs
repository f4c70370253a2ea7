//! A journey that could not go on, as an answer.

use perennial_flows::FlowError;
use perennial_http::ApiError;
use perennial_stripe::{Effect, StripeError};

use crate::unknown_checkout;

/// The answer to a caller whose journey could not go on. Nothing of Stripe's own text is in it.
pub fn failure(error: FlowError) -> ApiError {
    match &error {
        FlowError::UnknownCheckout => unknown_checkout(),
        FlowError::TooManyCheckouts => ApiError::new(
            429,
            "too_many_checkouts",
            "This user has opened too many checkouts within an hour. Try again later.",
        )
        .retry_after(600),
        FlowError::Busy => ApiError::new(
            503,
            "busy",
            "Another request of this user is doing the same. Try again in a moment.",
        )
        .retry_after(2),
        FlowError::WalletNotEnabled => ApiError::new(
            502,
            "wallet_not_enabled",
            "The shop's Stripe account does not take this wallet yet. Enable it in Stripe's Dashboard, under Settings, Payment methods.",
        ),
        FlowError::Store(_) => ApiError::new(
            503,
            "table_unavailable",
            "The table did not answer in time. Nothing is lost; try again.",
        )
        .retry_after(2),
        FlowError::Stripe(stripe) => stripe_failure(stripe),
        FlowError::Mismatch { .. } | FlowError::FrozenRequest(_) | FlowError::Key(_) => {
            ApiError::new(
                502,
                "inconsistent",
                "What Stripe says does not fit this checkout, so nothing was done. The shop has been told.",
            )
        }
    }
    .because(error)
}

fn stripe_failure(error: &StripeError) -> ApiError {
    let pause = error
        .retry_after_hint()
        .map_or(2, |hint| hint.as_secs().clamp(1, 60));
    let pause = u32::try_from(pause).unwrap_or(2);
    match error {
        StripeError::RateLimited { .. } => ApiError::new(
            503,
            "stripe_busy",
            "Stripe has too many requests right now. Nothing was charged; try again in a moment.",
        )
        .retry_after(pause),
        StripeError::Unavailable { effect: Effect::None, .. } => ApiError::new(
            503,
            "stripe_unavailable",
            "Stripe cannot be reached right now. Nothing was charged; try again in a moment.",
        )
        .retry_after(pause),
        StripeError::Unavailable { effect: Effect::Unknown, .. } | StripeError::KeyInUse { .. } => {
            ApiError::new(
                503,
                "stripe_unavailable",
                "Stripe has not answered. Try again: the same request is sent again, so nothing is done twice.",
            )
            .retry_after(pause)
        }
        StripeError::Unauthenticated { .. } | StripeError::Forbidden { .. } => ApiError::new(
            502,
            "stripe_not_configured",
            "The shop's Stripe key is not accepted, so nothing was done. The shop has been told.",
        ),
        StripeError::Declined { .. }
        | StripeError::Invalid { .. }
        | StripeError::IdempotencyMismatch { .. } => ApiError::new(
            502,
            "stripe_refused",
            "Stripe did not accept the shop's request, so nothing was done. The shop has been told.",
        ),
    }
}
