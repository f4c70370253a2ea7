//! The tables of the sandbox.

use crate::error::ApiError;
use serde::{Deserialize, Serialize};

/// What a record is. The objects of Stripe's API come first, the sandbox's own bookkeeping after them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// `charge`
    Charge,
    /// `customer`
    Customer,
    /// `dispute`
    Dispute,
    /// `event`
    Event,
    /// `invoice`
    Invoice,
    /// `invoice_payment`
    InvoicePayment,
    /// `mandate`
    Mandate,
    /// `payment_intent`
    PaymentIntent,
    /// `payment_method`
    PaymentMethod,
    /// `payment_method_domain`
    PaymentMethodDomain,
    /// `billing_portal.session`
    PortalSession,
    /// `price`
    Price,
    /// `product`
    Product,
    /// `refund`
    Refund,
    /// `setup_attempt`
    SetupAttempt,
    /// `setup_intent`
    SetupIntent,
    /// `subscription`
    Subscription,
    /// `test_helpers.test_clock`
    TestClock,
    /// `token`
    Token,
    /// `webhook_endpoint`
    WebhookEndpoint,
    /// The one record that says what the account may do and whether webhooks are held.
    Account,
    /// An event on its way to an endpoint.
    Delivery,
    /// The answer that is stored under an idempotency key.
    Answer,
    /// Something that happens by itself when its time has come.
    Timer,
}

impl Kind {
    /// Every kind that the API shows, with the name in its `object` field.
    pub(crate) const OBJECTS: [(Self, &'static str); 20] = [
        (Self::Charge, "charge"),
        (Self::Customer, "customer"),
        (Self::Dispute, "dispute"),
        (Self::Event, "event"),
        (Self::Invoice, "invoice"),
        (Self::InvoicePayment, "invoice_payment"),
        (Self::Mandate, "mandate"),
        (Self::PaymentIntent, "payment_intent"),
        (Self::PaymentMethod, "payment_method"),
        (Self::PaymentMethodDomain, "payment_method_domain"),
        (Self::PortalSession, "billing_portal.session"),
        (Self::Price, "price"),
        (Self::Product, "product"),
        (Self::Refund, "refund"),
        (Self::SetupAttempt, "setup_attempt"),
        (Self::SetupIntent, "setup_intent"),
        (Self::Subscription, "subscription"),
        (Self::TestClock, "test_helpers.test_clock"),
        (Self::Token, "token"),
        (Self::WebhookEndpoint, "webhook_endpoint"),
    ];

    /// The kind of an object by its `object` field.
    pub(crate) fn of_object(name: &str) -> Option<Self> {
        Self::OBJECTS
            .iter()
            .find(|(_, object)| *object == name)
            .map(|(kind, _)| *kind)
    }

    /// The `object` field, or the record's own name for bookkeeping.
    pub(crate) fn name(self) -> &'static str {
        Self::OBJECTS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("record", |(_, name)| name)
    }

    /// The refusal for an object of this kind that is not there.
    pub(crate) fn no_such(self, id: &str, param: &str) -> ApiError {
        let name = match self {
            Self::PaymentMethod => "PaymentMethod".to_owned(),
            Self::PaymentMethodDomain => "payment method domain".to_owned(),
            Self::TestClock => "test clock".to_owned(),
            Self::SetupIntent => "setupintent".to_owned(),
            kind => kind.name().to_owned(),
        };
        ApiError::invalid(format!("No such {name}: '{id}'"))
            .with_code("resource_missing")
            .with_param(param)
    }
}
