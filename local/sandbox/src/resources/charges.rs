//! Charges.

use super::{Answer, Call};
use crate::error::ApiError;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// `GET /v1/charges/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Charge, &call.id)
}

/// A charge that moved the money.
pub(crate) fn succeeded(world: &mut World, intent: &Value, method: &Value) -> Value {
    let mut charge = new_charge(world, intent, method);
    charge.set("amount_captured", intent.at("amount").clone());
    charge.set("captured", true);
    charge.set("paid", true);
    charge.set("status", "succeeded");
    charge.set(
        "outcome",
        outcome("approved_by_network", "authorized", "Payment complete."),
    );
    world.create(&charge, "charge.succeeded");
    charge
}

/// A charge that was declined.
pub(crate) fn failed(world: &mut World, intent: &Value, method: &Value, error: &ApiError) -> Value {
    let mut charge = new_charge(world, intent, method);
    charge.set("failure_code", error.code.clone());
    charge.set("failure_message", error.message.clone());
    charge.set(
        "outcome",
        outcome(
            "declined_by_network",
            "issuer_declined",
            "The payment was declined.",
        ),
    );
    charge.set(
        "outcome.reason",
        error
            .more
            .get("decline_code")
            .cloned()
            .unwrap_or(Value::Null),
    );
    world.create(&charge, "charge.failed");
    charge
}

fn outcome(status: &str, kind: &str, message: &str) -> Value {
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": status,
        "reason": null,
        "seller_message": message,
        "type": kind,
    })
}

fn new_charge(world: &World, intent: &Value, method: &Value) -> Value {
    let kind = method.text("type").unwrap_or_default();
    json!({
        "id": ids::id("ch"),
        "object": "charge",
        "amount": intent.at("amount"),
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": method.at("billing_details"),
        "calculated_statement_descriptor": "PERENNIAL SANDBOX",
        "captured": false,
        "created": world.now_for(intent),
        "currency": intent.at("currency"),
        "customer": intent.at("customer"),
        "description": intent.at("description"),
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": intent.at("metadata"),
        "on_behalf_of": null,
        "outcome": null,
        "paid": false,
        "payment_intent": intent.id(),
        "payment_method": method.id(),
        "payment_method_details": {"type": kind, kind: details(intent, method)},
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "failed",
        "transfer_data": null,
        "transfer_group": null,
        "_clock": intent.at("_clock"),
    })
}

fn details(intent: &Value, method: &Value) -> Value {
    if method.is("type", "amazon_pay") {
        let card = json!({"brand": "Visa", "country": "US", "exp_month": 8, "exp_year": 2034, "funding": "credit", "last4": "1111"});
        return json!({"funding": {"type": "card", "card": card}, "transaction_id": ids::random(24)});
    }
    let card = method.at("card");
    json!({
        "amount_authorized": intent.at("amount"),
        "authorization_code": null,
        "brand": card.at("brand"),
        "checks": card.at("checks"),
        "country": card.at("country"),
        "electronic_commerce_indicator": null,
        "exp_month": card.at("exp_month"),
        "exp_year": card.at("exp_year"),
        "fingerprint": card.at("fingerprint"),
        "funding": card.at("funding"),
        "installments": null,
        "last4": card.at("last4"),
        "mandate": null,
        "network": card.at("brand"),
        "network_transaction_id": null,
        "regulated_status": card.at("regulated_status"),
        "three_d_secure": null,
        "transaction_link_id": null,
        "wallet": card.at("wallet"),
    })
}
