//! `PaymentIntents`: created, confirmed, canceled.

use super::{payment_confirm, payment_methods};
use crate::billing::{minimum, payment_outcome};
use crate::error::{ApiError, Result};
use crate::objects::{
    check_client_secret, customer, merge_metadata, payment_intent, payment_method_types,
    payment_options,
};
use crate::params::call::{Answer, Call};
use crate::params::currencies::written;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};

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
    let currency = params.text("currency").unwrap_or_default().to_owned();
    check_amount(amount, &currency)?;
    let types = payment_method_types::accepted_types(world, params, Some(&currency))?;
    let customer = params
        .text("customer")
        .map(|id| customer::named(world, id, "customer"))
        .transpose()?;
    let mut intent = payment_intent::blank(world.now());
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
        payment_method_types::automatic(params),
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
    let method = payment_methods::from_params(world, params, &intent)?;
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
pub(crate) fn check_amount(amount: i64, currency: &str) -> Result<()> {
    let refusal = |message: String, code: &str| {
        Err(ApiError::validation(message)
            .with_code(code)
            .with_param("amount"))
    };
    let least = minimum::of(currency);
    if amount < least {
        let message = format!(
            "Amount must be at least {} {currency}",
            written(least, currency)
        );
        return refusal(message, "amount_too_small");
    }
    if amount > LARGEST_AMOUNT {
        let message = format!(
            "Amount must be no more than {}",
            written(LARGEST_AMOUNT, currency)
        );
        return refusal(message, "amount_too_large");
    }
    Ok(())
}

/// `POST /v1/payment_intents/{id}/confirm`, by the shop or by a page.
pub(crate) fn confirm(world: &mut World, call: &Call) -> Answer {
    let mut intent = world.at_path(Kind::PaymentIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    if call.from_page && call.params.has("off_session") {
        let message = "The parameter `off_session` can only be used with a secret API key.";
        return Err(ApiError::validation(message).with_param("off_session"));
    }
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    ) {
        return Err(payment_intent::unexpected_state(&intent, "confirm"));
    }
    if let Some(usage) = call.params.get("setup_future_usage") {
        intent.set("setup_future_usage", usage.clone());
    }
    payment_options::take(&mut intent, &call.params)?;
    let method = payment_methods::to_confirm(world, &call.params, &intent)?;
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
        return Err(payment_intent::unexpected_state(&intent, "cancel"));
    }
    let reason = call.params.text("cancellation_reason");
    payment_outcome::cancel(world, &intent, reason);
    world.get(Kind::PaymentIntent, intent.id())
}
