//! The tables of the sandbox.

use crate::error::ApiError;
use serde::{Deserialize, Serialize};

/// What a record is. The objects of Stripe's API come first, the sandbox's own bookkeeping after them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// `customer_balance_transaction`
    BalanceTransaction,
    /// `charge`
    Charge,
    /// `coupon`
    Coupon,
    /// `credit_note`
    CreditNote,
    /// `customer`
    Customer,
    /// `discount`
    Discount,
    /// `dispute`
    Dispute,
    /// `event`
    Event,
    /// `radar.early_fraud_warning`
    FraudWarning,
    /// `invoice`
    Invoice,
    /// `invoiceitem`
    InvoiceItem,
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
    /// `billing_portal.configuration`
    PortalConfiguration,
    /// `billing_portal.session`
    PortalSession,
    /// `price`
    Price,
    /// `product`
    Product,
    /// `promotion_code`
    PromotionCode,
    /// `refund`
    Refund,
    /// `setup_attempt`
    SetupAttempt,
    /// `setup_intent`
    SetupIntent,
    /// `subscription`
    Subscription,
    /// `subscription_item`, which is kept in its subscription
    SubscriptionItem,
    /// `tax_id`
    TaxId,
    /// `tax_rate`
    TaxRate,
    /// `subscription_schedule`
    SubscriptionSchedule,
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
    pub(crate) const OBJECTS: &[(Self, &'static str)] = &[
        (Self::BalanceTransaction, "customer_balance_transaction"),
        (Self::Charge, "charge"),
        (Self::Coupon, "coupon"),
        (Self::CreditNote, "credit_note"),
        (Self::Customer, "customer"),
        (Self::Discount, "discount"),
        (Self::Dispute, "dispute"),
        (Self::Event, "event"),
        (Self::FraudWarning, "radar.early_fraud_warning"),
        (Self::Invoice, "invoice"),
        (Self::InvoiceItem, "invoiceitem"),
        (Self::InvoicePayment, "invoice_payment"),
        (Self::Mandate, "mandate"),
        (Self::PaymentIntent, "payment_intent"),
        (Self::PaymentMethod, "payment_method"),
        (Self::PaymentMethodDomain, "payment_method_domain"),
        (Self::PortalConfiguration, "billing_portal.configuration"),
        (Self::PortalSession, "billing_portal.session"),
        (Self::Price, "price"),
        (Self::Product, "product"),
        (Self::PromotionCode, "promotion_code"),
        (Self::Refund, "refund"),
        (Self::SetupAttempt, "setup_attempt"),
        (Self::SetupIntent, "setup_intent"),
        (Self::Subscription, "subscription"),
        (Self::SubscriptionItem, "subscription_item"),
        (Self::TaxId, "tax_id"),
        (Self::TaxRate, "tax_rate"),
        (Self::SubscriptionSchedule, "subscription_schedule"),
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

    /// What a refusal calls the id in a path that names no object of this kind: the name in Stripe's own pattern of the
    /// path, or `id`, as refusals of a test account at 2026-08-26.dahlia showed for those that were tried.
    pub(crate) fn in_path(self) -> &'static str {
        match self {
            Self::PaymentIntent | Self::SetupIntent => "intent",
            Self::Charge | Self::Customer | Self::Event | Self::Product | Self::Subscription => {
                "id"
            }
            Self::FraudWarning => "early_fraud_warning",
            Self::InvoiceItem => "invoiceitem",
            Self::PortalConfiguration => "configuration",
            Self::PortalSession => "session",
            Self::SubscriptionItem => "item",
            Self::TestClock => "test_clock",
            kind => kind.name(),
        }
    }

    /// The refusal for an object of this kind that is not there.
    pub(crate) fn no_such(self, id: &str, param: &str) -> ApiError {
        let name = match self {
            Self::BalanceTransaction => "customer balance transaction".to_owned(),
            Self::CreditNote => "credit note".to_owned(),
            Self::FraudWarning => "early fraud warning".to_owned(),
            Self::PaymentMethod => "PaymentMethod".to_owned(),
            Self::PromotionCode => "promotion code".to_owned(),
            Self::TaxRate => "tax rate".to_owned(),
            Self::PaymentMethodDomain => "payment method domain".to_owned(),
            Self::PortalConfiguration => "configuration".to_owned(),
            Self::SubscriptionItem => "subscription item".to_owned(),
            Self::TestClock => "test clock".to_owned(),
            Self::SetupIntent => "setupintent".to_owned(),
            kind => kind.name().to_owned(),
        };
        ApiError::invalid(format!("No such {name}: '{id}'"))
            .with_code("resource_missing")
            .with_param(param)
    }
}
