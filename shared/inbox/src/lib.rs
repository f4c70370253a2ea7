//! What Stripe tells: the signature of a delivery, and the form of an event by whichever door it
//! comes in: the webhook, EventBridge, or Stripe's own list of events.

mod event;
mod signature;

pub use event::{Event, NotAnEvent};
pub use signature::{SignatureError, TOLERANCE_SECONDS, verify};

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
