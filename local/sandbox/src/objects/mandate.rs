//! A mandate.

use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
use serde_json::{Value, json};

/// The mandate of a payment method, as its customer has accepted it.
pub(crate) fn new(method: &Value, acceptance: &Value) -> Value {
    let kind = method.text("type").unwrap_or_default();
    json!({
        "id": ids::id("mandate"),
        "object": "mandate",
        "customer_acceptance": acceptance,
        "livemode": false,
        "multi_use": {},
        "payment_method": method.id(),
        "payment_method_details": {"type": kind, kind: {}},
        "status": "active",
        "type": "multi_use",
    })
}

/// Whether a payment method that needs a mandate has one in force.
pub(crate) fn in_force(world: &World, method: &Value) -> bool {
    if method.text("type").and_then(wallets::redirect).is_none() {
        return true;
    }
    let mandate = method
        .text("_mandate")
        .and_then(|mandate| world.store.get(Kind::Mandate, mandate));
    mandate.is_some_and(|mandate| mandate.is("status", "active"))
}
