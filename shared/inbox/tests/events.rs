//! Of any event: what is read is what was written, and what is none is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_inbox::{Event, NotAnEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

fn id(prefix: &'static str) -> impl Strategy<Value = String> {
    "[A-Za-z0-9_]{1,60}".prop_map(move |tail| format!("{prefix}{tail}"))
}

/// Some JSON, three levels deep.
fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(NAMES, inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// The names that the reader looks for, among others.
const NAMES: &str = "id|object|data|customer|parent|subscription|previous_attributes|[a-z]{1,6}";

fn event() -> Value {
    json!({
        "id": "evt_1", "object": "event", "type": "a.b", "created": 1, "livemode": false,
        "data": {"object": {"object": "subscription", "id": "sub_1", "customer": "cus_1"}},
    })
}

/// It is stored, so it is as long as a version is, and no longer.
#[test]
fn a_version_of_the_api_that_is_too_long_is_none() {
    for (length, read) in [(1, true), (64, true), (65, false)] {
        let mut body = event();
        body["api_version"] = json!("v".repeat(length));
        let version = Event::from_json(&body).unwrap().api_version;
        assert_eq!(version.is_some(), read, "{length}");
    }
}

proptest! {
    #[test]
    fn ids_type_and_time_come_out_as_they_went_in(
        event in id("evt_"),
        customer in id("cus_"),
        subscription in id("sub_"),
        kind in "[a-z0-9_.]{1,60}",
        created in 0_i64..253_402_300_799,
        livemode in any::<bool>(),
        expanded in any::<bool>(),
    ) {
        let owner = if expanded { json!({"id": customer}) } else { json!(customer) };
        let body = json!({
            "id": event, "object": "event", "type": kind, "created": created, "livemode": livemode,
            "data": {"object": {"object": "subscription", "id": subscription, "customer": owner}},
        });
        let read = Event::read(body.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.id.as_str(), event);
        prop_assert_eq!(read.kind, kind);
        prop_assert_eq!(read.created.unix(), created);
        prop_assert_eq!(read.livemode, livemode);
        prop_assert_eq!(read.customer.map(String::from), Some(customer));
        prop_assert_eq!(read.subscription.map(String::from), Some(subscription.clone()));
        prop_assert_eq!(read.object, Some(subscription));
    }

    #[test]
    fn the_time_of_an_event_can_be_stored_and_read_again(created in any::<i64>()) {
        let mut body = event();
        body["created"] = json!(created);
        if let Ok(read) = Event::from_json(&body) {
            let stored = serde_json::to_value(read.created).unwrap();
            let again: perennial_types::Timestamp = serde_json::from_value(stored).unwrap();
            prop_assert_eq!(again.unix(), created);
        }
    }

    #[test]
    fn an_event_without_a_field_that_it_needs_is_none(
        field in prop::sample::select(vec!["id", "type", "created", "livemode"]),
        other in json_values(),
    ) {
        let mut body = event();
        prop_assert!(Event::from_json(&body).is_ok());
        // A list is never right for any of these fields.
        body[field] = json!([other]);
        prop_assert_eq!(Event::from_json(&body), Err(NotAnEvent));
        body.as_object_mut().unwrap().remove(field);
        prop_assert_eq!(Event::from_json(&body), Err(NotAnEvent));
    }

    #[test]
    fn whatever_its_object_is_an_event_is_read(object in json_values(), before in json_values()) {
        let mut body = event();
        body["data"] = json!({"object": object, "previous_attributes": before});
        let text = body.to_string();
        let read = Event::read(text.as_bytes()).unwrap();
        for id in [
            read.customer.map(String::from),
            read.subscription.map(String::from),
        ].into_iter().flatten() {
            prop_assert!(text.contains(&id), "{} is not in {}", id, text);
        }
    }

    #[test]
    fn bytes_and_json_that_are_no_event_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        value in json_values(),
    ) {
        prop_assert_eq!(Event::read(&bytes), Err(NotAnEvent));
        prop_assert_eq!(Event::read(value.to_string().as_bytes()), Err(NotAnEvent));
    }
}
