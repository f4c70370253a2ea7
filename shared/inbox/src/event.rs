//! What an event is about. The rest of its body is passed over: it is a hint, and the object is
//! read again from Stripe.

use perennial_types::{CustomerId, EventId, SubscriptionId, Timestamp};
use serde_json::Value;
use thiserror::Error;

/// An event, as far as anything here depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Stripe's id.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// When Stripe made it.
    pub created: Timestamp,
    /// The API version of its body, which is the endpoint's.
    pub api_version: Option<String>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// Whether it is a thin event, which names its object and no customer.
    pub is_thin: bool,
    /// Whether it is about an account that is connected to the one of the endpoint.
    pub is_of_connected_account: bool,
    /// The id of its object.
    pub object: Option<String>,
    /// The customer that it concerns.
    pub customer: Option<CustomerId>,
    /// The subscription that it concerns.
    pub subscription: Option<SubscriptionId>,
}

/// An event that no endpoint sends that is set up as it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrongEndpoint {
    /// It comes from an event destination with thin payloads.
    #[error(
        "the event is thin, and this endpoint takes snapshots: \
         create a webhook endpoint, or an event destination with snapshot payloads"
    )]
    Thin,
    /// It comes from an endpoint of the other mode of the account.
    #[error(
        "the event is of {} mode, and this endpoint takes {} mode: \
         create the endpoint in that mode, and store its signing secret",
        mode(*.event), mode(!*.event)
    )]
    OtherMode {
        /// Whether the event is of live mode.
        event: bool,
    },
    /// It comes from an endpoint for connected accounts.
    #[error(
        "the event is of a connected account: \
         create the endpoint for events of your own account"
    )]
    ConnectedAccount,
}

fn mode(livemode: bool) -> &'static str {
    if livemode { "live" } else { "test" }
}

/// The body is not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the body has no event id, type or time")]
pub struct NotAnEvent;

impl Event {
    /// Reads a snapshot event of any API version, or a thin event.
    pub fn read(body: &[u8]) -> Result<Self, NotAnEvent> {
        Self::from_json(&serde_json::from_slice(body).map_err(|_| NotAnEvent)?)
    }

    /// The same, of a body that is parsed already.
    pub fn from_json(body: &Value) -> Result<Self, NotAnEvent> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let id = text("id")
            .and_then(|id| id.parse().ok())
            .ok_or(NotAnEvent)?;
        let kind = text("type")
            .filter(|kind| is_type(kind))
            .ok_or(NotAnEvent)?
            .to_owned();
        let livemode = body
            .get("livemode")
            .and_then(Value::as_bool)
            .ok_or(NotAnEvent)?;
        let is_thin = text("object") == Some("v2.core.event");
        let created = body.get("created").and_then(read_time).ok_or(NotAnEvent)?;
        let object = if is_thin {
            body.get("related_object")
        } else {
            body.pointer("/data/object")
        };
        Ok(Self {
            id,
            kind,
            created,
            api_version: text("api_version")
                .filter(|version| version.len() <= 64)
                .map(ToOwned::to_owned),
            livemode,
            is_thin,
            is_of_connected_account: text("account").is_some(),
            object: object
                .and_then(|object| id_of(object.get("id")?))
                .map(ToOwned::to_owned),
            // What was taken off a customer names it only among what it was before.
            customer: object.and_then(customer_of).or_else(|| {
                body.pointer("/data/previous_attributes")
                    .and_then(customer_of)
            }),
            subscription: object.and_then(subscription_of),
        })
    }

    /// Whether it is one that a well set up endpoint sends, which has nothing to do with what it
    /// says. Its API version may be any, since of its body no more is read than its ids, which all
    /// versions have.
    pub fn check_endpoint(&self, livemode: bool) -> Result<(), WrongEndpoint> {
        if self.is_thin {
            Err(WrongEndpoint::Thin)
        } else if self.livemode != livemode {
            Err(WrongEndpoint::OtherMode {
                event: self.livemode,
            })
        } else if self.is_of_connected_account {
            Err(WrongEndpoint::ConnectedAccount)
        } else {
            Ok(())
        }
    }
}

/// Types are stored and logged, so they are held to the form that Stripe's have.
fn is_type(kind: &str) -> bool {
    (1..=128).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))
}

/// The last second that RFC 3339 can write.
const LAST_SECOND: i64 = 253_402_300_799;

/// Seconds in a snapshot event, RFC 3339 in a thin one. A time that could be stored and not be read
/// again is none.
fn read_time(value: &Value) -> Option<Timestamp> {
    let time = match value {
        Value::Number(seconds) => seconds.as_i64().map(Timestamp::from_unix),
        text => serde_json::from_value(text.clone()).ok(),
    };
    time.filter(|time| (0..=LAST_SECOND).contains(&time.unix()))
}

/// An id, or an expanded object's.
fn id_of(value: &Value) -> Option<&str> {
    let id = value.as_str().or_else(|| value.get("id")?.as_str())?;
    (id.len() <= 255).then_some(id)
}

fn customer_of(object: &Value) -> Option<CustomerId> {
    let itself = object.get("object").and_then(Value::as_str) == Some("customer");
    let id = if itself {
        object.get("id")
    } else {
        object.get("customer")
    };
    id_of(id?)?.parse().ok()
}

/// A subscription itself, or the one that an invoice is of: under `parent` since 2025-03-31.basil,
/// beside it before.
fn subscription_of(object: &Value) -> Option<SubscriptionId> {
    let id = match object.get("object").and_then(Value::as_str)? {
        "subscription" => object.get("id"),
        "invoice" => object
            .pointer("/parent/subscription_details/subscription")
            .or_else(|| object.get("subscription")),
        _ => None,
    };
    id_of(id?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(object: &Value) -> Event {
        let body = json!({
            "id": "evt_1", "object": "event", "type": "some.type", "created": 1_793_000_000,
            "livemode": false, "api_version": "2026-10-28.endive", "data": {"object": object},
        });
        Event::read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_customer_and_the_subscription_are_found_in_every_shape() {
        let cases = [
            (
                json!({"object": "subscription", "id": "sub_1", "customer": "cus_1"}),
                Some("cus_1"),
                Some("sub_1"),
            ),
            (
                json!({"object": "subscription", "id": "sub_1", "customer": {"id": "cus_1"}}),
                Some("cus_1"),
                Some("sub_1"),
            ),
            (
                json!({"object": "invoice", "id": "in_1", "customer": "cus_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}),
                Some("cus_1"),
                Some("sub_1"),
            ),
            (
                json!({"object": "invoice", "id": "in_1", "customer": "cus_1", "subscription": "sub_1"}),
                Some("cus_1"),
                Some("sub_1"),
            ),
            (
                json!({"object": "invoice", "id": "in_1", "customer": "cus_1", "parent": null}),
                Some("cus_1"),
                None,
            ),
            (
                json!({"object": "customer", "id": "cus_1"}),
                Some("cus_1"),
                None,
            ),
            (
                json!({"object": "setup_intent", "id": "seti_1", "customer": null}),
                None,
                None,
            ),
            (json!({"object": "mandate", "id": "mandate_1"}), None, None),
            (json!("nothing"), None, None),
        ];
        for (object, customer, subscription) in cases {
            let event = event(&object);
            assert_eq!(
                event.customer.as_ref().map(CustomerId::as_str),
                customer,
                "{object}"
            );
            assert_eq!(
                event.subscription.as_ref().map(SubscriptionId::as_str),
                subscription,
                "{object}"
            );
        }
    }

    #[test]
    fn a_detached_payment_method_names_the_customer_that_it_was_of() {
        let body = json!({
            "id": "evt_1", "object": "event", "type": "payment_method.detached", "created": 1,
            "livemode": false, "data": {
                "object": {"object": "payment_method", "id": "pm_1", "customer": null},
                "previous_attributes": {"customer": "cus_1"},
            },
        });
        let event = Event::read(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            event.customer.as_ref().map(CustomerId::as_str),
            Some("cus_1")
        );
    }

    #[test]
    fn a_thin_event_is_told_from_a_snapshot() {
        let body = json!({
            "id": "evt_test_1", "object": "v2.core.event", "type": "v1.customer.updated",
            "created": "2026-11-24T00:00:00.000Z", "livemode": false,
            "related_object": {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"},
        });
        let event = Event::read(body.to_string().as_bytes()).unwrap();
        assert!(event.is_thin);
        assert_eq!(event.object.as_deref(), Some("cus_1"));
    }

    #[test]
    fn an_event_of_an_endpoint_that_is_set_up_wrongly_is_told() {
        let body = |change: (&str, Value)| {
            let mut body = json!({
                "id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1,
                "livemode": true, "api_version": "2026-10-28.endive",
                "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1"}},
            });
            body[change.0] = change.1;
            Event::from_json(&body).unwrap()
        };
        for (change, expected) in [
            (("api_version", json!("2020-08-27")), Ok(())),
            (("api_version", json!(null)), Ok(())),
            (("account", json!(null)), Ok(())),
            (("object", json!("v2.core.event")), Err(WrongEndpoint::Thin)),
            (
                ("livemode", json!(false)),
                Err(WrongEndpoint::OtherMode { event: false }),
            ),
            (
                ("account", json!("acct_1")),
                Err(WrongEndpoint::ConnectedAccount),
            ),
        ] {
            let event = body(change.clone());
            assert_eq!(event.check_endpoint(true), expected, "{change:?}");
        }
        let error = body(("livemode", json!(false))).check_endpoint(true);
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("the event is of test mode, and this endpoint takes live mode"));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in [
            json!({}),
            json!([]),
            json!({"id": "evt_1"}),
            json!({"id": "sub_1", "type": "a.b", "created": 1, "livemode": false}),
            json!({"id": "evt_1", "type": "a b", "created": 1, "livemode": false}),
            json!({"id": "evt_1", "type": "a.b", "created": "soon", "livemode": false}),
            json!({"id": "evt_1", "type": "a.b", "created": -1, "livemode": false}),
            json!({"id": "evt_1", "type": "a.b", "created": 253_402_300_800_i64, "livemode": false}),
            json!({"id": "evt_1", "type": "a.b", "created": "9999-12-31T23:59:59-01:00", "livemode": false}),
            json!({"id": "evt_1", "type": "a.b", "created": 1}),
        ] {
            assert_eq!(
                Event::read(body.to_string().as_bytes()),
                Err(NotAnEvent),
                "{body}"
            );
        }
        assert_eq!(Event::read(b"\xff"), Err(NotAnEvent));
    }
}
