//! Between the table's stream and the shop's bus: the form in which the shop gets its events.
//!
//! The Pipe could fill a template by itself, but it does not escape what it fills in, and the data
//! of an event is JSON in a text. This writes nothing, and reads the secret alone that signs links:
//! an event that asks for another payment method has a link to it, which so is in no table. `cargo dev`
//! runs the same code.

use perennial_config::{Env, EventHandler, Start, StartError, all, api_base, link_secret};
use perennial_links::{REPAIR_LINK_SECONDS, SignedLinks};
use perennial_types::{Clock, SubscriptionId, Timestamp, UserId};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    links: MailLinks,
}

/// Makes the links that an event has for the shop's mail about it.
#[derive(Debug, Clone)]
pub struct MailLinks {
    signer: SignedLinks,
    base: Url,
}

/// The events that ask for another payment method.
const ASK_FOR_METHOD: [&str; 2] = [
    "subscription.past_due",
    "subscription.payment_method_required",
];

impl Start for App {
    async fn start(env: &Env, _: Clock) -> Result<Self, StartError> {
        let (base, secret) = all((api_base(env), link_secret(env)))?;
        let signer = SignedLinks::fetch(secret).await?;
        Ok(Self {
            links: MailLinks::new(signer, base),
        })
    }
}

impl EventHandler for App {
    async fn handle(&self, event: Value) -> Result<Value, String> {
        handle(&event, &self.links)
    }
}

impl MailLinks {
    /// Links below an address of the API.
    pub fn new(signer: SignedLinks, base: Url) -> Self {
        Self { signer, base }
    }

    /// Good for a week from when it happened, so an event that is sent again has the same link.
    fn repair(&self, user: &UserId, subscription: &SubscriptionId, happened: Timestamp) -> Url {
        let until = happened.plus_seconds(REPAIR_LINK_SECONDS);
        self.signer.repair(&self.base, user, subscription, until)
    }
}

/// A record of the stream that is not an event for the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record has no readable {0}")]
pub struct Malformed(pub &'static str);

/// What the Pipe asks for: the records of a batch, each as its event, in their order.
///
/// The error is a sentence, and the Pipe puts the batch aside after its retries.
pub fn handle(batch: &Value, links: &MailLinks) -> Result<Value, String> {
    let records = batch
        .as_array()
        .ok_or("the batch is not a list of records")?;
    let events: Result<Vec<Value>, Malformed> =
        records.iter().map(|it| event_of(it, links)).collect();
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
pub fn event_of(record: &Value, links: &MailLinks) -> Result<Value, Malformed> {
    let field = |name: &'static str, kind: &str| {
        record
            .pointer(&format!("/dynamodb/NewImage/{name}/{kind}"))
            .and_then(Value::as_str)
            .ok_or(Malformed(name))
    };
    let version: u64 = field("version", "N")?
        .parse()
        .map_err(|_| Malformed("version"))?;
    let mut data: Value =
        serde_json::from_str(field("data", "S")?).map_err(|_| Malformed("data"))?;
    let members = data.as_object_mut().ok_or(Malformed("data"))?;
    let kind = field("type", "S")?;
    if ASK_FOR_METHOD.contains(&kind) {
        let subscription = members.get("subscription").and_then(|it| it.get("id"));
        let subscription = subscription.and_then(|id| id.as_str()?.parse().ok());
        let subscription = subscription.ok_or(Malformed("data"))?;
        let user = field("user", "S")?.parse().map_err(|_| Malformed("user"))?;
        let happened = serde_json::from_value(json!(field("occurred_at", "S")?));
        let happened = happened.map_err(|_| Malformed("occurred_at"))?;
        let repair = links.repair(&user, &subscription, happened);
        members.insert("links".to_owned(), json!({ "repair": repair.as_str() }));
    }
    // None is written for an event that is about no subscription, and an older version wrote none.
    let sequence = match field("sequence", "N") {
        Ok(number) => Some(number.parse::<u64>().map_err(|_| Malformed("sequence"))?),
        Err(_) => None,
    };
    Ok(json!({
        "id": field("id", "S")?,
        "type": kind,
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

    fn links() -> MailLinks {
        let secret = "a secret of thirty-two characters".to_owned().into();
        let base = "https://api.shop.example/v2/".parse().unwrap();
        MailLinks::new(SignedLinks::new(&secret), base)
    }

    #[test]
    fn an_event_that_asks_for_a_payment_method_has_a_link_to_it_and_no_other_has() {
        let mut batch = recorded();
        for (kind, has) in [
            ("subscription.past_due", true),
            ("subscription.payment_method_required", true),
            ("subscription.activated", false),
            ("subscription.canceled", false),
        ] {
            batch[0]["dynamodb"]["NewImage"]["type"]["S"] = kind.into();
            let [first, second] = [(), ()].map(|()| event_of(&batch[0], &links()).unwrap());
            assert_eq!(first, second, "what is sent again has the same link");
            let link = first["data"]["links"]["repair"].as_str();
            assert_eq!(link.is_some(), has, "{kind}");
            let Some(link) = link else { continue };
            let start = "https://api.shop.example/v2/repair?link=";
            let text = link.strip_prefix(start).unwrap();
            let happened = Timestamp::from_unix(1_795_550_424);
            let last = happened.plus_seconds(7 * 24 * 3600);
            let signer = &links().signer;
            let opened = signer.read(text, last).unwrap();
            let expected = perennial_links::Link::Repair {
                user: "alice".parse().unwrap(),
                subscription: "sub_1SXk3bPerennialSandbox01".parse().unwrap(),
            };
            assert_eq!(opened, expected);
            assert!(signer.read(text, last.plus_seconds(1)).is_err());
        }
    }

    fn recorded() -> Value {
        let text = include_str!("../../../events/shop-events-subscription-activated.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_record_becomes_its_event_with_data_that_is_no_text_any_more() {
        let events = handle(&recorded(), &links()).unwrap();
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
        assert_eq!(handle(&batch, &links()).unwrap()[0]["user"], r#"a"b\c"#);
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
            assert_eq!(handle(&batch, &links()).unwrap()[0]["sequence"], expected);
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
            let error = handle(&batch, &links()).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
        assert!(handle(&json!({"Records": []}), &links()).is_err());
        assert_eq!(handle(&json!([]), &links()).unwrap(), json!([]));
    }
}
