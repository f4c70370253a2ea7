//! Why a subscription is paused.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A pause, by one of Stripe's two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// When Stripe ends it by itself; none if it does not.
    pub resumes_at: Option<Timestamp>,
}

/// Why a subscription is paused. Most are Stripe's own words in
/// `status_details.paused.subscription.type`
/// (<https://docs.stripe.com/api/subscriptions/object>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum PauseReason {
    /// It was asked for, by the shop or in the portal. The status is `paused`.
    PauseRequested,
    /// Its trial ended and there was no payment method.
    TrialEndWithoutPaymentMethod,
    /// A renewal was refused, and the account's settings pause at once.
    FirstPaymentFailure,
    /// A renewal was refused as often as Stripe tries.
    FinalPaymentFailure,
    /// Stripe has paused it.
    System,
    /// Payments are not collected for now, while the subscription runs on with its status
    /// (<https://docs.stripe.com/billing/subscriptions/pause-payment>).
    PauseCollection,
    /// One that came after this was written.
    Other(String),
}

impl PauseReason {
    /// Stripe's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PauseRequested => "pause_requested",
            Self::TrialEndWithoutPaymentMethod => "trial_end_without_payment_method",
            Self::FirstPaymentFailure => "first_payment_failure",
            Self::FinalPaymentFailure => "final_payment_failure",
            Self::System => "system",
            Self::PauseCollection => "pause_collection",
            Self::Other(other) => other,
        }
    }

    /// Whether it lasts until the shopper has paid, or has given a payment method.
    pub fn lacks_payment(&self) -> bool {
        matches!(
            self,
            Self::TrialEndWithoutPaymentMethod
                | Self::FirstPaymentFailure
                | Self::FinalPaymentFailure
        )
    }
}

impl From<String> for PauseReason {
    fn from(text: String) -> Self {
        match text.as_str() {
            "pause_requested" => Self::PauseRequested,
            "trial_end_without_payment_method" => Self::TrialEndWithoutPaymentMethod,
            "first_payment_failure" => Self::FirstPaymentFailure,
            "final_payment_failure" => Self::FinalPaymentFailure,
            "system" => Self::System,
            "pause_collection" => Self::PauseCollection,
            _ => Self::Other(text),
        }
    }
}

impl From<PauseReason> for String {
    fn from(reason: PauseReason) -> String {
        reason.as_str().to_owned()
    }
}
