//! A body: it is read as an event only if it is one, and every id comes out as it went in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perennial_fuzz::text;
use perennial_inbox::Event;
use perennial_types::{CustomerId, EventId, SubscriptionId, Timestamp};
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    if let Ok(event) = Event::read(data) {
        what_was_read_is_there(data, &event);
    }
    ids_survive_every_shape(&text(data));
});

fn what_was_read_is_there(data: &[u8], event: &Event) {
    let body: Value = serde_json::from_slice(data).expect("an event is JSON");
    assert_eq!(Event::from_json(&body).as_ref(), Ok(event));
    assert_eq!(body["id"], event.id.as_str());
    assert!(event.id.as_str().starts_with("evt_"));
    assert_eq!(body["type"], event.kind.as_str());
    assert!(!event.kind.is_empty());
    assert_eq!(body["livemode"], event.livemode);
    assert_eq!(event.is_thin, body["object"] == "v2.core.event");
    if let Some(version) = &event.api_version {
        assert_eq!(body["api_version"], version.as_str());
    }

    // The item is stored and read again, with the time as text.
    let stored = serde_json::to_value(event.created).expect("a time is JSON");
    let again: Timestamp = serde_json::from_value(stored).expect("a time comes back");
    assert_eq!(again, event.created);
    if let Some(seconds) = body["created"].as_i64() {
        assert_eq!(event.created.unix(), seconds);
    }

    let ids = [
        event.object.as_deref(),
        event.customer.as_ref().map(CustomerId::as_str),
        event.subscription.as_ref().map(SubscriptionId::as_str),
    ];
    for id in ids.into_iter().flatten() {
        assert!(holds(&body, id), "{id:?} is nowhere in the body");
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        _ => false,
    }
}

fn ids_survive_every_shape(text: &str) {
    let tail: String = text.chars().take(300).collect();
    let (event_id, customer_id, subscription_id) = (
        format!("evt_{tail}"),
        format!("cus_{tail}"),
        format!("sub_{tail}"),
    );
    let customer: Option<CustomerId> = customer_id.parse().ok();
    let subscription: Option<SubscriptionId> = subscription_id.parse().ok();
    for object in [
        json!({"object": "subscription", "id": subscription_id, "customer": customer_id}),
        json!({"object": "subscription", "id": subscription_id, "customer": {"id": customer_id}}),
        json!({"object": "invoice", "id": "in_1", "customer": customer_id, "subscription": subscription_id}),
        json!({"object": "invoice", "id": "in_1", "customer": customer_id,
            "parent": {"subscription_details": {"subscription": subscription_id}}}),
    ] {
        let body = json!({
            "id": event_id, "object": "event", "type": "a.b", "created": 1, "livemode": false,
            "data": {"object": object},
        });
        let read = Event::read(body.to_string().as_bytes());
        let Ok(id) = event_id.parse::<EventId>() else {
            assert!(read.is_err(), "{event_id:?} is no event id");
            continue;
        };
        let event = read.expect("a well-formed event");
        assert_eq!(event.id, id);
        assert_eq!(event.customer, customer);
        assert_eq!(event.subscription, subscription);
    }
    let other = json!({
        "id": customer_id, "object": "customer", "type": "a.b", "created": 1, "livemode": false,
    });
    assert!(Event::from_json(&other).is_err(), "a customer is no event");
}
