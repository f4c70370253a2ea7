//! Early fraud warnings: sent, and kept up with the charge.

use crate::error::{ApiError, Result};
use crate::objects::fraud_warning;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Warns of a charge that went through.
pub(crate) fn warn(world: &mut World, charge: &str, fraud_type: &str) -> Result<Value> {
    let charge = world.at_path(Kind::Charge, charge)?;
    if !charge.is("status", "succeeded") {
        let message = "Only a successful charge can be taken for fraud.";
        return Err(ApiError::invalid(message));
    }
    let warning = fraud_warning::new(world, &charge, fraud_type);
    world.create(&warning, "radar.early_fraud_warning.created");
    Ok(warning)
}

/// Updates the warnings about a charge that was disputed or refunded.
pub(crate) fn follow(world: &mut World, charge: &Value) {
    let warnings = world
        .store
        .having(Kind::FraudWarning, "charge", charge.id());
    let warnings: Vec<Value> = warnings.cloned().collect();
    for before in warnings {
        let mut after = before.clone();
        after.set("actionable", fraud_warning::is_actionable(charge));
        world.update(&before, &after, "radar.early_fraud_warning.updated");
    }
}
