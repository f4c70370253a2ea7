//! A journey that could not go on, as an answer.

use perennial_flows::{FlowError, actions::ActionErrorCode};
use perennial_http::{ApiError, sentence};
use perennial_store::CatalogError;
use perennial_stripe::{Effect, StripeError};

use crate::{
    begin_checkout::{tax_refused, unknown_plan},
    plan_not_available, unknown_checkout,
};

/// Why something was not done to a subscription or a user, as an answer.
pub fn refused(why: ActionErrorCode) -> ApiError {
    ApiError::new(why.kind(), why.code(), why.message())
}

/// The answer to a caller whose journey could not go on. Nothing of Stripe's own text is in it.
pub fn failure(error: FlowError) -> ApiError {
    let error = match error {
        FlowError::Catalog(error) => return no_plans(error),
        error => error,
    };
    match &error {
        FlowError::UnknownCheckout => unknown_checkout(),
        FlowError::Erasing => ApiError::new(
            409,
            "user_being_erased",
            "This user is being erased, which takes up to half an hour. What comes afterwards is for a new user.",
        ),
        FlowError::TooManyCheckouts => ApiError::new(
            429,
            "too_many_checkouts",
            "This user has opened too many checkouts within an hour. Try again later.",
        )
        .retry_after(600),
        error if error.is_busy() => busy(),
        FlowError::UnknownPlan => unknown_plan(),
        FlowError::PlanNotAvailable => plan_not_available(),
        FlowError::CurrencyConflict => ApiError::new(
            409,
            "currency_conflict",
            "This user pays another subscription in another currency, and Stripe takes no two at once from a customer. Offer a plan in that currency.",
        ),
        FlowError::TrialOutdated => ApiError::new(
            409,
            "trial_outdated",
            "The free trial that the shopper saw is not the one that they would get. Show them what GET /wallets says, and begin again with its \"trial_days\".",
        ),
        FlowError::TrialNeedsMethod => ApiError::new(
            409,
            "payment_method_required",
            "The free trial of this plan does not begin without a payment method: name a \"wallet\". \"without_payment_method\" of GET /wallets says which plans do without.",
        ),
        FlowError::MethodOnFile => ApiError::new(
            409,
            "payment_method_on_file",
            "Stripe has a payment method of this user, and would charge it at the end of the trial. Begin with a wallet, so that the shopper agrees to that.",
        ),
        FlowError::Code(refusal) => {
            ApiError::new(refusal.status(), refusal.as_str(), refusal.message())
        }
        FlowError::Tax(refusal) => tax_refused(*refusal),
        FlowError::SetupFirst => ApiError::new(
            400,
            "first_not_supported",
            "With this promotion code the SetupIntent comes first: begin with POST /client-secret.",
        ),
        FlowError::UnknownSubscription => ApiError::new(
            404,
            "unknown_subscription",
            "This user has no such subscription.",
        ),
        FlowError::NothingSaved => ApiError::new(
            409,
            "nothing_saved",
            "No payment method of this subscription may be charged without the shopper's wallet. Begin a checkout with POST /client-secret or POST /subscriptions.",
        ),
        FlowError::AmountOutdated => ApiError::new(
            409,
            "amount_outdated",
            "The first payment comes to another amount than \"due_now\", and nothing was charged. Ask for another preview and show it.",
        ),
        FlowError::WalletNotEnabled => ApiError::new(
            502,
            "wallet_not_enabled",
            "The shop's Stripe account does not take this wallet yet. Enable it in Stripe's Dashboard, under Settings, Payment methods.",
        ),
        FlowError::Busy | FlowError::Store(_) | FlowError::Catalog(_) => ApiError::new(
            503,
            "table_unavailable",
            "The table did not answer in time. Nothing is lost; try again.",
        )
        .retry_after(2),
        FlowError::Stripe(stripe) => stripe_failure(stripe),
        FlowError::ForeignObject(_)
        | FlowError::AnswerLacks(_)
        | FlowError::ItemLacks(_)
        | FlowError::KeptAnswer(_)
        | FlowError::Key(_)
        | FlowError::CatalogTooLarge(_) => {
            ApiError::new(
                502,
                "inconsistent",
                "Stripe's answer does not match this checkout. The shop has been notified; try again later.",
            )
        }
    }
    .because(error)
}

/// There are no plans, so nothing can be sold and nobody's subscription can be told what it is for.
pub fn no_plans(error: CatalogError) -> ApiError {
    ApiError::new(503, "catalog_unavailable", sentence(&error))
        .retry_after(5)
        .because(error)
}

/// The user's own requests are in each other's way. That is nothing that the shop has to hear of.
fn busy() -> ApiError {
    ApiError::new(
        429,
        "busy",
        "Another request of this user is doing the same. Try again in a moment.",
    )
    .retry_after(2)
}

fn stripe_failure(error: &StripeError) -> ApiError {
    let pause = error
        .retry_after_hint()
        .map_or(2, |hint| hint.as_secs().clamp(1, 60));
    let pause = u32::try_from(pause).unwrap_or(2);
    match error {
        // Stripe's lock on an object that another request of this user has, and the same request twice
        // at once (<https://docs.stripe.com/rate-limits#object-lock-timeouts>).
        StripeError::RateLimited { code: Some(code), .. } if code == "lock_timeout" => busy(),
        StripeError::KeyInUse { .. } => busy(),
        // Anybody can bring this about by asking often enough.
        StripeError::RateLimited { .. } => ApiError::new(
            429,
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
        StripeError::Unavailable { effect: Effect::Unknown, .. } => ApiError::new(
            503,
            "stripe_unavailable",
            "Stripe has not answered. Try again: the same request is sent again, so nothing is done twice.",
        )
        .retry_after(pause),
        StripeError::Unauthenticated { .. } | StripeError::Forbidden { .. } => ApiError::new(
            502,
            "stripe_not_configured",
            "The shop's Stripe key is not accepted, so nothing was done. The shop has been notified.",
        ),
        StripeError::Declined { .. }
        | StripeError::Invalid { .. }
        | StripeError::IdempotencyMismatch { .. } => ApiError::new(
            502,
            "stripe_refused",
            "Stripe did not accept the shop's request, so nothing was done. The shop has been notified.",
        ),
    }
}
