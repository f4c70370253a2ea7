//! Subscription schedules: made of a subscription, given further phases, released and canceled.

use crate::billing::{cancel, periods, phases};
use crate::error::{ApiError, Result};
use crate::objects::{
    merge_metadata, refuse_unsimulated, subscription, subscription_item, subscription_schedule,
};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `POST /v1/subscription_schedules`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let Some(id) = call.params.text("from_subscription") else {
        return Err(ApiError::not_simulated("customer"));
    };
    let mut given = call.params.as_object().into_iter().flatten();
    let allowed = ["from_subscription", "expand"];
    if let Some((name, _)) = given.find(|(name, _)| !allowed.contains(&name.as_str())) {
        // Types of npm stripe 23.1.0: no other value may be set beside it.
        let message = format!("You cannot set `{name}` if `from_subscription` is set.");
        return Err(ApiError::invalid(message).with_param(name));
    }
    let before = world.at_param(Kind::Subscription, id, "from_subscription")?;
    if let Some(schedule) = phases::schedule_of(world, &before) {
        let message = format!(
            "You cannot migrate a subscription that is already attached to a schedule: `{}`.",
            schedule.id()
        );
        return Err(ApiError::invalid(message).with_param("from_subscription"));
    }
    if subscription::is_over(&before) || before.is("status", "paused") {
        let message = format!(
            "You cannot migrate a subscription that is `{}` to a schedule.",
            before.text("status").unwrap_or_default()
        );
        return Err(ApiError::invalid(message).with_param("from_subscription"));
    }
    if before.has("cancel_at") {
        return Err(ApiError::not_simulated("from_subscription"));
    }
    let schedule = subscription_schedule::of(world, &before);
    world.create(&schedule, "subscription_schedule.created");
    let mut after = before.clone();
    after.set("schedule", schedule.id());
    world.update(&before, &after, "customer.subscription.updated");
    Ok(schedule)
}

/// `POST /v1/subscription_schedules/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = on(world, call, "update")?;
    let mut schedule = before.clone();
    if let Some(behavior) = params.text("end_behavior") {
        if !matches!(behavior, "release" | "cancel") {
            return Err(ApiError::not_simulated("end_behavior"));
        }
        schedule.set("end_behavior", behavior);
    }
    merge_metadata(&mut schedule, params);
    if params.get("phases").is_some() {
        let of = before.text("subscription").unwrap_or_default();
        let of = world.get(Kind::Subscription, of)?;
        let wanted = params.list("phases");
        let built = built(world, &of, &before, wanted)?;
        if let Some(current) = built.first() {
            phases::discount(world, &of, current);
        }
        schedule.set("phases", built);
    }
    world.update(&before, &schedule, "subscription_schedule.updated");
    Ok(schedule)
}

/// `POST /v1/subscription_schedules/{id}/release`
pub(crate) fn release(world: &mut World, call: &Call) -> Answer {
    let before = on(world, call, "release")?;
    Ok(phases::release(world, &before))
}

/// `POST /v1/subscription_schedules/{id}/cancel`: its subscription ends with it.
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let before = on(world, call, "cancel")?;
    for name in ["invoice_now", "prorate"] {
        // Both are true unless it is said otherwise, and money back is not simulated here.
        if call.params.at(name).as_bool() != Some(false) {
            return Err(ApiError::not_simulated(name));
        }
    }
    let of = before.text("subscription").unwrap_or_default();
    let of = world.get(Kind::Subscription, of)?;
    cancel::at_once(world, &of, "cancellation_requested", &Value::Null);
    world.get(Kind::SubscriptionSchedule, before.id())
}

/// The schedule of the path, if it still decides about a subscription.
fn on(world: &World, call: &Call, action: &str) -> Result<Value> {
    let schedule = world.at_path(Kind::SubscriptionSchedule, &call.id)?;
    if subscription_schedule::is_on(&schedule) {
        return Ok(schedule);
    }
    Err(ApiError::invalid(format!(
        "You cannot {action} a subscription schedule that is currently in the `{}` status. It must be in the `not_started` or `active` status.",
        schedule.text("status").unwrap_or_default()
    )))
}

/// The phases that a request describes. The first of them is the one that goes on now.
fn built(world: &World, of: &Value, schedule: &Value, wanted: &[Value]) -> Result<Vec<Value>> {
    let current = schedule.int("current_phase.start_date").unwrap_or_default();
    let mut phases: Vec<Value> = Vec::new();
    for (index, wanted) in wanted.iter().enumerate() {
        let inside = format!("phases[{index}]");
        let simulated = [
            "discounts",
            "duration",
            "end_date",
            "items",
            "proration_behavior",
            "start_date",
            "trial_end",
        ];
        refuse_unsimulated(wanted, &inside, &simulated)?;
        let after = phases.last().and_then(|phase| phase.int("end_date"));
        let given = wanted.int("start_date").or(after);
        let start = match (given, after) {
            (Some(start), None) if start == current => start,
            (Some(start), Some(after)) if start == after => start,
            (_, None) => {
                let message = "The first phase has to be the current one, with its `start_date`.";
                return Err(ApiError::invalid(message).with_param(format!("{inside}[start_date]")));
            }
            (_, Some(_)) => {
                let message = "Each phase has to begin when the one before it ends.";
                return Err(ApiError::invalid(message).with_param(format!("{inside}[start_date]")));
            }
        };
        let end = end(wanted, start, &inside)?;
        // A phase is entered with a new period, so nothing is prorated by it.
        let begins_later = start > current;
        let proration = wanted
            .text("proration_behavior")
            .unwrap_or("create_prorations");
        if begins_later && subscription::period(of).is_none_or(|period| period.end != start) {
            return Err(ApiError::not_simulated(&format!("{inside}[start_date]")));
        }
        let mut phase = subscription_schedule::phase(of, start, end, proration);
        phase.set("trial_end", wanted.at("trial_end").clone());
        phase.set("items", items(world, of, wanted, &inside)?);
        phase.set("discounts", discounts(world, of, wanted, &inside)?);
        phases.push(phase);
    }
    if phases.is_empty() {
        return Err(ApiError::missing("phases"));
    }
    if phases.len() > 2 {
        return Err(ApiError::not_simulated("phases[2]"));
    }
    Ok(phases)
}

/// When a phase ends: at a time, or after a duration.
fn end(wanted: &Value, start: i64, inside: &str) -> Result<i64> {
    let end = match (wanted.int("end_date"), wanted.text("duration.interval")) {
        (Some(end), None) => end,
        (None, Some(interval)) => {
            let count = wanted.int("duration.interval_count").unwrap_or(1);
            periods::next_end(start, interval, count, start)
        }
        (Some(_), Some(_)) => {
            let message = "A phase takes either `end_date` or `duration`.";
            return Err(ApiError::invalid(message).with_param(format!("{inside}[duration]")));
        }
        (None, None) => return Err(ApiError::missing(&format!("{inside}[end_date]"))),
    };
    if end <= start {
        let message = "A phase has to end after it begins.";
        return Err(ApiError::invalid(message).with_param(format!("{inside}[end_date]")));
    }
    Ok(end)
}

/// The discounts of a phase, which are those of the subscription that it names. Without any, the phase has none of its
/// own (<https://docs.stripe.com/api/subscription_schedules/update#update_subscription_schedule-phases-discounts>).
fn discounts(world: &World, of: &Value, wanted: &Value, inside: &str) -> Result<Value> {
    let mut kept = Vec::new();
    for (index, wanted) in wanted.list("discounts").iter().enumerate() {
        let inside = format!("{inside}[discounts][{index}]");
        refuse_unsimulated(wanted, &inside, &["discount"])?;
        let id = wanted.at("discount");
        if !of.list("discounts").contains(id) {
            let param = format!("{inside}[discount]");
            return Err(Kind::Discount.no_such(id.as_str().unwrap_or_default(), &param));
        }
        kept.push(id.clone());
    }
    Ok(json!(subscription_schedule::discounts(world, &kept)))
}

fn items(world: &World, of: &Value, wanted: &Value, inside: &str) -> Result<Value> {
    let mut items = Vec::new();
    for (index, item) in wanted.list("items").iter().enumerate() {
        let inside = format!("{inside}[items][{index}]");
        refuse_unsimulated(item, &inside, &["price", "quantity"])?;
        let param = format!("{inside}[price]");
        let id = item
            .text("price")
            .ok_or_else(|| ApiError::missing(&param))?;
        let price = subscription_item::price_of(world, id, &param)?;
        if price.at("currency") != of.at("currency") {
            let message = "The price of a phase has to be in the currency of the subscription.";
            return Err(ApiError::invalid(message).with_param(param));
        }
        items.push(subscription_schedule::item(id, item.int("quantity")));
    }
    if items.is_empty() {
        return Err(ApiError::missing(&format!("{inside}[items]")));
    }
    Ok(json!(items))
}
