//! Pauses of whole subscriptions, and their end.

use super::{cancel, invoicing, proration};
use crate::objects::invoice_line::Period;
use crate::objects::subscription_item;
use crate::state::timers::Due;
use crate::state::{Fields, World};
use serde_json::{Value, json};

/// The reasons of a pause that lasts until the invoice is paid which could not be collected.
const UNPAID: [&str; 2] = ["first_payment_failure", "final_payment_failure"];

/// Whether Stripe can pause it for a failed payment: only in flexible billing mode, and not while a schedule has it
/// (<https://docs.stripe.com/billing/subscriptions/pause>).
pub(crate) fn is_possible(subscription: &Value) -> bool {
    subscription.is("billing_mode.type", "flexible") && !subscription.has("schedule")
}

/// Pauses a subscription: no invoices until it is resumed.
pub(crate) fn pause(world: &mut World, before: &Value, why: &str) -> Value {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    subscription.set("status", "paused");
    let details = json!({"paused": {"subscription": {"type": why}, "transitioned_at": now, "type": "subscription"}});
    subscription.set("status_details", details);
    world.unschedule(Due::PeriodEnds, subscription.id());
    world.unschedule(Due::TrialWillEnd, subscription.id());
    world.update(before, &subscription, "customer.subscription.updated");
    world.emit("customer.subscription.paused", &subscription);
    subscription
}

/// From when on what a pause leaves unused is credited (<https://docs.stripe.com/api/subscriptions/pause>).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unused {
    /// From now on.
    FromNow,
    /// All of the current period.
    FromPeriodStart,
    /// Nothing is credited.
    Kept,
}

impl Unused {
    /// What `bill_for` says.
    pub(crate) fn by(bill_for: &Value) -> Self {
        match bill_for.text("unused_time_from.type") {
            Some("none") => Self::Kept,
            Some("item_current_period_start") => Self::FromPeriodStart,
            _ => Self::FromNow,
        }
    }
}

/// Pauses a subscription as a request asks for it: its periods end now. What is credited waits for its next invoice, or
/// is on the draft that this gives.
pub(crate) fn by_request(
    world: &mut World,
    before: &Value,
    unused: Unused,
    invoice_now: bool,
) -> (Value, Option<Value>) {
    let now = world.now_for(before);
    let mut items = before.list("items.data").to_vec();
    for item in &mut items {
        let period = subscription_item::period(item);
        let start = match unused {
            Unused::FromNow => Some(now.max(period.start)),
            Unused::FromPeriodStart => Some(period.start),
            Unused::Kept => None,
        };
        if let Some(start) = start {
            let left = Period {
                start,
                end: period.end,
            };
            proration::credit(world, before, item, left);
            item.set("_debits", Vec::<Value>::new());
        }
        let stopped = Period {
            start: period.start,
            end: now.max(period.start),
        };
        subscription_item::set_period(item, period.start, stopped, None);
    }
    let mut stopped = before.clone();
    stopped.set("items.data", items);
    world.save(&stopped);
    let paused = pause(world, &stopped, "pause_requested");
    let draft = if invoice_now {
        cancel::last_invoice(world, &paused, "subscription_update")
    } else {
        None
    };
    (paused, draft)
}

/// Makes the invoice of a pause final, which leaves what is credited on the customer's balance.
pub(crate) fn bill(world: &mut World, draft: Option<&Value>) {
    if let Some(draft) = draft {
        invoicing::finalize(world, draft);
    }
}

/// Payments are collected again from now on: `pause_collection[resumes_at]` has come.
pub(crate) fn collect_again(world: &mut World, before: &Value) {
    if before.has("pause_collection") {
        let mut subscription = before.clone();
        subscription.set("pause_collection", Value::Null);
        world.update(before, &subscription, "customer.subscription.updated");
    }
}

/// Whether the payment of its newest invoice ends the pause.
pub(crate) fn waits_for_payment(subscription: &Value) -> bool {
    let reason = subscription.text("status_details.paused.subscription.type");
    subscription.is("status", "paused") && reason.is_some_and(|reason| UNPAID.contains(&reason))
}

/// Ends a pause that lasted until the invoice was paid. A period that has ended meanwhile is followed by the next.
pub(crate) fn wake(world: &mut World, before: &Value) -> Value {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    if let Value::Object(fields) = &mut subscription {
        fields.remove("status_details");
    }
    subscription.set("status", "active");
    let end = before.int("items.data.0.current_period_end").unwrap_or(now);
    world.schedule(Due::PeriodEnds, &subscription, end.max(now));
    world.update(before, &subscription, "customer.subscription.updated");
    world.emit("customer.subscription.resumed", &subscription);
    subscription
}
