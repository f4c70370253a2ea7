//! A dispute: the shopper's bank or wallet claims a charge back.

use crate::state::{Fields, World, ids};
use crate::wallets;
use serde_json::{Map, Value, json};

/// How long the shop may take for its evidence; it depends on the network and is about a week at least.
const EVIDENCE_SECONDS: i64 = 9 * 24 * 3600;

/// A dispute about a whole charge.
pub(crate) fn new(world: &World, charge: &Value, reason: &str) -> Value {
    let now = world.now_for(charge);
    let kind = charge.text("payment_method_details.type").unwrap_or("card");
    let details = if let Some((_, wallet)) = wallets::redirect(kind) {
        (wallet.disputed)()
    } else {
        let brand = charge.at("payment_method_details.card.brand");
        json!({"brand": brand, "case_type": "chargeback", "network": brand, "network_reason_code": null})
    };
    let mut dispute = json!({
        "id": ids::id("du"),
        "object": "dispute",
        "amount": charge.at("amount"),
        "balance_transactions": [],
        "charge": charge.id(),
        "created": now,
        "currency": charge.at("currency"),
        "enhanced_eligibility_types": [],
        "evidence": no_evidence(),
        "evidence_details": {
            "due_by": now + EVIDENCE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": null,
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "payment_intent": charge.at("payment_intent"),
        "reason": reason,
        "status": "needs_response",
        "_clock": charge.at("_clock"),
    });
    if !details.is_null() {
        dispute.set(
            "payment_method_details",
            json!({"type": kind, kind: details}),
        );
    }
    dispute
}

/// What the shop may say for itself, of which it has said nothing.
fn no_evidence() -> Value {
    const FIELDS: [&str; 27] = [
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    ];
    let mut evidence: Map<String, Value> = FIELDS
        .into_iter()
        .map(|field| (field.to_owned(), Value::Null))
        .collect();
    evidence.insert("enhanced_evidence".to_owned(), json!({}));
    Value::Object(evidence)
}
