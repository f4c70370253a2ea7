//! A `PaymentIntent`: made by the shop, or for an invoice.

use super::{check_client_secret, invoice, payment_options};
use crate::error::ApiError;
use crate::params::call::{Answer, Call};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// An intent before anything is known of it.
pub(crate) fn blank(created: i64) -> Value {
    let id = ids::id("pi");
    json!({
        "id": id,
        "object": "payment_intent",
        "allowed_payment_method_types": null,
        "amount": 0,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic",
        "client_secret": ids::client_secret(&id),
        "confirmation_method": "automatic",
        "created": created,
        "currency": null,
        "customer": null,
        "customer_account": null,
        "description": null,
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "managed_payments": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": [],
        "payment_record": null,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// The intent that pays an invoice, before it is confirmed.
pub(crate) fn for_invoice(world: &World, invoice: &Value) -> Value {
    let subscription = invoice::subscription_of(world, invoice).unwrap_or_default();
    let types = match invoice.at("payment_settings.payment_method_types") {
        Value::Null => json!(world.capabilities()),
        chosen => chosen.clone(),
    };
    let saves = subscription.is(
        "payment_settings.save_default_payment_method",
        "on_subscription",
    );
    let first = invoice.is("billing_reason", "subscription_create");
    let mut intent = blank(world.now_for(invoice));
    intent.set("amount", invoice.at("amount_remaining").clone());
    intent.set("currency", invoice.at("currency").clone());
    intent.set("customer", invoice.at("customer").clone());
    intent.set(
        "description",
        if first {
            "Subscription creation"
        } else {
            "Subscription update"
        },
    );
    intent.set("payment_method_types", types);
    intent.set("setup_future_usage", saves.then_some("off_session"));
    intent.set("_clock", invoice.at("_clock").clone());
    intent.set("_invoice", invoice.id());
    intent
}

/// `GET /v1/payment_intents/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    Ok(intent)
}

/// The refusal of a step that the intent's status does not allow.
pub(crate) fn unexpected_state(intent: &Value, step: &str) -> ApiError {
    let status = intent.text("status").unwrap_or_default();
    let message =
        format!("You cannot {step} this PaymentIntent because it has a status of {status}.");
    ApiError::invalid(message)
        .with_code("payment_intent_unexpected_state")
        .with("payment_intent", shown(intent))
}

/// Whether the money is only held for now, until the shop captures it.
pub(crate) fn is_manual(intent: &Value, method: &Value) -> bool {
    let chosen = payment_options::chosen(intent, method);
    chosen.is("capture_method", "manual") || intent.is("capture_method", "manual")
}
