//! A checkout, as a page polls it.

use perennial_flows::Finish;
use perennial_http::{ApiError, Response, SubscriptionBody};
use perennial_types::{AttemptId, FailureReason, Subscription};
use serde::Serialize;
use serde_json::json;
use url::Url;

/// How a checkout stands.
#[derive(Debug, Clone, Serialize)]
pub struct Checkout {
    /// Which one.
    pub checkout: AttemptId,
    /// `subscribed`, `pending` or `failed`.
    pub status: &'static str,
    /// The subscription, if there is one; also one that has ended, with what was paid back of it.
    pub subscription: Option<SubscriptionBody>,
    /// Why it failed, or what has become of the subscription.
    pub reason: Option<FailureReason>,
    /// Whether a new click can lead to a subscription.
    pub may_retry: bool,
    /// Seconds after which to ask again.
    pub retry_after: Option<u32>,
}

/// What a finisher found out, as a page sees it.
pub fn checkout(id: AttemptId, finish: Finish) -> Checkout {
    let blank = Checkout {
        checkout: id,
        status: "pending",
        subscription: None,
        reason: None,
        may_retry: false,
        retry_after: None,
    };
    match finish {
        Finish::Subscribed { subscription, .. } => {
            let ended = FailureReason::of_ended(&subscription);
            Checkout {
                status: ended.map_or("subscribed", |_| "failed"),
                reason: ended,
                may_retry: ended.is_some_and(FailureReason::may_retry),
                subscription: Some(SubscriptionBody(*subscription)),
                ..blank
            }
        }
        Finish::Pending { retry_after } => Checkout {
            retry_after: Some(retry_after),
            ..blank
        },
        Finish::Failed { reason } => Checkout {
            status: "failed",
            reason: Some(reason),
            may_retry: reason.may_retry(),
            ..blank
        },
    }
}

/// Reads the id of a checkout. One that is not well-formed belongs to nobody.
pub fn parse_checkout(text: &str) -> Result<AttemptId, ApiError> {
    text.parse().map_err(|_| unknown_checkout())
}

/// The same words whether there is none, it is somebody else's, or the secret is wrong.
pub fn unknown_checkout() -> ApiError {
    ApiError::new(
        404,
        "unknown_checkout",
        "There is no such checkout of this user.",
    )
}

/// There is nothing to sell: the user has it. `manage` leads them to the customer portal, where
/// they can give another payment method if [`Subscription::payment`] says that one is needed.
pub(crate) fn already_subscribed(subscription: Subscription, manage: &Url) -> ApiError {
    ApiError::new(
        409,
        "already_subscribed",
        "There already is a live subscription of this plan's group.",
    )
    .with("subscription", json!(SubscriptionBody(subscription)))
    .with("manage", json!(manage.as_str()))
}

/// The answer of a call that creates a subscription, as long as there is none, or when it has ended.
pub fn undecided(checkout: AttemptId, finish: Finish) -> Result<Response, ApiError> {
    let body = self::checkout(checkout, finish);
    if let Some(reason) = body.reason {
        let error = ApiError::new(status(reason), reason.as_str(), reason.message());
        let error = error.with("may_retry", json!(reason.may_retry()));
        return Err(match &body.subscription {
            Some(ended) => error.with("subscription", json!(ended)),
            None => error,
        });
    }
    let response = Response::json(202, &body);
    Ok(match body.retry_after {
        Some(seconds) => response.with_header("retry-after", seconds.to_string()),
        None => response,
    })
}

fn status(reason: FailureReason) -> u16 {
    match reason {
        FailureReason::PaymentDeclined
        | FailureReason::WalletDeclined
        | FailureReason::WalletAbandoned
        | FailureReason::TooManyDeclines
        | FailureReason::WalletMismatch => 402,
        // The shop hears of what Stripe refuses when it does, and not each time that somebody asks.
        FailureReason::AlreadySubscribed
        | FailureReason::Canceled
        | FailureReason::Expired
        | FailureReason::Rejected
        | FailureReason::PlanNotAvailable
        | FailureReason::TrialUsed
        | FailureReason::CodeRefused
        | FailureReason::TaxChanged
        | FailureReason::EndedAfterPayment
        | FailureReason::EndedInTrial => 409,
    }
}
