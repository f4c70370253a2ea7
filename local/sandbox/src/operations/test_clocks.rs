//! Test clocks: advanced and deleted.

use super::customers;
use crate::billing::periods::next_end;
use crate::error::{ApiError, Result};
use crate::objects::{subscription, test_clock};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// How far from now a clock may begin. Stripe does not say; other timestamps have this limit.
const FURTHEST_SECONDS: i64 = 5 * 366 * 86_400;

/// `POST /v1/test_helpers/test_clocks`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    if params.has("customer") {
        return Err(ApiError::not_simulated("customer"));
    }
    let at = params.int("frozen_time").unwrap_or(0);
    if at < 0 {
        let message = "Invalid timestamp: must be an integer Unix timestamp.";
        return Err(ApiError::validation(message).with_param("frozen_time"));
    }
    if at > world.now() + FURTHEST_SECONDS {
        let message = "Invalid timestamp: can be no more than five years in the future.";
        return Err(ApiError::validation(message).with_param("frozen_time"));
    }
    let clock = test_clock::new(world, params);
    world.create(&clock, "test_helpers.test_clock.created");
    Ok(clock)
}

/// `POST /v1/test_helpers/test_clocks/{id}/advance`: the answer comes while the clock is still advancing.
pub(crate) fn advance(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::TestClock, &call.id)?;
    if !before.is("status", "ready") {
        return Err(ApiError::invalid(
            "The test clock is advancing. Wait until its status is ready.",
        )
        .with_status(429)
        .with_code("rate_limit"));
    }
    let (from, to) = (
        before.int("frozen_time").unwrap_or(0),
        call.params.int("frozen_time").unwrap_or(0),
    );
    if to <= from {
        let message = "The test clock can only be advanced to a later time than its frozen_time.";
        return Err(ApiError::invalid(message).with_param("frozen_time"));
    }
    if to > furthest(world, before.id(), from) {
        let message = "A test clock can be advanced by at most two intervals of its shortest subscription at a time, or two years without one.";
        return Err(ApiError::invalid(message).with_param("frozen_time"));
    }
    let mut clock = before.clone();
    clock.set("status", "advancing");
    clock.set(
        "status_details",
        json!({"advancing": {"target_frozen_time": to}}),
    );
    world.save(&clock);
    world.emit("test_helpers.test_clock.advancing", &clock);
    Ok(clock)
}

/// Two intervals of the shortest subscription, counted from the frozen time.
fn furthest(world: &World, clock: &str, from: i64) -> i64 {
    let two = |interval: &str, count: i64| {
        let one = next_end(from, interval, count, from);
        next_end(from, interval, count, one)
    };
    let subscriptions = world.store.having(Kind::Subscription, "test_clock", clock);
    let limits = subscriptions
        .flat_map(subscription::intervals)
        .map(|(interval, count)| two(interval, count));
    limits.min().unwrap_or_else(|| two("year", 1))
}

/// `DELETE /v1/test_helpers/test_clocks/{id}`: its customers go with it.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let clock = world.at_path(Kind::TestClock, &call.id)?;
    let customers: Vec<String> = world
        .store
        .having(Kind::Customer, "test_clock", clock.id())
        .rev()
        .map(|customer| customer.id().to_owned())
        .collect();
    for customer in customers {
        customers::delete(
            world,
            &Call {
                id: customer,
                params: Value::Null,
                from_page: false,
                client: call.client.clone(),
            },
        )?;
    }
    world.store.remove(Kind::TestClock, clock.id());
    world.emit("test_helpers.test_clock.deleted", &clock);
    Ok(json!({"id": clock.id(), "object": "test_helpers.test_clock", "deleted": true}))
}

/// Moves an advancing clock to the time of the next thing that happens on it, or to its end if there is none.
pub(crate) fn move_to(world: &mut World, id: &str, next: Option<i64>) -> Result<()> {
    let mut clock = world.get(Kind::TestClock, id)?;
    let frozen = clock.int("frozen_time").unwrap_or(0);
    if let Some(next) = next {
        // A timer that was set in the past of a clock does not turn it back.
        clock.set("frozen_time", next.max(frozen));
        world.save(&clock);
        return Ok(());
    }
    let target = clock
        .at("status_details.advancing.target_frozen_time")
        .clone();
    clock.set("frozen_time", target);
    clock.set("status", "ready");
    clock.set("status_details", json!({}));
    world.save(&clock);
    world.emit("test_helpers.test_clock.ready", &clock);
    Ok(())
}
