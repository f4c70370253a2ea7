//! The end of a subscription.

use super::invoicing;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Ends a subscription now. Its `pending_setup_intent` stays open, as at Stripe.
pub(crate) fn at_once(world: &mut World, before: &Value, reason: &str, details: &Value) -> Value {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    subscription.set("status", "canceled");
    subscription.set("ended_at", now);
    if !subscription.has("canceled_at") {
        subscription.set("canceled_at", now);
    }
    subscription.set("cancellation_details.reason", reason);
    for field in ["comment", "feedback"] {
        if details.has(field) {
            subscription.set(
                &format!("cancellation_details.{field}"),
                details.at(field).clone(),
            );
        }
    }
    world.save(&subscription);
    stop(world, &subscription, before.is("status", "incomplete"));
    world.emit("customer.subscription.deleted", &subscription);
    subscription
}

/// Gives an incomplete subscription up whose first payment was not made in time.
pub(crate) fn expire_incomplete(world: &mut World, before: &Value) {
    let mut subscription = before.clone();
    subscription.set("status", "incomplete_expired");
    subscription.set("ended_at", world.now_for(before));
    world.update(before, &subscription, "customer.subscription.updated");
    stop(world, &subscription, true);
}

/// Nothing more happens to the subscription by itself, and nobody is charged for it any more.
fn stop(world: &mut World, subscription: &Value, void_open: bool) {
    world.unschedule_all(subscription.id());
    let unfinished: Vec<Value> = world
        .store
        .newest_first(Kind::Invoice)
        .filter(|invoice| {
            invoice.is(
                "parent.subscription_details.subscription",
                subscription.id(),
            )
        })
        .filter(|invoice| matches!(invoice.text("status"), Some("draft" | "open")))
        .cloned()
        .collect();
    for invoice in unfinished {
        world.unschedule_all(invoice.id());
        if void_open && invoice.is("status", "open") {
            invoicing::void(world, &invoice);
            continue;
        }
        let mut idle = invoice.clone();
        idle.set("auto_advance", false);
        idle.set("automatically_finalizes_at", Value::Null);
        idle.set("next_payment_attempt", Value::Null);
        world.update(&invoice, &idle, "invoice.updated");
    }
}
