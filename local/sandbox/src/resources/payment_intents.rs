//! `PaymentIntents`: made by the shop, or for an invoice.

use super::{
    Answer, Call, merge_metadata, payment_confirm, payment_options, payment_outcome, setup_intents,
};
use crate::billing::collect;
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::resources::{customers, payment_methods};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Stripe's smallest amount in US dollars. That of other currencies differs, and is not checked.
///
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
const SMALLEST_AMOUNT: i64 = 50;

/// Amounts have at most eight digits.
const LARGEST_AMOUNT: i64 = 99_999_999;

/// Parameters of creation that mean nothing without `confirm=true`.
const ONLY_WITH_CONFIRM: [&str; 3] = ["error_on_requires_action", "off_session", "return_url"];

/// `POST /v1/payment_intents`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let confirm = params.flag("confirm");
    if let Some(param) = ONLY_WITH_CONFIRM
        .iter()
        .find(|param| !confirm && params.has(param))
    {
        let message = format!(
            "The parameter `{param}` cannot be passed when creating a PaymentIntent unless `confirm` is set to true."
        );
        return Err(ApiError::validation(message).with_param(*param));
    }
    let amount = params.int("amount").unwrap_or(0);
    check_amount(amount)?;
    let currency = currency(params)?;
    let types = setup_intents::accepted_types(world, params, Some(&currency))?;
    let customer = params
        .text("customer")
        .map(|id| customers::named(world, id, "customer"))
        .transpose()?;
    let mut intent = blank(world.now());
    intent.set(
        "allowed_payment_method_types",
        params.at("allowed_payment_method_types").clone(),
    );
    intent.set(
        "excluded_payment_method_types",
        params.at("excluded_payment_method_types").clone(),
    );
    intent.set("amount", amount);
    intent.set(
        "automatic_payment_methods",
        setup_intents::automatic(params),
    );
    intent.set(
        "capture_method",
        params.text("capture_method").unwrap_or("automatic_async"),
    );
    intent.set("currency", currency);
    intent.set("customer", customer.as_ref().map(Fields::id));
    intent.set("payment_method_types", types.clone());
    for name in [
        "description",
        "setup_future_usage",
        "statement_descriptor_suffix",
    ] {
        intent.set(name, params.at(name).clone());
    }
    if types.contains(&"card") {
        intent.set("payment_method_options.card", payment_options::of_card());
    }
    payment_options::take(&mut intent, params)?;
    merge_metadata(&mut intent, params);
    let method = payment_methods::from_params(
        world,
        params,
        intent.text("customer"),
        intent.list("payment_method_types"),
    )?;
    if let Some(method) = &method {
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
    }
    world.create(&intent, "payment_intent.created");
    if confirm {
        return payment_confirm::attempt(world, &intent, method, params);
    }
    Ok(intent)
}

/// Refuses an amount that Stripe would not take, in minor units.
pub(crate) fn check_amount(amount: i64) -> Result<()> {
    let refusal = |message: String, code: &str| {
        Err(ApiError::validation(message)
            .with_code(code)
            .with_param("amount"))
    };
    match amount {
        ..1 => refusal(
            "This value must be greater than or equal to 1.".to_owned(),
            "parameter_invalid_integer",
        ),
        1..SMALLEST_AMOUNT => refusal(
            "Amount must be at least $0.50 usd".to_owned(),
            "amount_too_small",
        ),
        SMALLEST_AMOUNT..=LARGEST_AMOUNT => Ok(()),
        _ => refusal(
            format!("Amount must be no more than {LARGEST_AMOUNT}"),
            "amount_too_large",
        ),
    }
}

fn currency(params: &Value) -> Result<String> {
    let given = params.text("currency").unwrap_or_default().to_lowercase();
    if given.len() == 3 && given.chars().all(|letter| letter.is_ascii_lowercase()) {
        Ok(given)
    } else {
        Err(ApiError::validation(format!("Invalid currency: {given}.")).with_param("currency"))
    }
}

/// An intent before anything is known of it.
fn blank(created: i64) -> Value {
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
pub(crate) fn for_invoice(world: &mut World, invoice: &Value) -> Value {
    let subscription = collect::subscription_of(world, invoice).unwrap_or_default();
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
    world.save(&intent);
    intent
}

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

/// `POST /v1/payment_intents/{id}/confirm`, by the shop or by a page.
pub(crate) fn confirm(world: &mut World, call: &Call) -> Answer {
    let mut intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    setup_intents::check_client_secret(&intent, call)?;
    if call.from_page && call.params.has("off_session") {
        let message = "The parameter `off_session` can only be used with a secret API key.";
        return Err(ApiError::validation(message).with_param("off_session"));
    }
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    ) {
        return Err(unexpected_state(&intent, "confirm"));
    }
    if let Some(usage) = call.params.get("setup_future_usage") {
        intent.set("setup_future_usage", usage.clone());
    }
    payment_options::take(&mut intent, &call.params)?;
    let types = intent.list("payment_method_types");
    let sent = payment_methods::from_params(world, &call.params, intent.text("customer"), types)?;
    let method = match (sent, intent.text("payment_method")) {
        (Some(method), _) => Some(method),
        (None, Some(method)) => Some(world.get(Kind::PaymentMethod, method)?),
        (None, None) => None,
    };
    payment_confirm::attempt(world, &intent, method, &call.params)
}

/// `POST /v1/payment_intents/{id}/cancel`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    if intent.has("_invoice") {
        let message =
            "You cannot cancel the PaymentIntent of an invoice; void the invoice instead.";
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with("payment_intent", shown(&intent)));
    }
    if matches!(
        intent.text("status"),
        Some("succeeded" | "canceled" | "processing")
    ) {
        return Err(unexpected_state(&intent, "cancel"));
    }
    let reason = call.params.text("cancellation_reason");
    payment_outcome::cancel(world, &intent, reason);
    world.get(Kind::PaymentIntent, intent.id())
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

/// The client secret that a page confirms the invoice's payment with.
pub(crate) fn secret_of_invoice(world: &World, invoice: &str) -> Result<String> {
    let intent = collect::intent_of(world, invoice)
        .ok_or_else(|| Kind::PaymentIntent.no_such(invoice, "invoice"))?;
    Ok(intent.text("client_secret").unwrap_or_default().to_owned())
}
