//! A test clock: time that stands still until it is advanced.

use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A clock is deleted by itself after this long.
const LIFETIME_SECONDS: i64 = 30 * 86_400;

/// A clock that stands still at the time that the parameters name.
pub(crate) fn new(world: &World, params: &Value) -> Value {
    let now = world.now();
    json!({
        "id": ids::id("clock"),
        "object": "test_helpers.test_clock",
        "created": now,
        "deletes_after": now + LIFETIME_SECONDS,
        "frozen_time": params.at("frozen_time"),
        "livemode": false,
        "name": params.at("name"),
        "status": "ready",
        "status_details": {},
    })
}

/// A clock that has further to go, and how far.
pub(crate) fn advancing(world: &World) -> Option<(String, i64)> {
    let clock = world
        .store
        .having(Kind::TestClock, "status", "advancing")
        .next()?;
    Some((
        clock.id().to_owned(),
        clock.int("status_details.advancing.target_frozen_time")?,
    ))
}
