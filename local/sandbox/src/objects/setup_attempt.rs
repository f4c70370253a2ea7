//! A `SetupAttempt`.

use crate::list::{fits, page};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// An attempt to set this payment method up.
pub(crate) fn new(world: &World, intent: &Value, method: &Value, status: &str) -> Value {
    let kind = method.text("type").unwrap_or_default();
    let details = match kind {
        "card" => {
            let card = method.at("card");
            json!({
                "brand": card.at("brand"),
                "checks": card.at("checks"),
                "country": card.at("country"),
                "exp_month": card.at("exp_month"),
                "exp_year": card.at("exp_year"),
                "fingerprint": card.at("fingerprint"),
                "funding": card.at("funding"),
                "last4": card.at("last4"),
                "network": card.at("brand"),
                "three_d_secure": null,
                "wallet": wallet(card),
            })
        }
        _ => json!({}),
    };
    json!({
        "id": ids::id("setatt"),
        "object": "setup_attempt",
        "application": null,
        "created": world.now(),
        "customer": intent.at("customer"),
        "customer_account": null,
        "flow_directions": null,
        "livemode": false,
        "on_behalf_of": null,
        "payment_method": method.id(),
        "payment_method_details": {"type": kind, kind: details},
        "setup_error": null,
        "setup_intent": intent.id(),
        "status": status,
        "usage": intent.at("usage"),
    })
}

/// The wallet as an attempt shows it, without the device's digits.
fn wallet(card: &Value) -> Value {
    match card.text("wallet.type") {
        Some(kind) => json!({"type": kind, kind: {}}),
        None => Value::Null,
    }
}

/// `GET /v1/setup_attempts`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let params = &call.params;
    world.at_param(
        Kind::SetupIntent,
        params.text("setup_intent").unwrap_or_default(),
        "setup_intent",
    )?;
    page(
        world,
        Kind::SetupAttempt,
        "/v1/setup_attempts",
        params,
        |attempt, params| fits(attempt, params, &["setup_intent"]),
    )
}
