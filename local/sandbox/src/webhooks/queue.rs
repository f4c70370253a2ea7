//! Which events are on their way to which endpoints. The records outlive a restart, and the deliveries with them.

use crate::state::{Fields, Kind, World, clock, ids};
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

/// Whether an endpoint or filter that names `pattern` is about this type of event.
pub(crate) fn matches(pattern: &str, event: &str) -> bool {
    pattern == "*"
        || pattern == event
        || pattern
            .strip_suffix('*')
            .is_some_and(|prefix| prefix.ends_with('.') && event.starts_with(prefix))
}

/// Queues a new event for every endpoint that wants it.
pub(crate) fn send_to_endpoints(world: &mut World, event: &Value) {
    let name = event.text("type").unwrap_or_default();
    let wants = |endpoint: &&Value| {
        let listens = endpoint
            .list("enabled_events")
            .iter()
            .filter_map(Value::as_str)
            .any(|pattern| matches(pattern, name));
        endpoint.is("status", "enabled") && listens
    };
    let endpoints: Vec<Value> = world
        .store
        .oldest_first(Kind::WebhookEndpoint)
        .filter(wants)
        .cloned()
        .collect();
    let mut deliveries = Vec::new();
    for endpoint in endpoints {
        let id = ids::id("whd");
        let delivery = json!({
            "id": id,
            "event": event.id(),
            "type": name,
            "endpoint": endpoint.id(),
            "url": endpoint.at("url"),
            "state": "pending",
            "attempts": [],
            "next_at": clock::machine_millis(),
        });
        world.store.put(Kind::Delivery, &id, delivery);
        deliveries.push(id);
    }
    if !deliveries.is_empty() {
        let mut event = event.clone();
        event.set("_deliveries", deliveries);
        world.save(&event);
    }
}

fn of_event<'a>(world: &'a World, event: &str) -> impl Iterator<Item = &'a Value> {
    let ids = world
        .store
        .get(Kind::Event, event)
        .map_or(&[][..], |event| event.list("_deliveries"));
    ids.iter()
        .filter_map(Value::as_str)
        .filter_map(|id| world.store.get(Kind::Delivery, id))
}

/// How many endpoints have not taken the event yet.
pub(crate) fn pending(world: &World, event: &str) -> usize {
    of_event(world, event)
        .filter(|delivery| delivery.is("state", "pending"))
        .count()
}

/// Whether every endpoint that wanted the event took it.
pub(crate) fn all_delivered(world: &World, event: &str) -> bool {
    of_event(world, event).all(|delivery| delivery.is("state", "delivered"))
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

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_all_or_for_a_whole_branch() {
        assert!(matches("*", "invoice.paid"));
        assert!(matches("invoice.*", "invoice.paid"));
        assert!(matches("invoice.paid", "invoice.paid"));
        assert!(!matches("invoice.p*", "invoice.paid"));
        assert!(!matches("invoice", "invoice.paid"));
    }
}
