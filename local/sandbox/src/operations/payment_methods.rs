//! `PaymentMethods`: created, attached, detached.

use super::tokens;
use crate::error::{ApiError, Result};
use crate::objects::{address, customer, mandate, merge_metadata, payment_method, test_cards};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// `POST /v1/payment_methods`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let method = new_method(world, &call.params, "")?;
    world.save(&method);
    Ok(method)
}

/// A payment method of what `payment_method_data` or a creation describes; `inside` names the hash in refusals.
fn new_method(world: &mut World, params: &Value, inside: &str) -> Result<Value> {
    let param = |name: &str| {
        if inside.is_empty() {
            name.to_owned()
        } else {
            format!("{inside}[{name}]")
        }
    };
    let kind = params
        .text("type")
        .ok_or_else(|| ApiError::missing(&param("type")))?;
    let mut method = payment_method::new(world, kind, params);
    match kind {
        "card" => {
            let token = params.text("card.token").ok_or_else(|| {
                let message = "Sending card numbers is not simulated; send `card[token]` with one of Stripe's test tokens.";
                ApiError::not_simulated(&param("card")).with_message(message)
            })?;
            let named = if inside.is_empty() {
                "card[token]".to_owned()
            } else {
                format!("{inside}[card][token]")
            };
            tokens::spend(world, token, &mut method, &named)?;
        }
        other => match wallets::redirect(other) {
            Some((_, wallet)) => method.set(other, (wallet.details)(false)),
            None => {
                return Err(ApiError::not_simulated(&format!(
                    "{}={other}",
                    param("type")
                )));
            }
        },
    }
    Ok(method)
}

/// The payment method that an intent's parameters name or describe, if any; a described one is kept.
pub(crate) fn from_params(
    world: &mut World,
    params: &Value,
    intent: &Value,
) -> Result<Option<Value>> {
    let method = match (
        params.text("payment_method"),
        params.has("payment_method_data"),
    ) {
        (Some(_), true) => {
            return Err(ApiError::exclusive("payment_method", "payment_method_data"));
        }
        (Some(id), false) => usable(world, id, intent.text("customer"))?,
        (None, true) => {
            let method = new_method(
                world,
                params.at("payment_method_data"),
                "payment_method_data",
            )?;
            world.save(&method);
            method
        }
        (None, false) => return Ok(None),
    };
    let types = intent.list("payment_method_types");
    if !types.contains(method.at("type")) {
        let kind = method.text("type").unwrap_or_default();
        let allowed: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
        let message = format!(
            "The PaymentMethod provided ({kind}) is not allowed for this intent. Its payment method types are: {}.",
            allowed.join(", ")
        );
        return Err(ApiError::invalid(message)
            .with_code("setup_intent_invalid_parameter")
            .with_param("payment_method"));
    }
    Ok(Some(method))
}

/// The payment method that an intent is confirmed with: that of the parameters, or else its own.
pub(crate) fn to_confirm(
    world: &mut World,
    params: &Value,
    intent: &Value,
) -> Result<Option<Value>> {
    let sent = from_params(world, params, intent)?;
    let own = intent.text("payment_method").filter(|_| sent.is_none());
    own.map_or(Ok(sent), |own| {
        world.get(Kind::PaymentMethod, own).map(Some)
    })
}

fn usable(world: &mut World, id: &str, customer: Option<&str>) -> Result<Value> {
    if let Some(card) = test_cards::by_method(id) {
        let data = json!({"type": "card", "card": {"token": card.token}});
        let method = new_method(world, &data, "payment_method")?;
        world.save(&method);
        return Ok(method);
    }
    if test_cards::is_not_simulated(id) {
        return Err(ApiError::not_simulated(id));
    }
    let method = world.at_param(Kind::PaymentMethod, id, "payment_method")?;
    refuse_used_up(&method)?;
    if method.has("customer") && method.text("customer") != customer {
        let message = "The payment method belongs to another customer. Supply that customer, or a payment method of this one.";
        return Err(ApiError::invalid(message).with_param("payment_method"));
    }
    Ok(method)
}

fn refuse_used_up(method: &Value) -> Result<()> {
    if method.flag("_detached") || method.flag("_consumed") {
        let message = "The provided PaymentMethod was used without being attached to a Customer, or was detached from one. \
                       It may not be used again.";
        return Err(ApiError::invalid(message)
            .with_code("payment_method_unexpected_state")
            .with_param("payment_method"));
    }
    Ok(())
}

/// `POST /v1/payment_methods/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::PaymentMethod, &call.id)?;
    if !before.has("customer") {
        let message = "You must save this PaymentMethod to a customer before you can update it.";
        return Err(ApiError::invalid(message));
    }
    let mut method = before.clone();
    if let Some(shown) = call.params.text("allow_redisplay") {
        method.set("allow_redisplay", shown);
    }
    let details = call.params.at("billing_details").as_object();
    for (name, value) in details.into_iter().flatten() {
        if name == "address" {
            let kept = method.at("billing_details.address");
            let address = address::cleared(kept, value);
            method.set("billing_details.address", address);
        } else {
            method.set(&format!("billing_details.{name}"), value.clone());
        }
    }
    merge_metadata(&mut method, &call.params);
    world.update(&before, &method, "payment_method.updated");
    Ok(method)
}

/// `POST /v1/payment_methods/{id}/attach`
pub(crate) fn attach(world: &mut World, call: &Call) -> Answer {
    let customer = call
        .params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    let customer = customer::named(world, customer, "customer")?;
    attach_to(world, &call.id, customer.id(), "id")
}

/// Makes the payment method the customer's. Stripe's test ids stand for a new one each time.
pub(crate) fn attach_to(world: &mut World, id: &str, customer: &str, param: &str) -> Result<Value> {
    let before = if test_cards::by_method(id).is_some() || test_cards::is_not_simulated(id) {
        usable(world, id, None)?
    } else if param == "id" {
        world.at_path(Kind::PaymentMethod, id)?
    } else {
        world.at_param(Kind::PaymentMethod, id, param)?
    };
    refuse_used_up(&before)?;
    if before.is("customer", customer) {
        return Ok(before);
    }
    if before.has("customer") {
        return Err(ApiError::invalid(
            "The payment method you provided has already been attached to a customer.",
        )
        .with_param(param));
    }
    if !mandate::in_force(world, &before) {
        let kind = before.text("type").unwrap_or_default();
        let message = format!(
            "A PaymentMethod of type {kind} is saved to a customer by a SetupIntent, not by attaching it."
        );
        return Err(ApiError::invalid(message)
            .with_code("payment_method_unexpected_state")
            .with_param(param));
    }
    // Stripe checks a card when it is saved.
    if let Some(error) = test_cards::setup_refusal(&before) {
        return Err(error);
    }
    let mut method = before.clone();
    method.set("customer", customer);
    world.save(&method);
    world.emit("payment_method.attached", &method);
    Ok(method)
}

/// `POST /v1/payment_methods/{id}/detach`
pub(crate) fn detach(world: &mut World, call: &Call) -> Answer {
    let method = world.at_path(Kind::PaymentMethod, &call.id)?;
    if !method.has("customer") {
        let message = "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(ApiError::invalid(message));
    }
    Ok(detach_from_customer(world, &method))
}

/// Takes the payment method from its customer, for good, and ends its mandate.
pub(crate) fn detach_from_customer(world: &mut World, before: &Value) -> Value {
    if let Some(mandate) = before.owned("_mandate") {
        // The mandate was there when the method was set up, so there is nothing to report if it is not.
        let _ = revoke_mandate(world, &mandate);
    }
    let mut method = before.clone();
    method.set("customer", Value::Null);
    method.set("_detached", true);
    world.update(before, &method, "payment_method.detached");
    let customer = before
        .text("customer")
        .and_then(|customer| world.store.get(Kind::Customer, customer))
        .cloned();
    if let Some(customer) = customer
        .filter(|customer| customer.is("invoice_settings.default_payment_method", before.id()))
    {
        let mut after = customer.clone();
        after.set("invoice_settings.default_payment_method", Value::Null);
        world.update(&customer, &after, "customer.updated");
    }
    method
}

/// Ends a mandate, as its customer may do in the wallet. Whether Stripe then also detaches the payment
/// method is not documented, so it stays attached here and its next charge fails.
pub(crate) fn revoke_mandate(world: &mut World, id: &str) -> Result<Value> {
    let before = world.at_path(Kind::Mandate, id)?;
    let mut mandate = before.clone();
    mandate.set("status", "inactive");
    world.update(&before, &mandate, "mandate.updated");
    Ok(mandate)
}
