//! What becomes of a `PaymentIntent`: paid, held, declined, waiting, canceled.

use super::charges::{self, Money};
use crate::error::{ApiError, Result};
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// How long a card's bank holds money that nobody captures.
///
/// <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method> gives each network its own; seven days is the
/// usual one for payments with the customer there.
const HELD_SECONDS: i64 = 7 * 86_400;

/// The intent's money moved.
pub(crate) fn succeed(world: &mut World, before: &Value, method: &Value) -> Value {
    let charge = charges::succeeded(world, before, method, Money::Moved);
    let mut intent = done(before, method, &charge);
    intent.set("amount_received", before.at("amount").clone());
    intent.set("status", "succeeded");
    world.save(&intent);
    world.emit("payment_intent.succeeded", &intent);
    intent
}

/// The intent's money is held until the shop captures it or the bank lets go of it.
pub(crate) fn hold(world: &mut World, before: &Value, method: &Value) -> Value {
    let until = world.now_for(before) + HELD_SECONDS;
    let charge = charges::succeeded(world, before, method, Money::Held { until });
    let mut intent = done(before, method, &charge);
    intent.set("amount_capturable", before.at("amount").clone());
    intent.set("status", "requires_capture");
    world.save(&intent);
    world.schedule(Due::AuthorizationExpires, &intent, until);
    world.emit("payment_intent.amount_capturable_updated", &intent);
    intent
}

fn done(before: &Value, method: &Value, charge: &Value) -> Value {
    let mut intent = before.clone();
    intent.set("last_payment_error", Value::Null);
    intent.set("latest_charge", charge.id());
    intent.set("next_action", Value::Null);
    intent.set("payment_method", method.id());
    intent
}

/// The intent was declined and needs another payment method. Where the bank was asked there is a charge to show.
pub(crate) fn decline(
    world: &mut World,
    before: &Value,
    method: &Value,
    charge: Option<&Value>,
    error: &ApiError,
) -> Value {
    let mut intent = before.clone();
    let mut error = error.clone().with("payment_method", shown(method));
    if let Some(charge) = charge {
        error = error.with("charge", charge.id());
        intent.set("latest_charge", charge.id());
    }
    intent.set("last_payment_error", error.hash());
    intent.set("next_action", Value::Null);
    intent.set("payment_method", Value::Null);
    intent.set("status", "requires_payment_method");
    world.save(&intent);
    world.emit("payment_intent.payment_failed", &intent);
    intent
}

/// The intent waits for the customer's authentication: in the page, or on the bank's own if there is a way back from it.
pub(crate) fn need_action(
    world: &mut World,
    before: &Value,
    method: &Value,
    return_url: Option<&str>,
) -> Value {
    let mut intent = before.clone();
    intent.set("payment_method", method.id());
    intent.set("status", "requires_action");
    intent.set("_page", return_url.map(|_| "bank"));
    intent.set("_return_url", return_url);
    let action = match return_url {
        Some(back) => wallets::redirect_to(&bank_page(world, intent.id()), back),
        None => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}}),
    };
    intent.set("next_action", action);
    world.save(&intent);
    world.emit("payment_intent.requires_action", &intent);
    intent
}

/// Where the bank asks the customer about an intent.
pub(crate) fn bank_page(world: &World, intent: &str) -> String {
    format!("{}/sandbox/bank/{intent}", world.base_url)
}

/// The intent is not needed any more. Money that is held goes back.
pub(crate) fn cancel(world: &mut World, before: &Value, reason: Option<&str>) {
    if matches!(before.text("status"), Some("succeeded" | "canceled")) {
        return;
    }
    let mut intent = before.clone();
    intent.set("amount_capturable", 0);
    intent.set("status", "canceled");
    intent.set("canceled_at", world.now_for(before));
    intent.set("cancellation_reason", reason);
    intent.set("next_action", Value::Null);
    world.unschedule(Due::AuthorizationExpires, before.id());
    world.save(&intent);
    if before.is("status", "requires_capture") {
        let event = if reason == Some("automatic") {
            "charge.expired"
        } else {
            "charge.refunded"
        };
        charges::let_go(world, &intent, event);
    }
    world.emit("payment_intent.canceled", &intent);
}

/// The bank no longer holds the money.
pub(crate) fn expire(world: &mut World, id: &str) -> Result<()> {
    let intent = world.get(Kind::PaymentIntent, id)?;
    if intent.is("status", "requires_capture") {
        cancel(world, &intent, Some("automatic"));
    }
    Ok(())
}
