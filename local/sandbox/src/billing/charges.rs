//! Charges: made, captured, let go of.

use super::first_transaction;
use crate::error::{ApiError, Result};
use crate::objects::{charge, payment_options};
use crate::state::{Fields, Kind, World, ids};
use serde_json::Value;

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
    let mut charge = charge::new(world, intent, method);
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
    let receipt = format!("{}/sandbox/receipts/{}", world.base_url, charge.id());
    charge.set("receipt_url", receipt);
    charge.set(
        "outcome",
        charge::outcome("approved_by_network", "authorized", "Payment complete."),
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
    let mut charge = charge::new(world, intent, method);
    charge.set("failure_code", error.code.clone());
    charge.set("failure_message", error.message.clone());
    charge.set(
        "outcome",
        charge::outcome(
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
            .unwrap_or_else(|| error.code.clone().into()),
    );
    world.create(&charge, "charge.failed");
    charge
}
