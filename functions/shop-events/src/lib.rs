//! Between the table's stream and the shop's bus: the form in which the shop gets its events.
//!
//! The Pipe could fill a template by itself, but it does not escape what it fills in, and the data
//! of an event is JSON in a text. This reads nothing and writes nothing, so it asks for no
//! permission and no configuration; `cargo dev` runs the same code.

use perennial_process::{Env, EventHandler, Start, StartError};
use perennial_types::Clock;
use serde_json::{Value, json};
use thiserror::Error;

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct App;

impl Start for App {
    async fn start(_: &Env, _: Clock) -> Result<Self, StartError> {
        Ok(Self)
    }
}

impl EventHandler for App {
    async fn handle(&self, event: Value) -> Result<Value, String> {
        handle(&event)
    }
}

/// A record of the stream that is not an event for the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record has no readable {0}")]
pub struct Malformed(pub &'static str);

/// What the Pipe asks for: the records of a batch, each as its event, in their order.
///
/// The error is a sentence, and the Pipe puts the batch aside after its retries.
pub fn handle(batch: &Value) -> Result<Value, String> {
    let records = batch
        .as_array()
        .ok_or("the batch is not a list of records")?;
    let events: Result<Vec<Value>, Malformed> = records.iter().map(event_of).collect();
    events.map(Value::Array).map_err(|error| {
        let sequences: Vec<&Value> = records
            .iter()
            .filter_map(|record| record.pointer("/dynamodb/SequenceNumber"))
            .collect();
        tracing::error!(%error, ?sequences, "an event for the shop is not readable");
        error.to_string()
    })
}

/// The event that a record of the stream holds, as `docs/EVENTS.md` has it.
pub fn event_of(record: &Value) -> Result<Value, Malformed> {
    let field = |name: &'static str, kind: &str| {
        record
            .pointer(&format!("/dynamodb/NewImage/{name}/{kind}"))
            .and_then(Value::as_str)
            .ok_or(Malformed(name))
    };
    let version: u64 = field("version", "N")?
        .parse()
        .map_err(|_| Malformed("version"))?;
    let data: Value = serde_json::from_str(field("data", "S")?).map_err(|_| Malformed("data"))?;
    if !data.is_object() {
        return Err(Malformed("data"));
    }
    // None is written for an event that is about no subscription, and an older version wrote none.
    let sequence = match field("sequence", "N") {
        Ok(number) => Some(number.parse::<u64>().map_err(|_| Malformed("sequence"))?),
        Err(_) => None,
    };
    Ok(json!({
        "id": field("id", "S")?,
        "type": field("type", "S")?,
        "version": version,
        "user": field("user", "S")?,
        "sequence": sequence,
        "occurred_at": field("occurred_at", "S")?,
        "data": data,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Value {
        let text = include_str!("../../../events/shop-events-subscription-activated.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_record_becomes_its_event_with_data_that_is_no_text_any_more() {
        let events = handle(&recorded()).unwrap();
        assert_eq!(events.as_array().unwrap().len(), 1);
        let event = &events[0];
        assert_eq!(event["type"], "subscription.activated");
        assert_eq!(event["version"], 1);
        assert_eq!(event["user"], "alice");
        assert_eq!(event["data"]["subscription"]["status"], "active");
        assert_eq!(event["sequence"], 16);
        assert_eq!(event.as_object().unwrap().len(), 7, "{event}");
    }

    #[test]
    fn a_user_with_quotes_in_their_name_breaks_nothing() {
        let mut batch = recorded();
        batch[0]["dynamodb"]["NewImage"]["user"]["S"] = json!(r#"a"b\c"#);
        assert_eq!(handle(&batch).unwrap()[0]["user"], r#"a"b\c"#);
    }

    #[test]
    fn an_event_that_is_about_no_subscription_has_no_place_among_its_events() {
        for (sequence, expected) in [
            (json!({"N": "35"}), json!(35)),
            (json!({"NULL": true}), Value::Null),
            (Value::Null, Value::Null),
        ] {
            let mut batch = recorded();
            batch[0]["dynamodb"]["NewImage"]["sequence"] = sequence;
            assert_eq!(handle(&batch).unwrap()[0]["sequence"], expected);
        }
    }

    #[test]
    fn what_is_not_readable_is_named() {
        for (field, value) in [
            ("id", json!({"N": "1"})),
            ("version", json!({"N": "one"})),
            ("sequence", json!({"N": "-1"})),
            ("data", json!({"S": "{"})),
            ("data", json!({"S": "[]"})),
            ("occurred_at", json!(null)),
        ] {
            let mut batch = recorded();
            batch[0]["dynamodb"]["NewImage"][field] = value;
            let error = handle(&batch).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
        assert!(handle(&json!({"Records": []})).is_err());
        assert_eq!(handle(&json!([])).unwrap(), json!([]));
    }
}
