//! A change that waits until its invoice is paid: <https://docs.stripe.com/billing/subscriptions/pending-updates>

use super::{cycle, discounts};
use crate::objects::{discount, subscription};
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::{Map, Value, json};

/// How long a change may wait.
const WAITS_SECONDS: i64 = 23 * 3600;

/// Keeps the change for later: until 23 hours are over, or the trial or a period ends.
pub(crate) fn keep(world: &mut World, before: &Value, after: &Value, invoice: &Value) -> Value {
    let now = world.now_for(before);
    let trial_end = before
        .int("trial_end")
        .filter(|_| before.is("status", "trialing"));
    // The period of a paused one is over.
    let period_end = subscription::period(before)
        .map(|period| period.end)
        .filter(|_| !before.is("status", "paused"));
    let expires_at = [Some(now + WAITS_SECONDS), trial_end, period_end]
        .into_iter()
        .flatten()
        .min();
    let changed = |name: &str| {
        if before.at(name) == after.at(name) {
            Value::Null
        } else {
            after.at(name).clone()
        }
    };
    let items = Value::Array(after.list("items.data").iter().map(shown).collect());
    let same_items = before.at("items.data") == after.at("items.data");
    let mut subscription = before.clone();
    subscription.set(
        "pending_update",
        json!({
            "billing_cycle_anchor": changed("billing_cycle_anchor"),
            "cancel_at_period_end": changed("cancel_at_period_end"),
            "discount": null,
            "discounts": changed("discounts"),
            "expires_at": expires_at,
            "metadata": changed("metadata"),
            "subscription_items": if same_items { Value::Null } else { items },
            "trial_end": changed("trial_end"),
            "trial_from_plan": null,
        }),
    );
    subscription.set("latest_invoice", invoice.id());
    let fields: Map<String, Value> = after
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| before.get(name.as_str()) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    subscription.set("_waits", json!({"invoice": invoice.id(), "fields": fields}));
    if let Some(at) = expires_at {
        world.schedule(Due::PendingUpdateExpires, &subscription, at);
    }
    world.update(before, &subscription, "customer.subscription.updated");
    subscription
}

/// The invoice that the subscription's pending update waits for.
pub(crate) fn invoice_of(world: &World, subscription: &Value) -> Option<Value> {
    let id = subscription.text("_waits.invoice")?;
    world.store.get(Kind::Invoice, id).cloned()
}

/// Carries the change out whose invoice was paid.
pub(crate) fn paid(world: &mut World, subscription: &Value, invoice: &Value) {
    if !subscription.is("_waits.invoice", invoice.id()) {
        return;
    }
    let mut after = subscription.clone();
    for (name, value) in subscription
        .at("_waits.fields")
        .as_object()
        .into_iter()
        .flatten()
    {
        // What has happened to it since is not taken back.
        let may_begin = ["trialing", "paused"]
            .iter()
            .any(|it| subscription.is("status", it));
        let is_over = name == "status" && !may_begin;
        if !is_over {
            after.set(name, value.clone());
        }
    }
    let is_resumed = subscription.is("status", "paused") && after.is("status", "active");
    if let Value::Object(fields) = &mut after
        && is_resumed
    {
        fields.remove("status_details");
    }
    discounts::drop_ended(world, &mut after);
    after.set("_waits", Value::Null);
    after.set("pending_update", Value::Null);
    world.unschedule(Due::PendingUpdateExpires, after.id());
    cycle::reschedule(world, &after);
    cycle::announce_trial(world, &after);
    world.save(&after);
    world.emit("customer.subscription.pending_update_applied", &after);
    world.update(subscription, &after, "customer.subscription.updated");
    if is_resumed {
        world.emit("customer.subscription.resumed", &after);
    }
}

/// Lets the change wait for as long as its invoice is tried.
pub(crate) fn waits_on(world: &mut World, subscription: &Value) {
    world.unschedule(Due::PendingUpdateExpires, subscription.id());
}

/// Forgets the change, since its invoice is void.
pub(crate) fn forget(world: &mut World, subscription: &Value, invoice: &Value) {
    if !subscription.is("_waits.invoice", invoice.id()) {
        return;
    }
    // What was redeemed with it comes to nothing. Whether it counts as redeemed is not documented: it does here.
    for id in subscription.list("_waits.fields.discounts") {
        if let Some(made) = discount::known(world, id).cloned() {
            discounts::close(world, &made);
        }
    }
    let mut after = subscription.clone();
    after.set("_waits", Value::Null);
    after.set("pending_update", Value::Null);
    world.unschedule(Due::PendingUpdateExpires, after.id());
    world.save(&after);
    world.emit("customer.subscription.pending_update_expired", &after);
    world.update(subscription, &after, "customer.subscription.updated");
}
