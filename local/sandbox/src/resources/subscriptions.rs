//! Subscriptions: reading, cancelling, pausing and resuming.

use super::{Answer, Call};
use crate::billing::attempt::Presence;
use crate::billing::{cancel, collect, invoicing, renew};
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `GET /v1/subscriptions/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Subscription, &call.id)
}

/// `GET /v1/subscriptions`: without `status`, ended ones are left out.
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(
        world,
        Kind::Subscription,
        "/v1/subscriptions",
        params,
        |subscription| {
            let status = match params.text("status") {
                None => !cancel::is_over(subscription),
                Some("all") => true,
                Some("ended") => cancel::is_over(subscription),
                Some(status) => subscription.is("status", status),
            };
            let price = params.text("price").is_none_or(|price| {
                subscription
                    .list("items.data")
                    .iter()
                    .any(|item| item.is("price.id", price))
            });
            let period =
                |name: &str| in_range(subscription.at("items.data.0").int(name), params.at(name));
            status
                && price
                && same(subscription, params, "customer")
                && same(subscription, params, "test_clock")
                && same(subscription, params, "collection_method")
                && in_range(subscription.int("created"), params.at("created"))
                && period("current_period_start")
                && period("current_period_end")
        },
    )
}

/// A subscription that has not ended. Stripe no longer finds one that has.
pub(crate) fn living(world: &World, id: &str) -> Result<Value> {
    let subscription = world.at_path(Kind::Subscription, id)?;
    if cancel::is_over(&subscription) {
        Err(Kind::Subscription.no_such(id, "id").with_status(404))
    } else {
        Ok(subscription)
    }
}

/// `DELETE /v1/subscriptions/{id}`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let subscription = living(world, &call.id)?;
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
    let subscription = living(world, &call.id)?;
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
    let before = living(world, &call.id)?;
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
            let method = collect::method_for(world, &invoice);
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
        .filter(|subscription| !cancel::is_over(subscription))
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

/// A subscription item for a price.
pub(crate) fn item(
    id: &str,
    subscription: &str,
    price: &Value,
    quantity: i64,
    created: i64,
) -> Value {
    json!({
        "id": id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": created,
        "current_period_end": created,
        "current_period_start": created,
        "current_trial": null,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    })
}

/// The older form of a recurring price, which an item still carries.
fn plan(price: &Value) -> Value {
    json!({
        "id": price.id(),
        "object": "plan",
        "active": price.at("active"),
        "amount": price.at("unit_amount"),
        "amount_decimal": price.at("unit_amount_decimal"),
        "billing_scheme": price.at("billing_scheme"),
        "created": price.at("created"),
        "currency": price.at("currency"),
        "interval": price.at("recurring.interval"),
        "interval_count": price.at("recurring.interval_count"),
        "livemode": false,
        "metadata": price.at("metadata"),
        "meter": null,
        "nickname": price.at("nickname"),
        "product": price.at("product"),
        "tiers_mode": null,
        "transform_usage": null,
        "trial_period_days": price.at("recurring.trial_period_days"),
        "usage_type": "licensed",
    })
}

/// The price of an item, which must be active and recurring.
pub(crate) fn price_of(world: &World, id: &str, param: &str) -> Result<Value> {
    let price = world.at_param(Kind::Price, id, param)?;
    if !price.flag("active") {
        return Err(ApiError::invalid(format!(
            "The price specified is inactive. This field only accepts active prices: {id}"
        ))
        .with_param(param));
    }
    if !price.is("type", "recurring") {
        let message = format!(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}"
        );
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(price)
}
