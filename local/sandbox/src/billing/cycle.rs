//! The billing cycle of a subscription: the periods of its items, and what happens at their ends.

use super::periods::{days, next_end, start_before};
use crate::objects::invoice_line::Period;
use crate::objects::{subscription, subscription_item};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// How long before its end a trial is announced.
const TRIAL_NOTICE_DAYS: i64 = 3;

/// The whole period of the cycle in which `at` lies, for an item.
pub(crate) fn whole_at(item: &Value, anchor: i64, at: i64) -> Period {
    let (interval, count) = subscription_item::interval(item);
    let end = next_end(anchor, interval, count, at);
    Period {
        start: start_before(anchor, interval, count, end),
        end,
    }
}

/// Sets when the next period begins, and when the subscription ends.
pub(crate) fn reschedule(world: &mut World, subscription: &Value) {
    if subscription::is_over(subscription) || subscription.is("status", "paused") {
        return;
    }
    if let Some(period) = subscription::period(subscription) {
        world.schedule(Due::PeriodEnds, subscription, period.end);
    }
    match subscription.int("cancel_at") {
        Some(at) if !subscription.flag("cancel_at_period_end") => {
            world.schedule(Due::CancelAt, subscription, at);
        }
        _ => world.unschedule(Due::CancelAt, subscription.id()),
    }
}

/// Sets when the end of a trial is announced: three days before, or at once.
pub(crate) fn announce_trial(world: &mut World, subscription: &Value) {
    match subscription.int("trial_end") {
        Some(end) if subscription.is("status", "trialing") => {
            let now = world.now_for(subscription);
            let at = (end - days(TRIAL_NOTICE_DAYS)).max(now);
            world.schedule(Due::TrialWillEnd, subscription, at);
        }
        _ => world.unschedule(Due::TrialWillEnd, subscription.id()),
    }
}

/// Reads what older versions of the sandbox kept of a period that ends with its subscription: the whole one's end, as a
/// note on the subscription.
pub(crate) fn adopt_older(world: &mut World) {
    let older: Vec<Value> = world
        .store
        .oldest_first(Kind::Subscription)
        .filter(|subscription| subscription.has("_full_period_end"))
        .cloned()
        .collect();
    for mut subscription in older {
        let end = subscription.int("_full_period_end").unwrap_or(0);
        let mut items = subscription.list("items.data").to_vec();
        for item in &mut items {
            let start = subscription_item::period(item).start;
            let cut = subscription_item::period(item).end;
            subscription_item::set_period(item, start, Period { start, end }, Some(cut));
        }
        subscription.set("items.data", items);
        subscription.set("_full_period_end", Value::Null);
        world.save(&subscription);
    }
}
