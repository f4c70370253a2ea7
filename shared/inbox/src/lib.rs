//! From an event of Stripe, by whichever door it comes in, to an item of the inbox.
//!
//! The doors are the webhook, EventBridge and Stripe's own list of events. All of them store the
//! same item under the same key, so an event that comes through several counts once.

mod event;

pub use event::{Event, NotAnEvent};

use perennial_store::{InboxItem, InboxStatus};
use perennial_types::Timestamp;

/// The item that an event becomes. One that nothing can depend on is stored as settled.
pub fn inbox_item(event: Event, livemode: bool, now: Timestamp) -> InboxItem {
    let reason = if event.livemode != livemode {
        Some("it is of the other mode")
    } else if event.is_thin {
        Some("it is a thin event; the endpoint has to send snapshots")
    } else {
        None
    };
    InboxItem {
        event: event.id,
        customer: event.customer,
        kind: event.kind,
        object: event.object,
        subscription: event.subscription,
        created: event.created,
        api_version: event.api_version,
        livemode: event.livemode,
        status: if reason.is_some() {
            InboxStatus::Ignored
        } else {
            InboxStatus::Received
        },
        attempts: 0,
        error: reason.map(ToOwned::to_owned),
        received_at: now,
    }
}
