//! The argument of `stripe.elements()`.

use perennial_types::{Currency, Discount, Money, Plan};
use serde::{Deserialize, Serialize};

/// Options of `stripe.elements()` without an intent, for a wallet whose intent is created after the
/// shopper has agreed (<https://docs.stripe.com/payments/accept-a-payment-deferred>).
///
/// They must say the same as the intent, or Stripe.js refuses to confirm it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elements {
    #[serde(flatten)]
    mode: Mode,
    currency: Currency,
    #[serde(rename = "setupFutureUsage", skip_serializing_if = "Option::is_none")]
    setup_future_usage: Option<OffSession>,
    #[serde(rename = "captureMethod", skip_serializing_if = "Option::is_none")]
    capture_method: Option<Manual>,
    #[serde(rename = "allowedPaymentMethodTypes")]
    allowed: [&'static str; 1],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Mode {
    Setup,
    Subscription { amount: u64 },
    Payment { amount: u64 },
}

/// What is saved of Apple Pay is never used with the shopper present, so there is no `on_session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum OffSession {
    OffSession,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Manual {
    Manual,
}

/// When the money of a payment is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// At once.
    #[default]
    Automatic,
    /// Later, or never.
    Manual,
}

/// To Stripe, Apple Pay is a card with a wallet.
const CARD: [&str; 1] = ["card"];

impl Elements {
    /// To save a method for this plan before there is a subscription.
    pub fn setup(plan: &Plan) -> Self {
        Self::saving(Mode::Setup, plan.currency)
    }

    /// To subscribe to this plan. The amount is what is charged today, which is nothing in a trial.
    pub fn subscription(plan: &Plan, discount: Option<&Discount>) -> Self {
        let amount = match discount {
            _ if plan.trial_days > 0 => 0,
            Some(discount) => discount.amount,
            None => plan.amount,
        };
        Self::saving(Mode::Subscription { amount }, plan.currency)
    }

    /// To pay once; `saves` if later payments without the shopper follow.
    pub fn payment(money: Money, saves: bool, capture: Capture) -> Self {
        let mode = Mode::Payment {
            amount: money.amount,
        };
        let usage = saves.then_some(OffSession::OffSession);
        Self {
            setup_future_usage: usage,
            capture_method: match capture {
                Capture::Automatic => None,
                Capture::Manual => Some(Manual::Manual),
            },
            ..Self::saving(mode, money.currency)
        }
    }

    fn saving(mode: Mode, currency: Currency) -> Self {
        Self {
            mode,
            currency,
            setup_future_usage: Some(OffSession::OffSession),
            capture_method: None,
            allowed: CARD,
        }
    }
}
