//! Money that is held: captured whole or in part, or increased before that.

use super::payment_intents;
use crate::billing::attempt::{self, Outcome};
use crate::billing::charges;
use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, payment_intent};
use crate::params::call::{Answer, Call};
use crate::params::currencies::written;
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// How often an authorization may be increased, refused attempts among them.
///
/// <https://docs.stripe.com/api/payment_intents/increment_authorization>
const MOST_INCREMENTS: i64 = 10;

/// `POST /v1/payment_intents/{id}/capture`: what is not captured goes back to the customer.
pub(crate) fn capture(world: &mut World, call: &Call) -> Answer {
    let before = held(world, &call.id, "capture")?;
    let capturable = before.int("amount_capturable").unwrap_or(0);
    let amount = call.params.int("amount_to_capture").unwrap_or(capturable);
    if amount < 1 {
        return Err(
            ApiError::validation("This value must be greater than or equal to 1.")
                .with_code("parameter_invalid_integer")
                .with_param("amount_to_capture"),
        );
    }
    let currency = before.text("currency").unwrap_or_default();
    if amount > capturable {
        let message = format!(
            "The amount to capture ({}) is greater than the amount that can be captured ({}).",
            written(amount, currency),
            written(capturable, currency),
        );
        return Err(ApiError::invalid(message)
            .with_code("amount_too_large")
            .with_param("amount_to_capture"));
    }
    let mut intent = before.clone();
    merge_metadata(&mut intent, &call.params);
    if let Some(suffix) = call.params.text("statement_descriptor_suffix") {
        intent.set("statement_descriptor_suffix", suffix);
    }
    intent.set("amount_capturable", 0);
    intent.set("amount_received", amount);
    intent.set("status", "succeeded");
    world.unschedule(Due::AuthorizationExpires, intent.id());
    world.save(&intent);
    charges::capture(world, &intent, amount)?;
    world.emit("payment_intent.succeeded", &intent);
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/increment_authorization`: `amount` is the new total.
pub(crate) fn increment(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = held(world, &call.id, "increment")?;
    let charge = world.get(
        Kind::Charge,
        before.text("latest_charge").unwrap_or_default(),
    )?;
    check_increment(&before, &charge, params.int("amount").unwrap_or(0))?;
    let mut intent = before.clone();
    let attempts = before.int("_increments").unwrap_or(0) + 1;
    intent.set("_increments", attempts);
    let method = world.get(
        Kind::PaymentMethod,
        before.text("payment_method").unwrap_or_default(),
    )?;
    if let Outcome::Declined(error) | Outcome::NeedsAction(error) = attempt::by_behavior(&method) {
        // Nothing changes but the count of attempts: what was held stays held.
        world.save(&intent);
        return Err(error
            .with("payment_intent", shown(&intent))
            .with("charge", charge.id())
            .keeping_changes());
    }
    let amount = params.at("amount").clone();
    merge_metadata(&mut intent, params);
    if let Some(description) = params.get("description") {
        intent.set("description", description.clone());
    }
    intent.set("amount", amount.clone());
    intent.set("amount_capturable", amount.clone());
    world.save(&intent);
    let mut larger = charge.clone();
    larger.set("amount", amount.clone());
    larger.set(
        "payment_method_details.card.amount_authorized",
        amount.clone(),
    );
    larger.set(
        "payment_method_details.card.overcapture.maximum_amount_capturable",
        amount,
    );
    if attempts == MOST_INCREMENTS {
        larger.set(
            "payment_method_details.card.incremental_authorization.status",
            "unavailable",
        );
    }
    world.update(&charge, &larger, "charge.updated");
    world.emit("payment_intent.amount_capturable_updated", &intent);
    Ok(intent)
}

fn check_increment(intent: &Value, charge: &Value, amount: i64) -> Result<()> {
    let refusal = |message: &str| {
        Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with("payment_intent", shown(intent)))
    };
    if intent.int("_increments").unwrap_or(0) >= MOST_INCREMENTS {
        return refusal(
            "This PaymentIntent has reached the limit of 10 incremental authorizations.",
        );
    }
    if !charge
        .at("payment_method_details.card.incremental_authorization")
        .is("status", "available")
    {
        return refusal("This PaymentIntent is not eligible for incremental authorization.");
    }
    let authorized = intent.int("amount").unwrap_or(0);
    let currency = intent.text("currency").unwrap_or_default();
    if amount <= authorized {
        let message = format!(
            "The amount ({}) must be greater than the authorized amount ({}).",
            written(amount, currency),
            written(authorized, currency),
        );
        return Err(ApiError::invalid(message).with_param("amount"));
    }
    payment_intents::check_amount(amount, currency)
}

/// The intent, whose money must be held.
fn held(world: &World, id: &str, step: &str) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, id)?;
    if intent.is("status", "requires_capture") {
        Ok(intent)
    } else {
        Err(payment_intent::unexpected_state(&intent, step))
    }
}
