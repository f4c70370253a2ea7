//! Subscriptions: canceled, paused and resumed.

use crate::billing::attempt::Presence;
use crate::billing::{cancel, collect, invoicing, renew};
use crate::error::ApiError;
use crate::objects::{invoice, subscription};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// `DELETE /v1/subscriptions/{id}`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let subscription = subscription::living(world, &call.id)?;
    for param in ["invoice_now", "prorate"] {
        if call.params.flag(param) {
            return Err(ApiError::not_simulated(param));
        }
    }
    Ok(cancel::at_once(
        world,
        &subscription,
        "cancellation_requested",
        call.params.at("cancellation_details"),
    ))
}

/// `POST /v1/subscriptions/{id}/pause`, for flexible billing only.
pub(crate) fn pause(world: &mut World, call: &Call) -> Answer {
    let subscription = subscription::living(world, &call.id)?;
    if !subscription.is("billing_mode.type", "flexible") {
        return Err(ApiError::invalid(
            "Pausing needs a subscription whose billing_mode is flexible.",
        ));
    }
    if !matches!(
        subscription.text("status"),
        Some("active" | "trialing" | "past_due")
    ) {
        let status = subscription.text("status").unwrap_or_default();
        return Err(ApiError::invalid(format!(
            "This subscription cannot be paused because its status is {status}."
        )));
    }
    let unused = call.params.text("bill_for.unused_time_from.type");
    if unused != Some("none") {
        let message = "Crediting the unused time is not simulated; send `bill_for[unused_time_from][type]=none`.";
        return Err(
            ApiError::not_simulated("bill_for[unused_time_from][type]").with_message(message)
        );
    }
    Ok(renew::pause(world, &subscription, "pause_requested"))
}

/// `POST /v1/subscriptions/{id}/resume`, only from `paused`.
pub(crate) fn resume(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = subscription::living(world, &call.id)?;
    if !before.is("status", "paused") {
        let status = before.text("status").unwrap_or_default();
        let message = format!(
            "Resume is only for subscriptions with a status of paused; this one's is {status}."
        );
        return Err(ApiError::invalid(message));
    }
    let mut subscription = before.clone();
    if let Value::Object(fields) = &mut subscription {
        fields.remove("status_details");
    }
    let now = world.now_for(&before);
    if params.is("billing_cycle_anchor.type", "unchanged") {
        if !params.is("proration_behavior", "none") {
            return Err(ApiError::not_simulated("proration_behavior"));
        }
        let end = before.int("items.data.0.current_period_end").unwrap_or(now);
        subscription.set("status", "active");
        world.schedule(Due::PeriodEnds, &subscription, end.max(now));
        world.update(&before, &subscription, "customer.subscription.updated");
        world.emit("customer.subscription.resumed", &subscription);
        return Ok(subscription);
    }
    subscription.set("billing_cycle_anchor", now);
    subscription.set("status", "active");
    let (_, draft) = renew::next_period(world, &subscription, "subscription_update");
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        if params.is("payment_behavior", "resume_on_payment_success") {
            let method = invoice::method_for(world, &invoice);
            collect::charge(world, &invoice, method.as_ref(), Presence::Away)?;
        } else {
            renew::charge_or_retry_later(world, &invoice)?;
        }
    }
    let resumed = world.get(Kind::Subscription, before.id())?;
    world.emit("customer.subscription.resumed", &resumed);
    Ok(resumed)
}

/// A SetupIntent that a subscription waited for has succeeded: its payment method pays from now on.
pub(crate) fn setup_done(world: &mut World, intent: &Value) {
    let waiting = world
        .store
        .newest_first(Kind::Subscription)
        .find(|subscription| subscription.is("pending_setup_intent", intent.id()))
        // The intent outlives its subscription, which nothing wakes up again.
        .filter(|subscription| !subscription::is_over(subscription))
        .cloned();
    if let Some(before) = waiting {
        let mut subscription = before.clone();
        subscription.set("pending_setup_intent", Value::Null);
        subscription.set(
            "default_payment_method",
            intent.at("payment_method").clone(),
        );
        world.update(&before, &subscription, "customer.subscription.updated");
    }
}
