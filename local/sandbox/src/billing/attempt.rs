//! What a charge meets: the payment method's behaviour, its mandate, and whether it is still the customer's.

use crate::error::ApiError;
use crate::resources::mandates;
use crate::state::{Fields, World};
use serde_json::Value;

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

/// What charging the payment method would meet now.
pub(crate) fn outcome(world: &World, method: &Value, customer: &Value) -> Outcome {
    if method.at("customer") != customer || method.flag("_detached") {
        let message = "The payment method is no longer attached to the customer.";
        return Outcome::Declined(
            ApiError::card(message).with_code("payment_method_unexpected_state"),
        );
    }
    if !mandates::in_force(world, method) {
        let message = "The mandate of this payment method is not active.";
        return Outcome::Declined(
            ApiError::card(message).with_code("payment_intent_mandate_invalid"),
        );
    }
    let amazon_pay = method.is("type", "amazon_pay");
    match method.text("_charge") {
        Some("decline") if amazon_pay => {
            let message = "The payment was declined by Amazon Pay.";
            Outcome::Declined(
                ApiError::card(message)
                    .with_code("payment_method_provider_decline")
                    .with("decline_code", "generic_decline"),
            )
        }
        Some("decline") => Outcome::Declined(
            ApiError::card("Your card was declined.")
                .with_code("card_declined")
                .with("decline_code", "generic_decline"),
        ),
        Some("authentication_required") => {
            let message = "This transaction requires authentication by the customer.";
            Outcome::NeedsAction(
                ApiError::card(message)
                    .with_code("authentication_required")
                    .with("decline_code", "authentication_required"),
            )
        }
        _ => Outcome::Paid,
    }
}
