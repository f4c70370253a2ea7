//! The types of the events on which anything here depends, and what each is about.
//!
//! This table is the only one. A webhook endpoint is subscribed to these types, the sweep of missed
//! events asks Stripe for them, and the worker reads again what a type is about.

use std::fmt;

/// What an event is about, and so what has to be read again from Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// The SetupIntent of a checkout.
    SetupIntent,
    /// One subscription: the event's own object, or the one that its invoice is of.
    Subscription,
    /// What a customer pays with, and so each of the customer's subscriptions.
    PaymentMethods,
    /// The customer itself.
    Customer,
    /// The authorization that a wallet has given.
    Mandate,
    /// A payment that the shopper's bank or wallet claims back.
    Dispute,
    /// A payment that the bank takes for fraud.
    FraudWarning,
    /// A payment that the shop gives back.
    Refund,
    /// A price, and so what a plan costs.
    Price,
    /// A product, and so whether its prices are sold.
    Product,
}

/// A type of event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Stripe's name of it (<https://docs.stripe.com/api/events/types>).
    pub name: &'static str,
    /// What it is about.
    pub about: About,
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn about(about: About, name: &'static str) -> EventType {
    EventType { name, about }
}

/// Every type on which anything here depends. An event of another type is stored and ignored.
///
/// `invoice.created` is not among them on purpose: an endpoint that gets it and fails to answer
/// holds up renewals for up to 72 hours. `payment_intent.payment_failed` is not needed, since the
/// payments that begin a subscription are those of an invoice, and `invoice.payment_failed` names
/// the subscription.
pub const EVENT_TYPES: [EventType; 33] = [
    about(About::SetupIntent, "setup_intent.succeeded"),
    about(About::SetupIntent, "setup_intent.setup_failed"),
    about(About::SetupIntent, "setup_intent.canceled"),
    about(About::Subscription, "customer.subscription.created"),
    about(About::Subscription, "customer.subscription.updated"),
    about(About::Subscription, "customer.subscription.deleted"),
    about(About::Subscription, "customer.subscription.paused"),
    about(About::Subscription, "customer.subscription.resumed"),
    about(About::Subscription, "customer.subscription.trial_will_end"),
    about(About::Customer, "customer.deleted"),
    about(About::Subscription, "invoice.paid"),
    about(About::Subscription, "invoice.payment_failed"),
    about(About::Subscription, "invoice.payment_action_required"),
    about(About::Subscription, "invoice.finalization_failed"),
    about(About::Subscription, "invoice.voided"),
    about(About::PaymentMethods, "payment_method.detached"),
    about(
        About::PaymentMethods,
        "payment_method.automatically_updated",
    ),
    about(About::Mandate, "mandate.updated"),
    about(About::Dispute, "charge.dispute.created"),
    about(About::Dispute, "charge.dispute.updated"),
    about(About::Dispute, "charge.dispute.closed"),
    about(About::Dispute, "charge.dispute.funds_withdrawn"),
    about(About::Dispute, "charge.dispute.funds_reinstated"),
    about(About::FraudWarning, "radar.early_fraud_warning.created"),
    about(About::FraudWarning, "radar.early_fraud_warning.updated"),
    about(About::Refund, "refund.created"),
    about(About::Refund, "refund.updated"),
    about(About::Refund, "refund.failed"),
    about(About::Price, "price.created"),
    about(About::Price, "price.updated"),
    about(About::Price, "price.deleted"),
    about(About::Product, "product.updated"),
    about(About::Product, "product.deleted"),
];

/// The most types that one listing of events takes (<https://docs.stripe.com/api/events/list>).
const MOST_TYPES: usize = 20;

impl EventType {
    /// The type of this name, if anything depends on it.
    pub fn find(name: &str) -> Option<Self> {
        EVENT_TYPES.into_iter().find(|known| known.name == name)
    }

    /// All names, in the order of the table.
    pub fn names() -> [&'static str; EVENT_TYPES.len()] {
        EVENT_TYPES.map(|known| known.name)
    }

    /// The names in as few listings as Stripe allows.
    pub fn listings() -> Vec<Vec<&'static str>> {
        Self::names()
            .chunks(MOST_TYPES)
            .map(<[&str]>::to_vec)
            .collect()
    }
}
