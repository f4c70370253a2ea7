//! Which events go to which endpoints. The records outlive a restart, and the deliveries with them.

use super::{Fields, Kind, World, clock, ids};
use serde_json::{Value, json};

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
