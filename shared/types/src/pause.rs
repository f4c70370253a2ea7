//! Why a subscription is paused.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, open_enum};

/// A pause, by one of Stripe's two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// When Stripe ends it by itself; none if it does not.
    pub resumes_at: Option<Timestamp>,
}

open_enum! {
    /// Why a subscription is paused. Most are Stripe's own words in
    /// `status_details.paused.subscription.type`
    /// (<https://docs.stripe.com/api/subscriptions/object>).
    PauseReason {
        /// It was asked for, by the shop or in the portal. The status is `paused`.
        PauseRequested => "pause_requested",
        /// Its trial ended and there was no payment method.
        TrialEndWithoutPaymentMethod => "trial_end_without_payment_method",
        /// A renewal was refused, and the account's settings pause at once.
        FirstPaymentFailure => "first_payment_failure",
        /// A renewal was refused as often as Stripe tries.
        FinalPaymentFailure => "final_payment_failure",
        /// Stripe has paused it.
        System => "system",
        /// Payments are not collected for now, while the subscription runs on with its status
        /// (<https://docs.stripe.com/billing/subscriptions/pause-payment>).
        PauseCollection => "pause_collection",
    }
}

impl PauseReason {
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
