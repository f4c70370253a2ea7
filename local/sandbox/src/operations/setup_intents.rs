//! `SetupIntents`: created, changed, confirmed, canceled.

use super::{payment_methods, setup_confirm};
use crate::error::ApiError;
use crate::objects::payment_method_types::{self, TYPE_CHOICES};
use crate::objects::{check_client_secret, customer, merge_metadata, setup_intent};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// Parameters of creation that mean nothing without `confirm=true`.
const ONLY_WITH_CONFIRM: [&str; 3] = ["return_url", "mandate_data", "confirmation_token"];

/// `POST /v1/setup_intents`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let confirm = params.flag("confirm");
    if let Some(param) = ONLY_WITH_CONFIRM
        .iter()
        .find(|param| !confirm && params.has(param))
    {
        let message = format!(
            "The parameter `{param}` cannot be passed when creating a SetupIntent unless `confirm` is set to true."
        );
        return Err(ApiError::validation(message).with_param(*param));
    }
    let types = payment_method_types::accepted_types(world, params, None)?;
    let customer = params
        .text("customer")
        .map(|id| customer::named(world, id, "customer"))
        .transpose()?;
    let mut intent = setup_intent::new(world, params, &types, customer.as_ref());
    take_options(&mut intent, params);
    merge_metadata(&mut intent, params);
    world.create(&intent, "setup_intent.created");
    if confirm {
        return setup_confirm::confirm_intent(world, &intent, call);
    }
    if let Some(method) = payment_methods::from_params(world, params, &intent)? {
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
        world.save(&intent);
    }
    Ok(intent)
}

fn take_options(intent: &mut Value, params: &Value) {
    let redirects = wallets::redirects().map(|(wallet, _)| wallet.name);
    for kind in redirects.chain(["card"]) {
        if params.at("payment_method_options").has(kind) {
            let empty =
                json!({"mandate_options": null, "network": null, "request_three_d_secure": null});
            let mut options = if kind == "card" { empty } else { json!({}) };
            for (name, value) in params
                .at("payment_method_options")
                .at(kind)
                .as_object()
                .into_iter()
                .flatten()
            {
                options.set(name, value.clone());
            }
            intent.set(&format!("payment_method_options.{kind}"), options);
        }
    }
}

/// `POST /v1/setup_intents/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut intent = world.at_path(Kind::SetupIntent, &call.id)?;
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation")
    ) && !only_notes(params)
    {
        return Err(setup_intent::unexpected_state(&intent, "update"));
    }
    if let Some(customer) = params.text("customer") {
        if intent.has("customer") && !intent.is("customer", customer) {
            return Err(
                ApiError::invalid("The customer of a SetupIntent cannot be changed.")
                    .with_param("customer"),
            );
        }
        intent.set(
            "customer",
            customer::named(world, customer, "customer")?.id(),
        );
    }
    if TYPE_CHOICES.iter().any(|choice| params.has(choice)) {
        intent.set(
            "payment_method_types",
            payment_method_types::accepted_types(world, params, None)?,
        );
        intent.set(
            "allowed_payment_method_types",
            params.at("allowed_payment_method_types").clone(),
        );
        intent.set(
            "excluded_payment_method_types",
            params.at("excluded_payment_method_types").clone(),
        );
        intent.set("automatic_payment_methods", Value::Null);
    }
    if let Some(description) = params.get("description") {
        intent.set("description", description.clone());
    }
    take_options(&mut intent, params);
    merge_metadata(&mut intent, params);
    if let Some(method) = payment_methods::from_params(world, params, &intent)? {
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
    }
    world.save(&intent);
    Ok(intent)
}

fn only_notes(params: &Value) -> bool {
    params
        .as_object()
        .into_iter()
        .flatten()
        .all(|(name, _)| matches!(name.as_str(), "metadata" | "description" | "expand"))
}

/// `POST /v1/setup_intents/{id}/confirm`
pub(crate) fn confirm(world: &mut World, call: &Call) -> Answer {
    let mut intent = world.at_path(Kind::SetupIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    if call.params.has("allowed_payment_method_types") {
        intent.set(
            "payment_method_types",
            payment_method_types::accepted_types(world, &call.params, None)?,
        );
        intent.set(
            "allowed_payment_method_types",
            call.params.at("allowed_payment_method_types").clone(),
        );
        intent.set("automatic_payment_methods", Value::Null);
    }
    take_options(&mut intent, &call.params);
    setup_confirm::confirm_intent(world, &intent, call)
}

/// `POST /v1/setup_intents/{id}/cancel`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::SetupIntent, &call.id)?;
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    ) {
        return Err(setup_intent::unexpected_state(&intent, "cancel"));
    }
    let reason = call.params.text("cancellation_reason");
    Ok(give_up(world, &intent, reason))
}

/// Cancels an intent, which waits for nobody any more.
pub(crate) fn give_up(world: &mut World, intent: &Value, reason: Option<&str>) -> Value {
    let mut canceled = intent.clone();
    canceled.set("status", "canceled");
    canceled.set("cancellation_reason", reason);
    canceled.set("next_action", Value::Null);
    setup_confirm::abandon_attempt(world, intent);
    world.unschedule(Due::RedirectExpires, intent.id());
    world.save(&canceled);
    world.emit("setup_intent.canceled", &canceled);
    canceled
}
