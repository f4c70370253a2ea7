//! Changing a subscription.

use super::subscription_create;
use crate::billing::{invoicing, renew};
use crate::error::{ApiError, Result};
use crate::objects::{customer, merge_metadata, refuse_unsimulated, subscription};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// `POST /v1/subscriptions/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = world.at_path(Kind::Subscription, &call.id)?;
    if subscription::is_over(&before) {
        return update_ended(world, &before, params);
    }
    let before = subscription::living(world, before.id())?;
    let now = world.now_for(&before);
    let mut subscription = before.clone();
    if let Some(method) = params.get("default_payment_method") {
        if let Some(method) = method.as_str() {
            customer::belongs_to(
                world,
                method,
                before.text("customer").unwrap_or_default(),
                "default_payment_method",
            )?;
        }
        subscription.set("default_payment_method", method.clone());
    }
    if let Some(description) = params.get("description") {
        subscription.set("description", description.clone());
    }
    if params.has("payment_settings") {
        let mut merged = before.at("payment_settings").clone();
        for (name, value) in params
            .at("payment_settings")
            .as_object()
            .into_iter()
            .flatten()
        {
            merged.set(name, value.clone());
        }
        subscription.set("payment_settings", subscription::payment_settings(&merged)?);
    }
    if let Some(missing) = params.text("trial_settings.end_behavior.missing_payment_method") {
        subscription.set(
            "trial_settings.end_behavior.missing_payment_method",
            missing,
        );
    }
    for field in ["comment", "feedback"] {
        if let Some(value) = params.at("cancellation_details").get(field) {
            subscription.set(&format!("cancellation_details.{field}"), value.clone());
        }
    }
    if let Some(paused) = params.get("pause_collection") {
        subscription.set("pause_collection", pause_collection(paused)?);
    }
    merge_metadata(&mut subscription, params);
    change_items(world, &mut subscription, params, now)?;
    subscription_create::apply_cancellation(&mut subscription, params, now)?;
    let ends_trial = move_trial(&mut subscription, params, now)?;
    let end = subscription
        .int("items.data.0.current_period_end")
        .unwrap_or(now);
    if !ends_trial && !subscription.is("status", "paused") {
        subscription_create::schedule(world, &subscription, now, end);
    }
    world.update(&before, &subscription, "customer.subscription.updated");
    if ends_trial {
        return end_trial_now(world, &subscription, now);
    }
    Ok(subscription)
}

/// Whether and how payments are not collected. An end of that by itself is not simulated.
fn pause_collection(given: &Value) -> Result<Value> {
    if !given.is_object() {
        return Ok(Value::Null);
    }
    refuse_unsimulated(given, "pause_collection", &["behavior"])?;
    Ok(json!({"behavior": given.at("behavior"), "resumes_at": null}))
}

/// Only notes may still be made on a subscription that has ended.
fn update_ended(world: &mut World, before: &Value, params: &Value) -> Answer {
    let allowed = ["metadata", "cancellation_details", "expand"];
    if params
        .as_object()
        .into_iter()
        .flatten()
        .any(|(name, _)| !allowed.contains(&name.as_str()))
    {
        let message =
            "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::invalid(message).with_code("invalid_canceled_subscription_fields"));
    }
    let mut subscription = before.clone();
    merge_metadata(&mut subscription, params);
    world.update(before, &subscription, "customer.subscription.updated");
    Ok(subscription)
}

/// Changes prices and quantities. Without `proration_behavior=none` Stripe would credit and bill the difference,
/// which the sandbox does not.
fn change_items(world: &World, subscription: &mut Value, params: &Value, now: i64) -> Result<()> {
    let wanted = params.list("items");
    if wanted.is_empty() {
        return Ok(());
    }
    if !params.is("proration_behavior", "none") {
        let message =
            "Prorations are not simulated; send `proration_behavior=none` to change items.";
        return Err(ApiError::not_simulated("proration_behavior").with_message(message));
    }
    let mut items = subscription.list("items.data").to_vec();
    for (index, wanted) in wanted.iter().enumerate() {
        let inside = format!("items[{index}]");
        refuse_unsimulated(
            wanted,
            &inside,
            &["id", "price", "quantity", "metadata", "deleted"],
        )?;
        let price = wanted
            .text("price")
            .map(|price| subscription::price_of(world, price, &format!("{inside}[price]")))
            .transpose()?;
        let Some(id) = wanted.text("id") else {
            // An item without an id is a second one, whatever its price: Stripe's classic trap.
            let price = price.ok_or_else(|| ApiError::missing(&format!("{inside}[price]")))?;
            let mut added = subscription::item(
                &ids::id("si"),
                subscription.id(),
                &price,
                wanted.int("quantity").unwrap_or(1),
                now,
            );
            for field in ["current_period_start", "current_period_end"] {
                added.set(field, subscription.at("items.data.0").at(field).clone());
            }
            items.push(added);
            continue;
        };
        let place = items.iter().position(|item| item.id() == id);
        let missing = || {
            ApiError::invalid(format!("No such subscription item: '{id}'"))
                .with_code("resource_missing")
                .with_param(format!("{inside}[id]"))
        };
        let place = place.ok_or_else(missing)?;
        if wanted.flag("deleted") {
            items.remove(place);
            continue;
        }
        let Some(old) = items.get_mut(place) else {
            continue;
        };
        let (price, quantity) = (
            price.unwrap_or_else(|| old.at("price").clone()),
            wanted.int("quantity").or(old.int("quantity")).unwrap_or(1),
        );
        let mut new = subscription::item(
            id,
            subscription.id(),
            &price,
            quantity,
            old.int("created").unwrap_or(now),
        );
        for field in ["current_period_start", "current_period_end", "metadata"] {
            new.set(field, old.at(field).clone());
        }
        merge_metadata(&mut new, wanted);
        *old = new;
    }
    if items.is_empty() {
        return Err(
            ApiError::invalid("A subscription must have at least one active price.")
                .with_param("items"),
        );
    }
    subscription.set("items.data", items);
    Ok(())
}

/// Moves the end of the trial; says whether it ends now.
fn move_trial(subscription: &mut Value, params: &Value, now: i64) -> Result<bool> {
    let end = match params.at("trial_end") {
        Value::Null => return Ok(false),
        Value::String(_) => return Ok(subscription.is("status", "trialing")),
        given => given.as_i64().unwrap_or(0),
    };
    if end <= now {
        return Err(ApiError::invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
        )
        .with_param("trial_end"));
    }
    if !subscription.is("status", "trialing") {
        return Err(ApiError::not_simulated(
            "trial_end of a subscription that is not trialing",
        ));
    }
    subscription.set("trial_end", end);
    subscription.set("billing_cycle_anchor", end);
    let start = subscription
        .int("items.data.0.current_period_start")
        .unwrap_or(now);
    subscription::set_period(subscription, start, end);
    Ok(false)
}

fn end_trial_now(world: &mut World, trialing: &Value, now: i64) -> Answer {
    let mut subscription = trialing.clone();
    subscription.set("trial_end", now);
    subscription.set("billing_cycle_anchor", now);
    let (subscription, draft) = renew::next_period(world, &subscription, "subscription_update");
    world.unschedule(Due::TrialWillEnd, subscription.id());
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        renew::charge_or_retry_later(world, &invoice)?;
    }
    world.get(Kind::Subscription, subscription.id())
}
