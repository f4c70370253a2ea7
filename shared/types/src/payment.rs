//! The health of what pays for a subscription, in one state with one reason.

use serde::{Deserialize, Serialize};

/// Whether the next charge can be expected to succeed, and what stands against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What to do about it.
    pub state: PaymentState,
    /// Why.
    pub reason: Option<PaymentReason>,
}

/// What is to be done, the most urgent last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Nothing.
    #[default]
    Ok,
    /// Look: money was claimed back or given back.
    Contested,
    /// Wait: Stripe tries again by itself.
    Retrying,
    /// The shopper has to confirm a payment, or a payment method.
    ActionRequired,
    /// The shopper has to give a payment method.
    MethodRequired,
}

/// Why a payment method, or a payment, is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentReason {
    /// A payment was refused, and is tried again.
    PaymentFailed,
    /// A payment was refused as often as Stripe tries.
    RetriesExhausted,
    /// The first payment waits for the shopper.
    FirstPaymentOpen,
    /// The payment method of the trial waits for the shopper.
    FirstSetupOpen,
    /// There is no payment method.
    MethodMissing,
    /// The payment method was taken off the customer.
    MethodDetached,
    /// The shopper has revoked the authorization.
    MandateRevoked,
    /// A payment is disputed.
    Disputed,
    /// A dispute was lost.
    DisputeLost,
    /// A payment was given back.
    Refunded,
}

/// Which payments of a subscription are claimed back by the shopper's bank or wallet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disputes {
    /// Of one of them that is not decided yet.
    pub open: bool,
    /// One of them is lost: the money is with the shopper.
    pub lost: bool,
}

impl Disputes {
    /// What is told of them; of one that is open before one that is lost.
    pub fn reason(self) -> Option<PaymentReason> {
        if self.open {
            Some(PaymentReason::Disputed)
        } else if self.lost {
            Some(PaymentReason::DisputeLost)
        } else {
            None
        }
    }
}

impl Payment {
    /// In this state, because of that.
    pub fn new(state: PaymentState, reason: PaymentReason) -> Self {
        Self {
            state,
            reason: Some(reason),
        }
    }
}
