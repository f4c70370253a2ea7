//! The phases of a subscription schedule, as they come and end with the subscription's periods.

use super::{cancel, discounts};
use crate::error::Result;
use crate::objects::{discount, subscription_item, subscription_schedule};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// The period of a subscription is over: its schedule may begin another phase, or end. Gives the subscription as it
/// is then; none if its schedule has ended it.
pub(crate) fn period_ends(world: &mut World, before: &Value) -> Result<Option<Value>> {
    let Some(schedule) = schedule_of(world, before) else {
        return Ok(Some(before.clone()));
    };
    let now = world.now_for(before);
    let current = schedule.int("current_phase.start_date").unwrap_or(now);
    let next = schedule.list("phases").iter().find(|phase| {
        let start = phase.int("start_date").unwrap_or(now);
        start > current && start <= now
    });
    if let Some(next) = next.cloned() {
        return enter(world, before, &schedule, &next).map(Some);
    }
    let last = schedule.list("phases").last();
    if last
        .and_then(|phase| phase.int("end_date"))
        .is_none_or(|end| end > now)
    {
        return Ok(Some(before.clone()));
    }
    if schedule.is("end_behavior", "cancel") {
        let ended = cancel::at_once(world, before, "cancellation_requested", &Value::Null);
        let mut completed = world.get(Kind::SubscriptionSchedule, schedule.id())?;
        completed.set("status", "completed");
        completed.set("completed_at", world.now_for(&ended));
        world.update(&schedule, &completed, "subscription_schedule.completed");
        return Ok(None);
    }
    release(world, &schedule);
    world.get(Kind::Subscription, before.id()).map(Some)
}

/// The subscription gets the prices of a phase, without proration.
fn enter(world: &mut World, before: &Value, schedule: &Value, phase: &Value) -> Result<Value> {
    let now = world.now_for(before);
    let mut after = before.clone();
    let old = before.list("items.data");
    let mut items = Vec::new();
    for (index, wanted) in phase.list("items").iter().enumerate() {
        let price = wanted.text("price").unwrap_or_default();
        let price = world.get(Kind::Price, price)?;
        let quantity = wanted.int("quantity").unwrap_or(1);
        let mut item = match old.get(index) {
            Some(item) => item.clone(),
            None => subscription_item::new(&ids::id("si"), before.id(), &price, quantity, now),
        };
        subscription_item::reprice(&mut item, &price);
        item.set("quantity", quantity);
        items.push(item);
    }
    let interval = |items: &[Value]| {
        let first = items.first();
        first.map(|item| {
            let (interval, count) = subscription_item::interval(item);
            (interval.to_owned(), count)
        })
    };
    if interval(old) != interval(&items) {
        // What `automatic` does with another interval: its periods begin with the phase.
        after.set("billing_cycle_anchor", now);
    }
    after.set("items.data", items);
    world.update(before, &after, "customer.subscription.updated");
    discount(world, &after, phase);
    let after = world.get(Kind::Subscription, before.id())?;
    let mut moved = schedule.clone();
    let (start, end) = (phase.at("start_date"), phase.at("end_date"));
    moved.set(
        "current_phase",
        json!({"start_date": start, "end_date": end}),
    );
    world.update(schedule, &moved, "subscription_schedule.updated");
    Ok(after)
}

/// Ends the discounts of a subscription that its phase does not have.
pub(crate) fn discount(world: &mut World, subscription: &Value, phase: &Value) {
    let kept = phase.list("discounts").to_vec();
    for id in subscription.list("discounts").to_vec() {
        let is_kept = kept.iter().any(|it| it.at("discount") == &id);
        if let Some(gone) = discount::known(world, &id).filter(|_| !is_kept).cloned() {
            discounts::end(world, &gone);
        }
    }
}

/// Ends a schedule, and leaves its subscription as it is.
pub(crate) fn release(world: &mut World, before: &Value) -> Value {
    let mut schedule = before.clone();
    schedule.set("status", "released");
    schedule.set("released_at", world.now_for(before));
    schedule.set("released_subscription", before.at("subscription").clone());
    schedule.set("subscription", Value::Null);
    schedule.set("current_phase", Value::Null);
    detach(world, before);
    world.update(before, &schedule, "subscription_schedule.released");
    schedule
}

/// The subscription has no schedule any more.
pub(crate) fn detach(world: &mut World, schedule: &Value) {
    let subscription = schedule.text("subscription").unwrap_or_default();
    if let Ok(before) = world.get(Kind::Subscription, subscription) {
        let mut after = before.clone();
        after.set("schedule", Value::Null);
        world.update(&before, &after, "customer.subscription.updated");
    }
}

/// A subscription has ended, and so does its schedule.
pub(crate) fn subscription_ended(world: &mut World, subscription: &Value) {
    let Some(before) = schedule_of(world, subscription) else {
        return;
    };
    let mut schedule = before.clone();
    schedule.set("status", "canceled");
    schedule.set("canceled_at", world.now_for(subscription));
    schedule.set("current_phase", Value::Null);
    world.update(&before, &schedule, "subscription_schedule.canceled");
}

/// The schedule that decides about a subscription.
pub(crate) fn schedule_of(world: &World, subscription: &Value) -> Option<Value> {
    let id = subscription.text("schedule")?;
    let schedule = world.store.get(Kind::SubscriptionSchedule, id)?;
    Some(schedule.clone()).filter(subscription_schedule::is_on)
}
