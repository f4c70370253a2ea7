//! A charge.

use super::payment_options;
use crate::state::{Fields, World, ids};
use crate::wallets;
use serde_json::{Value, json};

/// A charge that has not been decided.
pub(crate) fn new(world: &World, intent: &Value, method: &Value) -> Value {
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
        "statement_descriptor_suffix": intent.at("statement_descriptor_suffix"),
        "status": "failed",
        "transfer_data": null,
        "transfer_group": null,
        "_clock": intent.at("_clock"),
    })
}

/// What the bank said about a charge.
pub(crate) fn outcome(status: &str, kind: &str, message: &str) -> Value {
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

fn details(intent: &Value, method: &Value) -> Value {
    let kind = method.text("type").unwrap_or_default();
    if let Some((_, wallet)) = wallets::redirect(kind) {
        let mut details = (wallet.charged)();
        for (name, value) in method.at(kind).as_object().into_iter().flatten() {
            details.set(name, value.clone());
        }
        details.set("transaction_id", ids::random(24));
        return details;
    }
    let card = method.at("card");
    let mut details = json!({
        "amount_authorized": intent.at("amount"),
        "authorization_code": null,
        "brand": card.at("brand"),
        "checks": card.at("checks"),
        "country": card.at("country"),
        "electronic_commerce_indicator": null,
        "exp_month": card.at("exp_month"),
        "exp_year": card.at("exp_year"),
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.at("fingerprint"),
        "funding": card.at("funding"),
        "incremental_authorization": {"status": "unavailable"},
        "installments": null,
        "last4": card.at("last4"),
        "mandate": null,
        "multicapture": {"status": "unavailable"},
        "network": card.at("brand"),
        "network_transaction_id": null,
        "overcapture": {"maximum_amount_capturable": intent.at("amount"), "status": "unavailable"},
        "regulated_status": card.at("regulated_status"),
        "three_d_secure": null,
        "transaction_link_id": null,
        "wallet": card.at("wallet"),
    });
    let chosen = payment_options::chosen(intent, method);
    for usage in ["setup_credential_usage", "stored_credential_usage"] {
        if chosen.has(usage) {
            details.set(usage, chosen.at(usage).clone());
        }
    }
    details
}
