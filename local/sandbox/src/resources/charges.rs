//! Charges.

use super::{Answer, Call, payment_options};
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::resources::first_transaction;
use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
use serde_json::{Value, json};

/// `GET /v1/charges/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Charge, &call.id)
}

/// `GET /v1/charges`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(world, Kind::Charge, "/v1/charges", params, |charge| {
        same(charge, params, "customer")
            && same(charge, params, "payment_intent")
            && in_range(charge.int("created"), params.at("created"))
    })
}

/// What a charge that the bank agreed to does with the money.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Money {
    /// The shop has it.
    Moved,
    /// The bank holds it for the shop until then.
    Held {
        /// In seconds since the epoch.
        until: i64,
    },
}

/// A charge that the bank agreed to.
pub(crate) fn succeeded(world: &mut World, intent: &Value, method: &Value, money: Money) -> Value {
    let mut charge = new_charge(world, intent, method);
    match money {
        Money::Moved => {
            charge.set("amount_captured", intent.at("amount").clone());
            charge.set("captured", true);
        }
        Money::Held { until } if method.is("type", "card") => {
            let card = "payment_method_details.card";
            charge.set(&format!("{card}.capture_before"), until);
            if payment_options::chosen(intent, method)
                .is("request_incremental_authorization", "if_available")
            {
                charge.set(
                    &format!("{card}.incremental_authorization.status"),
                    "available",
                );
            }
        }
        Money::Held { .. } => {}
    }
    if first_transaction::of_wallet(method) {
        // The networks link later charges to this one by it.
        charge.set(
            "payment_method_details.card.network_transaction_id",
            ids::random(15).to_uppercase(),
        );
    }
    charge.set("paid", true);
    charge.set("status", "succeeded");
    charge.set(
        "outcome",
        outcome("approved_by_network", "authorized", "Payment complete."),
    );
    world.create(&charge, "charge.succeeded");
    charge
}

/// Captures what was held, all or a part. The rest goes back, which the charge shows as refunded.
pub(crate) fn capture(world: &mut World, intent: &Value, amount: i64) -> Result<()> {
    let held = world.get(
        Kind::Charge,
        intent.text("latest_charge").unwrap_or_default(),
    )?;
    let mut charge = held.clone();
    charge.set("amount_captured", amount);
    charge.set(
        "amount_refunded",
        held.int("amount").unwrap_or(amount) - amount,
    );
    charge.set("captured", true);
    charge.set(
        "statement_descriptor_suffix",
        intent.at("statement_descriptor_suffix").clone(),
    );
    world.update(&held, &charge, "charge.captured");
    Ok(())
}

/// Lets go of what was held, which the charge shows as refunded.
pub(crate) fn let_go(world: &mut World, intent: &Value, event: &str) {
    let held = intent
        .text("latest_charge")
        .and_then(|charge| world.store.get(Kind::Charge, charge))
        .cloned();
    if let Some(held) = held {
        let mut charge = held.clone();
        charge.set("amount_refunded", held.at("amount").clone());
        charge.set("refunded", true);
        world.update(&held, &charge, event);
    }
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
        "statement_descriptor_suffix": intent.at("statement_descriptor_suffix"),
        "status": "failed",
        "transfer_data": null,
        "transfer_group": null,
        "_clock": intent.at("_clock"),
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
