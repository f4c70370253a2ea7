//! The first transaction of a payment method, made while the customer is there, on which all later ones depend.
//!
//! A wallet hands over a cryptogram that is good for one transaction and not for long. The card networks link what a
//! shop charges later to that transaction: where it failed, or never was, the later charges are declined.

use crate::error::ApiError;
use crate::state::{Fields, World};
use serde_json::Value;

/// What the first transaction met.
#[derive(Clone, Debug)]
pub(crate) enum First {
    /// It went through.
    Passed,
    /// It was declined, and why.
    Declined(ApiError),
    /// The customer's bank requires authentication.
    Authenticate(ApiError),
    /// The payment method has nothing special about its first transaction, or had it already.
    Ordinary,
}

/// Whether the payment method came out of Apple's sheet.
pub(crate) fn of_wallet(method: &Value) -> bool {
    method.has("card.wallet")
}

/// Makes the first transaction, which spends what the token brought along for it, or says why there is none to make.
pub(crate) fn make(world: &mut World, method: &Value) -> First {
    let Some(first) = method.owned("_first") else {
        return if of_wallet(method) {
            First::Declined(ApiError::card_declined("generic_decline"))
        } else {
            First::Ordinary
        };
    };
    let expired = method
        .int("_cryptogram_until")
        .is_some_and(|until| world.now() > until);
    let mut spent = method.clone();
    for note in ["_first", "_cryptogram_until"] {
        spent.set(note, Value::Null);
    }
    let met = match first.as_str() {
        _ if expired => First::Declined(ApiError::card_declined("generic_decline")),
        "decline" => First::Declined(ApiError::card_declined("generic_decline")),
        "authentication_required" => First::Authenticate(authentication_required()),
        _ => First::Passed,
    };
    spent.set("_linked", matches!(met, First::Passed));
    world.save(&spent);
    met
}

/// The customer's bank has heard from the customer: the first transaction went through after all.
pub(crate) fn authenticated(world: &mut World, method: &Value) -> Value {
    let mut linked = method.clone();
    linked.set("_linked", true);
    world.save(&linked);
    linked
}

/// Why a charge without the customer would be declined for want of a first transaction.
pub(crate) fn missing_link(method: &Value) -> Option<ApiError> {
    (of_wallet(method) && !method.flag("_linked"))
        .then(|| ApiError::card_declined("generic_decline"))
}

/// The bank's wish to hear from the customer.
pub(crate) fn authentication_required() -> ApiError {
    ApiError::card("This transaction requires authentication by the customer.")
        .with_code("authentication_required")
        .with("decline_code", "authentication_required")
}
