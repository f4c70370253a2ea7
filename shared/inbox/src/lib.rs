//! What Stripe tells: the signature of a delivery, and the form of an event by whichever door it
//! comes in: the webhook, EventBridge, or Stripe's own list of events.

mod event;
mod event_types;
mod signature;

pub use event::{Event, NotAnEvent, WrongEndpoint};
pub use event_types::{About, EVENT_TYPES, EventType};
pub use signature::{SignatureError, TOLERANCE_SECONDS, verify};
