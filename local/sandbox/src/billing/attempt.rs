//! What a charge meets: the payment method's behavior, its mandate, and whether it is still the customer's.

use super::first_transaction::{self, First};
use crate::error::ApiError;
use crate::objects::mandate;
use crate::state::{Fields, World};
use crate::wallets;
use serde_json::Value;

/// Whether the customer is there to authorize a charge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Presence {
    /// On the shop's page, on session.
    Here,
    /// Not at all: the shop charges by itself, off session.
    Away,
}

impl Presence {
    /// What the parameter `off_session` says, which may also name a reason.
    pub(crate) fn by(off_session: &Value) -> Self {
        match off_session {
            Value::Bool(true) | Value::String(_) => Self::Away,
            _ => Self::Here,
        }
    }
}

/// The outcome of an attempt to charge.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The money moved.
    Paid,
    /// It did not, and why.
    Declined(ApiError),
    /// The customer has to act first.
    NeedsAction(ApiError),
}

/// What charging the payment method meets now. A first transaction is made, and spent, with that.
pub(crate) fn outcome(
    world: &mut World,
    method: &Value,
    customer: &Value,
    presence: Presence,
) -> Outcome {
    let new = presence == Presence::Here && !method.has("customer");
    if !(new || method.at("customer") == customer) || method.flag("_detached") {
        let message = "The payment method is no longer attached to the customer.";
        return Outcome::Declined(
            ApiError::card(message).with_code("payment_method_unexpected_state"),
        );
    }
    if !mandate::in_force(world, method) {
        let message = "The mandate of this payment method is not active.";
        return Outcome::Declined(
            ApiError::card(message).with_code("payment_intent_mandate_invalid"),
        );
    }
    match presence {
        Presence::Here => match first_transaction::make(world, method) {
            First::Passed => return Outcome::Paid,
            First::Declined(error) => return Outcome::Declined(error),
            First::Authenticate(error) => return Outcome::NeedsAction(error),
            First::Ordinary => {}
        },
        Presence::Away => {
            if let Some(error) = first_transaction::missing_link(method) {
                return Outcome::Declined(error);
            }
        }
    }
    by_behavior(method)
}

/// What the control API, or the test card, says about charges.
pub(crate) fn by_behavior(method: &Value) -> Outcome {
    let redirect = method.text("type").and_then(wallets::redirect);
    match (method.text("_charge"), redirect) {
        (Some("decline"), Some((wallet, _))) => {
            let message = format!("The payment was declined by {}.", wallet.label);
            Outcome::Declined(
                ApiError::card(message)
                    .with_code("payment_method_provider_decline")
                    .with("decline_code", "generic_decline"),
            )
        }
        (Some("decline"), None) => Outcome::Declined(ApiError::card_declined(
            method.text("_decline_code").unwrap_or("generic_decline"),
        )),
        (Some("authentication_required"), _) => {
            Outcome::NeedsAction(first_transaction::authentication_required())
        }
        _ => Outcome::Paid,
    }
}
