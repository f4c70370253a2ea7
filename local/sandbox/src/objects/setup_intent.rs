//! A SetupIntent: the shopper's consent to be charged later.

use super::{check_client_secret, payment_method_types};
use crate::error::ApiError;
use crate::params::call::{Answer, Call};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// An intent with these payment method types, as its creation describes it.
pub(crate) fn new(
    world: &World,
    params: &Value,
    types: &[&str],
    customer: Option<&Value>,
) -> Value {
    let id = ids::id("seti");
    json!({
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": params.at("allowed_payment_method_types"),
        "application": null,
        "automatic_payment_methods": payment_method_types::automatic(params),
        "cancellation_reason": null,
        "client_secret": ids::client_secret(&id),
        "created": world.now(),
        "customer": customer.map(Fields::id),
        "customer_account": null,
        "description": params.at("description"),
        "excluded_payment_method_types": params.at("excluded_payment_method_types"),
        "flow_directions": null,
        "last_setup_error": null,
        "latest_attempt": null,
        "livemode": false,
        "managed_payments": null,
        "mandate": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": types,
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": params.text("usage").unwrap_or("off_session"),
    })
}

/// Whether the shopper was sent to a wallet's page or the bank's, rather than asked in the shop's.
pub(crate) fn goes_away(intent: &Value) -> bool {
    intent.has("next_action.type") && !intent.is("next_action.type", "use_stripe_sdk")
}

/// `GET /v1/setup_intents/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::SetupIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    Ok(intent)
}

/// The refusal of a step that the intent's status does not allow.
pub(crate) fn unexpected_state(intent: &Value, step: &str) -> ApiError {
    let why = match intent.text("status").unwrap_or_default() {
        "succeeded" => "it has already succeeded".to_owned(),
        "canceled" => "it has been canceled".to_owned(),
        status => format!("it has a status of {status}"),
    };
    ApiError::invalid(format!("You cannot {step} this SetupIntent because {why}."))
        .with_code("setup_intent_unexpected_state")
        .with("setup_intent", shown(intent))
}

/// The `return_url` of a setup or a payment with what Stripe appends; the shop's own query is kept.
pub(crate) fn redirect_url(intent: &Value, status: &str) -> Option<String> {
    let mut url = url::Url::parse(intent.text("_return_url")?).ok()?;
    let name = intent.text("object")?;
    url.query_pairs_mut()
        .append_pair(name, intent.id())
        .append_pair(
            &format!("{name}_client_secret"),
            intent.text("client_secret")?,
        )
        .append_pair("redirect_status", status);
    Some(url.into())
}

/// Where a page goes that was already used.
pub(crate) fn way_back(intent: &Value) -> Option<String> {
    let status = if intent.is("status", "succeeded") {
        "succeeded"
    } else {
        "failed"
    };
    redirect_url(intent, status)
}
