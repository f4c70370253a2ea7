//! What EventBridge wraps around an event of Stripe.

use perennial_inbox::{Event, NotAnEvent};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Only Stripe's own account can send under this, and only to a bus that this account has accepted
/// (<https://docs.stripe.com/event-destinations/eventbridge>).
const STRIPE: &str = "aws.partner/stripe.com/";

#[derive(Deserialize)]
struct Wrapped {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Value,
}

/// Why an event is not taken in. None of these gets better by trying again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no source, type or detail.
    #[error("it has not the form of an event of EventBridge")]
    NotWrapped,
    /// Anybody in the account may put events with another source on a bus.
    #[error("its source is not Stripe's partner source")]
    WrongSource,
    /// What is in the wrapper is no event of Stripe.
    #[error("its detail is not an event of Stripe: {0}")]
    NotAnEvent(#[from] NotAnEvent),
    /// Two statements about one thing, and nobody knows which is true.
    #[error("its detail-type is not the type of its detail")]
    TypesDiffer,
}

/// The event of Stripe in an event of EventBridge.
pub fn unwrap(event: Value) -> Result<Event, Refusal> {
    let wrapped: Wrapped = serde_json::from_value(event).map_err(|_| Refusal::NotWrapped)?;
    let destination = wrapped.source.strip_prefix(STRIPE);
    if destination.is_none_or(str::is_empty) {
        return Err(Refusal::WrongSource);
    }
    let event = Event::from_json(&wrapped.detail)?;
    if event.kind != wrapped.detail_type {
        return Err(Refusal::TypesDiffer);
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recorded() -> Value {
        let text = include_str!("../../../events/partner-events-invoice-paid.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_recorded_event_holds_an_event_of_stripe() {
        let event = unwrap(recorded()).unwrap();
        assert_eq!(event.kind, "invoice.paid");
        assert!(event.customer.is_some() && event.subscription.is_some());
    }

    #[track_caller]
    fn check(pointer: &str, value: Value, expected: &Refusal) {
        let mut event = recorded();
        *event.pointer_mut(pointer).unwrap() = value;
        assert_eq!(unwrap(event).unwrap_err(), *expected, "{pointer}");
    }

    #[test]
    fn another_source_is_refused() {
        for source in [
            "perennial",
            "aws.partner/stripe.com",
            "aws.partner/stripe.com/",
            "aws.partner/stripe.com.evil.example/ed_1",
            " aws.partner/stripe.com/ed_1",
        ] {
            check("/source", json!(source), &Refusal::WrongSource);
        }
    }

    #[test]
    fn what_contradicts_itself_or_is_no_event_is_refused() {
        check(
            "/detail-type",
            json!("invoice.voided"),
            &Refusal::TypesDiffer,
        );
        check("/detail", json!({}), &Refusal::NotAnEvent(NotAnEvent));
        check("/source", json!(7), &Refusal::NotWrapped);
        assert_eq!(unwrap(json!({})).unwrap_err(), Refusal::NotWrapped);
        assert_eq!(unwrap(json!("x")).unwrap_err(), Refusal::NotWrapped);
    }
}
