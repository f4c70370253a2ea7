//! Refunds: asked for, and settled by bank or wallet.

use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, refund};
use crate::operations::fraud_warnings;
use crate::params::call::{Answer, Call};
use crate::params::currencies::written;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// How a refund ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The money reached the shopper.
    Succeeded,
    /// The bank or the wallet sent it back, which also happens to a refund that had succeeded.
    Failed,
}

/// `POST /v1/refunds`: gives a charge back, or what is left of it.
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let charge = charge_of(world, params)?;
    // What was held and never captured went back already, and counts as refunded.
    let left = charge.int("amount").unwrap_or(0) - charge.int("amount_refunded").unwrap_or(0);
    check(&charge, left)?;
    let amount = params.int("amount").unwrap_or(left);
    if amount < 1 {
        return Err(
            ApiError::validation("This value must be greater than or equal to 1.")
                .with_code("parameter_invalid_integer")
                .with_param("amount"),
        );
    }
    let currency = charge.text("currency").unwrap_or_default();
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            written(amount, currency),
            written(left, currency),
        );
        return Err(ApiError::invalid(message).with_param("amount"));
    }
    let waits = world.account().is("refunds", "pending");
    let mut refund = refund::new(world, &charge, amount, params);
    if waits {
        refund.set("pending_reason", "processing");
    }
    refund.set("status", if waits { "pending" } else { "succeeded" });
    merge_metadata(&mut refund, params);
    world.create(&refund, "refund.created");
    give_back(world, &charge, amount, "charge.refunded");
    Ok(refund)
}

/// What the bank or the wallet does with a refund.
pub(crate) fn settle(world: &mut World, id: &str, outcome: Outcome) -> Answer {
    let before = world.at_path(Kind::Refund, id)?;
    let status = before.text("status").unwrap_or_default();
    let possible = match outcome {
        Outcome::Succeeded => status == "pending",
        Outcome::Failed => matches!(status, "pending" | "succeeded"),
    };
    if !possible {
        return Err(ApiError::invalid(format!("This refund is {status}.")));
    }
    let mut refund = before.clone();
    if let Value::Object(fields) = &mut refund {
        fields.remove("pending_reason");
    }
    let charge = world.get(Kind::Charge, before.text("charge").unwrap_or_default())?;
    match outcome {
        Outcome::Succeeded => refund.set("status", "succeeded"),
        Outcome::Failed => {
            refund.set("failure_reason", "declined");
            refund.set("status", "failed");
        }
    }
    world.update(&before, &refund, "refund.updated");
    world.emit("charge.refund.updated", &refund);
    if outcome == Outcome::Failed {
        world.emit("refund.failed", &refund);
        let amount = before.int("amount").unwrap_or(0);
        give_back(world, &charge, -amount, "charge.updated");
    }
    Ok(refund)
}

/// The charge that the parameters name, by itself or by its PaymentIntent.
fn charge_of(world: &World, params: &Value) -> Result<Value> {
    match (params.text("charge"), params.text("payment_intent")) {
        (Some(_), Some(_)) => Err(ApiError::exclusive("charge", "payment_intent")),
        // Both are looked up as they would be in a path.
        (Some(charge), None) => world.at_path(Kind::Charge, charge),
        (None, Some(intent)) => {
            let intent = world.at_path(Kind::PaymentIntent, intent)?;
            let none = || {
                let message = format!(
                    "This PaymentIntent ({}) does not have a successful charge to refund.",
                    intent.id()
                );
                ApiError::invalid(message).with_param("payment_intent")
            };
            if !intent.is("status", "succeeded") {
                return Err(none());
            }
            let charge = intent.text("latest_charge").ok_or_else(none)?;
            world.get(Kind::Charge, charge)
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            Err(ApiError::validation(message))
        }
    }
}

fn check(charge: &Value, left: i64) -> Result<()> {
    let id = charge.id();
    if !charge.is("status", "succeeded") {
        let message = format!("Charge {id} was not successful, so there is nothing to refund.");
        return Err(ApiError::invalid(message).with_param("charge"));
    }
    if !charge.flag("captured") {
        return Err(ApiError::not_simulated(
            "refunding a charge that was not captured",
        ));
    }
    // What a dispute has taken from the shop already would be given twice.
    if charge.flag("disputed") && !charge.flag("_won") {
        return Err(ApiError::invalid(format!(
            "Charge {id} has been charged back; cannot issue a refund."
        ))
        .with_code("charge_disputed"));
    }
    if left == 0 {
        return Err(
            ApiError::invalid(format!("Charge {id} has already been refunded."))
                .with_code("charge_already_refunded"),
        );
    }
    Ok(())
}

fn give_back(world: &mut World, before: &Value, amount: i64, event: &str) {
    let mut charge = before.clone();
    let refunded = before.int("amount_refunded").unwrap_or(0) + amount;
    charge.set("amount_refunded", refunded);
    charge.set("refunded", Some(refunded) == before.int("amount"));
    world.update(before, &charge, event);
    fraud_warnings::follow(world, &charge);
}
