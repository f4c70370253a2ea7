//! Why a subscription is paused.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Timestamp, open_enum};

/// A pause, by one of Stripe's two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Since when; none if that is not known, as of a pause of the collection that was not made here.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When it ends by itself; none if it does not.
    pub resumes_at: Option<Timestamp>,
}

/// How long shoppers may pause a plan by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum ShopperPause {
    /// For so many days at most, and never without an end.
    Days(u32),
    /// For as long as they want, with an end or without.
    Open,
}

/// Two years: the longest pause that anybody may ask for with an end.
pub const LONGEST_PAUSE_DAYS: u32 = 730;

impl ShopperPause {
    /// So many days at most; none if there is no limit.
    pub fn longest_days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Open => None,
        }
    }
}

impl TryFrom<Value> for ShopperPause {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let days = value.as_u64().and_then(|days| u32::try_from(days).ok());
        match (days, value.as_str()) {
            (Some(days), _) if (1..=LONGEST_PAUSE_DAYS).contains(&days) => Ok(Self::Days(days)),
            (_, Some("open")) => Ok(Self::Open),
            _ => Err("it must be a number of days from 1 to 730, or \"open\""),
        }
    }
}

impl From<ShopperPause> for Value {
    fn from(pause: ShopperPause) -> Self {
        match pause {
            ShopperPause::Days(days) => days.into(),
            ShopperPause::Open => "open".into(),
        }
    }
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
