//! From an event of Stripe, by whichever door it comes in, to an item of the inbox.
//!
//! The doors are the webhook, EventBridge and Stripe's own list of events. All of them store the
//! same item under the same key, so an event that comes through several counts once.

mod event;

pub use event::{Event, NotAnEvent};

use perennial_store::{InboxItem, InboxStatus};
use perennial_types::Timestamp;

/// The types of the events on which anything here depends: what a webhook endpoint has to be
/// subscribed to, and what a sweep asks Stripe for, which lists at most 20 types at once.
///
/// `invoice.created` is not among them on purpose: an endpoint that gets it and fails to answer
/// holds up renewals for up to 72 hours.
pub const EVENT_TYPES: [&str; 20] = [
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "setup_intent.canceled",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalization_failed",
    "invoice.voided",
    "payment_method.detached",
    "payment_method.automatically_updated",
    "mandate.updated",
    "charge.dispute.created",
    "charge.dispute.closed",
    "refund.created",
    "refund.failed",
];

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
