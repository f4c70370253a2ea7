//! Disputes: the shopper's bank or wallet claims a charge back.

use super::{Answer, Call};
use crate::error::{ApiError, Result};
use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
use serde_json::{Map, Value, json};

/// How long the shop may take for its evidence; it depends on the network and is about a week at least.
const EVIDENCE_SECONDS: i64 = 9 * 24 * 3600;

/// How a dispute ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// For the shop.
    Won,
    /// For the shopper.
    Lost,
}

/// `GET /v1/disputes/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Dispute, &call.id)
}

/// Opens a dispute about the whole charge, with the money withdrawn from the shop.
pub(crate) fn open(world: &mut World, charge: &str, reason: &str) -> Result<Value> {
    let before = world.at_path(Kind::Charge, charge)?;
    if !before.is("status", "succeeded") || before.flag("disputed") {
        let message = "Only a successful charge can be disputed, and only once.";
        return Err(ApiError::invalid(message));
    }
    let mut disputed = before.clone();
    disputed.set("disputed", true);
    world.save(&disputed);
    let dispute = new_dispute(world, &before, reason);
    world.create(&dispute, "charge.dispute.created");
    world.emit("charge.dispute.funds_withdrawn", &dispute);
    Ok(dispute)
}

/// Decides a dispute that is open, or one that was lost and is won after all.
pub(crate) fn close(world: &mut World, id: &str, verdict: Verdict) -> Result<Value> {
    let before = world.at_path(Kind::Dispute, id)?;
    let appealed = before.is("status", "lost") && verdict == Verdict::Won;
    if matches!(before.text("status"), Some("won" | "lost")) && !appealed {
        return Err(ApiError::invalid("This dispute is closed already."));
    }
    let mut dispute = before.clone();
    let status = match verdict {
        Verdict::Won => "won",
        Verdict::Lost => "lost",
    };
    dispute.set("status", status);
    dispute.set("evidence_details.due_by", Value::Null);
    world.save(&dispute);
    if verdict == Verdict::Won {
        let mut charge = world.get(Kind::Charge, before.text("charge").unwrap_or_default())?;
        charge.set("_won", true);
        world.save(&charge);
        world.emit("charge.dispute.funds_reinstated", &dispute);
    }
    world.emit("charge.dispute.closed", &dispute);
    Ok(dispute)
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

fn new_dispute(world: &World, charge: &Value, reason: &str) -> Value {
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
