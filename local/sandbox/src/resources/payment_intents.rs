//! `PaymentIntents`, as far as invoices need them.

use super::{Answer, Call, charges, setup_intents};
use crate::billing::attempt::Presence;
use crate::billing::collect;
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::render::shown;
use crate::resources::payment_methods;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// `GET /v1/payment_intents/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    setup_intents::check_client_secret(&intent, call)?;
    Ok(intent)
}

/// `GET /v1/payment_intents`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(
        world,
        Kind::PaymentIntent,
        "/v1/payment_intents",
        params,
        |intent| {
            same(intent, params, "customer")
                && in_range(intent.int("created"), params.at("created"))
        },
    )
}

/// The intent that pays an invoice, before it is confirmed.
pub(crate) fn for_invoice(world: &mut World, invoice: &Value) -> Value {
    let id = ids::id("pi");
    let subscription = collect::subscription_of(world, invoice).unwrap_or_default();
    let types = match invoice.at("payment_settings.payment_method_types") {
        Value::Null => json!(world.capabilities()),
        chosen => chosen.clone(),
    };
    let saves = subscription.is(
        "payment_settings.save_default_payment_method",
        "on_subscription",
    );
    let intent = json!({
        "id": id,
        "object": "payment_intent",
        "allowed_payment_method_types": null,
        "amount": invoice.at("amount_remaining"),
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
        "created": world.now_for(invoice),
        "currency": invoice.at("currency"),
        "customer": invoice.at("customer"),
        "customer_account": null,
        "description": if invoice.is("billing_reason", "subscription_create") { "Subscription creation" } else { "Subscription update" },
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
        "payment_method_types": types,
        "payment_record": null,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": if saves { json!("off_session") } else { Value::Null },
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
        "_clock": invoice.at("_clock"),
        "_invoice": invoice.id(),
    });
    world.save(&intent);
    intent
}

/// The intent's money moved.
pub(crate) fn succeed(world: &mut World, before: &Value, method: &Value) -> Value {
    let charge = charges::succeeded(world, before, method);
    let mut intent = before.clone();
    intent.set("amount_received", before.at("amount").clone());
    intent.set("last_payment_error", Value::Null);
    intent.set("latest_charge", charge.id());
    intent.set("next_action", Value::Null);
    intent.set("payment_method", method.id());
    intent.set("status", "succeeded");
    world.save(&intent);
    world.emit("payment_intent.succeeded", &intent);
    intent
}

/// The intent was declined and needs another payment method.
pub(crate) fn decline(
    world: &mut World,
    before: &Value,
    method: &Value,
    charge: &Value,
    error: &ApiError,
) -> Value {
    let mut intent = before.clone();
    let error = error
        .clone()
        .with("payment_method", shown(method))
        .with("charge", charge.id());
    intent.set("last_payment_error", error.hash());
    intent.set("latest_charge", charge.id());
    intent.set("next_action", Value::Null);
    intent.set("payment_method", Value::Null);
    intent.set("status", "requires_payment_method");
    world.save(&intent);
    world.emit("payment_intent.payment_failed", &intent);
    intent
}

/// The intent waits for the customer's authentication.
pub(crate) fn need_action(world: &mut World, before: &Value, method: &Value) -> Value {
    let mut intent = before.clone();
    intent.set("payment_method", method.id());
    intent.set("status", "requires_action");
    intent.set(
        "next_action",
        json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}}),
    );
    world.save(&intent);
    world.emit("payment_intent.requires_action", &intent);
    intent
}

/// The intent is not needed any more.
pub(crate) fn cancel(world: &mut World, before: &Value, reason: &str) {
    if matches!(before.text("status"), Some("succeeded" | "canceled")) {
        return;
    }
    let mut intent = before.clone();
    intent.set("status", "canceled");
    intent.set("canceled_at", world.now_for(before));
    intent.set("cancellation_reason", reason);
    intent.set("next_action", Value::Null);
    world.save(&intent);
    world.emit("payment_intent.canceled", &intent);
}

/// `POST /v1/payment_intents/{id}/confirm`, for the first payment of a subscription.
pub(crate) fn confirm(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    setup_intents::check_client_secret(&intent, call)?;
    if matches!(
        intent.text("status"),
        Some("succeeded" | "canceled" | "processing")
    ) {
        let status = intent.text("status").unwrap_or_default();
        let message =
            format!("You cannot confirm this PaymentIntent because it has a status of {status}.");
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with("payment_intent", shown(&intent)));
    }
    let types = intent.list("payment_method_types");
    let Some(method) =
        payment_methods::from_params(world, &call.params, intent.text("customer"), types)?
    else {
        let message =
            "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with("payment_intent", shown(&intent)));
    };
    if method.is("type", "amazon_pay") && !method.has("customer") {
        return Err(ApiError::not_simulated(
            "confirming a PaymentIntent with a new amazon_pay payment method",
        ));
    }
    let customer = intent.text("customer").unwrap_or_default();
    let invoice = world.get(Kind::Invoice, intent.text("_invoice").unwrap_or_default())?;
    let presence = Presence::by(call.params.at("off_session"));
    let charged = collect::charge(world, &invoice, Some(&method), presence);
    if let Err(error) = charged {
        // A page is not told that this failed: it goes on to ask the customer.
        let asks = error.code.as_deref() == Some("authentication_required");
        return if asks && presence == Presence::Here {
            world.get(Kind::PaymentIntent, intent.id())
        } else {
            Err(error.keeping_changes())
        };
    }
    let method = payment_methods::attach_to(world, method.id(), customer, "payment_method")?;
    remember_method(world, &invoice, &method);
    world.get(Kind::PaymentIntent, intent.id())
}

/// `save_default_payment_method=on_subscription`: what paid the first invoice pays the later ones.
fn remember_method(world: &mut World, invoice: &Value, method: &Value) {
    let Some(before) = collect::subscription_of(world, invoice) else {
        return;
    };
    if before.is(
        "payment_settings.save_default_payment_method",
        "on_subscription",
    ) {
        let mut subscription = before.clone();
        subscription.set("default_payment_method", method.id());
        world.update(&before, &subscription, "customer.subscription.updated");
    }
}

/// The client secret that a page confirms the invoice's payment with.
pub(crate) fn secret_of_invoice(world: &World, invoice: &str) -> Result<String> {
    let intent = collect::intent_of(world, invoice)
        .ok_or_else(|| ApiError::no_such(Kind::PaymentIntent, invoice, "invoice"))?;
    Ok(intent.text("client_secret").unwrap_or_default().to_owned())
}
