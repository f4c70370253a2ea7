//! Mandates.

use super::{Answer, Call};
use crate::error::Result;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::Value;

/// `GET /v1/mandates/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Mandate, &call.id)
}

/// Ends a mandate, as its customer may do in the wallet. Whether Stripe then also detaches the payment
/// method is not documented, so it stays attached here and its next charge fails.
pub(crate) fn revoke(world: &mut World, id: &str) -> Result<Value> {
    let before = world.at_path(Kind::Mandate, id)?;
    let mut mandate = before.clone();
    mandate.set("status", "inactive");
    world.update(&before, &mandate, "mandate.updated");
    Ok(mandate)
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
