//! The read model of a subscription.

use serde::{Deserialize, Serialize};

use crate::{Payment, PaymentReason, PlanName, PriceId, SubscriptionId, Timestamp, Wallet};

/// Stripe's status of a subscription (<https://docs.stripe.com/billing/subscriptions/overview>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SubscriptionStatus {
    /// The first payment is outstanding.
    Incomplete,
    /// The first payment never came.
    IncompleteExpired,
    /// In its free trial.
    Trialing,
    /// Paid for.
    Active,
    /// A renewal failed and Stripe tries again.
    PastDue,
    /// Ended, for good.
    Canceled,
    /// A renewal failed and Stripe has stopped trying.
    Unpaid,
    /// Paused.
    Paused,
    /// One that came after this was written.
    Other(String),
}

impl SubscriptionStatus {
    /// Stripe's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Other(other) => other,
        }
    }

    /// Whether it can never change again.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }

    /// Whether it gives the user what they subscribed to, once they have confirmed it. A
    /// subscription that is past due still counts, since Stripe is trying to collect and a shopper
    /// should not flap in and out.
    fn entitles(&self) -> bool {
        matches!(self, Self::Active | Self::Trialing | Self::PastDue)
    }
}

impl From<String> for SubscriptionStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "incomplete" => Self::Incomplete,
            "incomplete_expired" => Self::IncompleteExpired,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "canceled" => Self::Canceled,
            "unpaid" => Self::Unpaid,
            "paused" => Self::Paused,
            _ => Self::Other(text),
        }
    }
}

impl From<SubscriptionStatus> for String {
    fn from(status: SubscriptionStatus) -> String {
        status.as_str().to_owned()
    }
}

/// A subscription as the shop sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Stripe's id.
    pub id: SubscriptionId,
    /// Stripe's status.
    pub status: SubscriptionStatus,
    /// The plan; none when the price is not one of the configured plans.
    pub plan: Option<PlanName>,
    /// The price that is charged.
    pub price: Option<PriceId>,
    /// The wallet that pays; none when the subscription was not made here.
    pub wallet: Option<Wallet>,
    /// Start of the period that is paid for or in trial.
    pub current_period_start: Option<Timestamp>,
    /// End of that period, which is when the next charge falls due.
    pub current_period_end: Option<Timestamp>,
    /// End of the free trial.
    pub trial_end: Option<Timestamp>,
    /// Whether it ends with the period.
    pub cancel_at_period_end: bool,
    /// Stripe's status of the newest invoice.
    pub latest_invoice_status: Option<String>,
    /// Whether the next charge can be expected to succeed.
    #[serde(default)]
    pub payment: Payment,
}

impl Subscription {
    /// Whether the shopper has yet to confirm its first payment, or the payment method of its
    /// trial. Stripe calls the latter `trialing` from the start.
    pub fn awaits_shopper(&self) -> bool {
        self.status == SubscriptionStatus::Incomplete
            || self.payment.reason == Some(PaymentReason::FirstSetupOpen)
    }

    /// Whether the user gets what they subscribed to.
    pub fn entitles(&self) -> bool {
        self.status.entitles() && !self.awaits_shopper()
    }
}
