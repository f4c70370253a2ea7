//! Which deliveries are due, and what becomes of one that was attempted.

use crate::state::{Fields, Kind, World, clock};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Seconds from each failed attempt to the next; after the last one the delivery has failed.
///
/// Stripe's own sandbox tries three times over a few hours. Somebody who develops waits for seconds, not hours.
const BACK_OFF_SECONDS: [i64; 6] = [1, 5, 30, 300, 3600, 10_800];

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The status that the endpoint answered, if it answered.
    pub(crate) status: Option<u16>,
    /// Why it did not.
    pub(crate) error: Option<String>,
}

impl Attempt {
    /// Whether the endpoint took the event. A redirect is a failure.
    pub(crate) fn succeeded(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// How many deliveries of an endpoint are taken at a time.
const BATCH: usize = 50;

/// The deliveries that are due now for each endpoint that is not `busy`, the oldest first, and when the next one will
/// be due.
pub(crate) fn due(
    world: &World,
    now: i64,
    busy: &BTreeSet<String>,
) -> (Vec<(String, Vec<String>)>, Option<i64>) {
    if world.account().flag("hold") {
        return (Vec::new(), None);
    }
    let endpoints = world.store.due(now, BATCH);
    let next = endpoints.iter().filter_map(|(_, _, later)| *later).min();
    let due = endpoints
        .into_iter()
        .filter(|(endpoint, ids, _)| !ids.is_empty() && !busy.contains(endpoint))
        .map(|(endpoint, ids, _)| (endpoint, ids));
    (due.collect(), next)
}

/// Records an attempt; a failed one is tried again later, until there have been enough.
pub(crate) fn record(world: &mut World, id: &str, attempt: &Attempt) {
    let Some(mut delivery) = world.store.get(Kind::Delivery, id).cloned() else {
        return;
    };
    let now = clock::machine_millis();
    let mut attempts = delivery.list("attempts").to_vec();
    attempts.push(json!({"at": now, "status": attempt.status, "error": attempt.error}));
    let wait = BACK_OFF_SECONDS.get(attempts.len() - 1).copied();
    delivery.set("attempts", attempts);
    if attempt.succeeded() || delivery.is("state", "delivered") {
        delivery.set("state", "delivered");
        delivery.set("next_at", Value::Null);
    } else if let Some(wait) = wait {
        delivery.set("next_at", now + wait * 1000);
    } else {
        give_up(&mut delivery);
    }
    world.store.put(Kind::Delivery, id, delivery);
}

/// Ends a delivery whose endpoint was deleted or disabled.
pub(crate) fn drop_delivery(world: &mut World, id: &str) {
    if let Some(mut delivery) = world.store.get(Kind::Delivery, id).cloned() {
        give_up(&mut delivery);
        world.store.put(Kind::Delivery, id, delivery);
    }
}

fn give_up(delivery: &mut Value) {
    delivery.set("state", "failed");
    delivery.set("next_at", Value::Null);
}
