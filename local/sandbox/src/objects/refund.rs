//! A refund.

use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// A refund of this amount, which is pending.
pub(crate) fn new(world: &World, charge: &Value, amount: i64, params: &Value) -> Value {
    let kind = charge.text("payment_method_details.type").unwrap_or("card");
    let destination = if kind == "card" {
        json!({"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"})
    } else {
        json!({})
    };
    json!({
        "id": ids::id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": null,
        "charge": charge.id(),
        "created": world.now_for(charge),
        "currency": charge.at("currency"),
        "customer": charge.at("customer"),
        "customer_account": null,
        "destination_details": {"type": kind, kind: destination},
        "metadata": {},
        "payment_intent": charge.at("payment_intent"),
        "payment_method": charge.at("payment_method"),
        "reason": params.at("reason"),
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "pending",
        "transfer_reversal": null,
        "_clock": charge.at("_clock"),
    })
}
