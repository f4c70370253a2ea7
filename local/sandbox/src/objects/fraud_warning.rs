//! An early fraud warning: the bank takes a charge for fraud, and has not claimed it back yet.

use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// A warning about a charge.
pub(crate) fn new(world: &World, charge: &Value, fraud_type: &str) -> Value {
    json!({
        "id": ids::id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": is_actionable(charge),
        "charge": charge.id(),
        "created": world.now_for(charge),
        "fraud_type": fraud_type,
        "livemode": false,
        "payment_intent": charge.at("payment_intent"),
        "_clock": charge.at("_clock"),
    })
}

/// Whether a refund may still prevent a dispute.
pub(crate) fn is_actionable(charge: &Value) -> bool {
    !charge.flag("disputed") && !charge.flag("refunded")
}
