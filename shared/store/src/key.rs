//! The keys of the items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use perennial_types::{
    AttemptId, CustomerId, EventId, Money, PaymentIntentId, PlanGroup, PlanName, SetupIntentId,
    SubscriptionId, UserId, Wallet,
};
use serde::{Deserialize, Serialize};

pub(crate) const CUSTOMER: &str = "CUSTOMER";
pub(crate) const ATTEMPT: &str = "CHECKOUT#";
pub(crate) const SLOT: &str = "SLOT#";
pub(crate) const OPEN: &str = "OPEN#";
pub(crate) const SUBSCRIPTION: &str = "SUB#";
/// Before [`ATTEMPT`], so that no click reads it.
pub(crate) const ARCHIVE: &str = "ARCHIVE#";
/// That a user has subscriptions in the archive. It lies beside the others; no id is of this form.
pub(crate) const HAS_ARCHIVE: &str = "SUB#ARCHIVE";
/// What the user was given for free. Beside the subscriptions, so that whoever asks for these reads it too.
pub(crate) const GRANTS: &str = "SUB#GRANTS";
pub(crate) const ACTIONS: &str = "ACTIONS#";
pub(crate) const INBOX: &str = "INBOX#";
pub(crate) const TRIAL: &str = "TRIAL#";

/// What waits, as the index `due` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum DueKind {
    /// An attempt that has not ended.
    Checkout,
    /// An event that has not been applied.
    Event,
    /// What is done to a subscription, or a user who is erased, and half of which may be done.
    Action,
    /// A pause that ends.
    Pause,
    /// A charge of which the shop is told ahead.
    Reminder,
}

impl DueKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Checkout => "CHECKOUT",
            Self::Event => "EVENT",
            Self::Action => "ACTION",
            Self::Pause => "PAUSE",
            Self::Reminder => "REMINDER",
        }
    }
}

/// An item's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(crate) fn user(user: &UserId) -> String {
        format!("USER#{user}")
    }

    pub(crate) fn customer(user: &UserId) -> Self {
        Self::new(Self::user(user), CUSTOMER)
    }

    pub(crate) fn reverse(customer: &CustomerId) -> Self {
        Self::new(format!("CUST#{customer}"), "USER")
    }

    pub(crate) fn attempt(user: &UserId, attempt: &AttemptId) -> Self {
        Self::new(Self::user(user), format!("{ATTEMPT}{attempt}"))
    }

    pub(crate) fn setup_intent(id: &SetupIntentId) -> Self {
        Self::new(format!("SETI#{id}"), "CHECKOUT")
    }

    pub(crate) fn payment_intent(id: &PaymentIntentId) -> Self {
        Self::new(format!("PI#{id}"), "CHECKOUT")
    }

    /// By the hash of the idempotency key.
    pub(crate) fn payment_request(key: &str) -> Self {
        Self::new(format!("REQUEST#{key}"), "PAYMENT")
    }

    pub(crate) fn increments(payment: &PaymentIntentId) -> Self {
        Self::new(format!("PI#{payment}"), "INCREMENTS")
    }

    /// The payments of a user and an amount that can be made by a link. Before [`ATTEMPT`], so that no
    /// click reads them.
    pub(crate) fn payable(user: &UserId, money: Money) -> Self {
        let (currency, amount) = (money.currency, money.amount);
        Self::new(Self::user(user), format!("AMOUNT#{currency}#{amount}"))
    }

    /// Where an older version has written the same, for 90 days.
    pub(crate) fn payable_of_older(user: &UserId, money: Money) -> Self {
        let (currency, amount) = (money.currency, money.amount);
        Self::new(Self::user(user), format!("PAYABLE#{currency}#{amount}"))
    }

    pub(crate) fn replaced(payment: &PaymentIntentId) -> Self {
        Self::new(format!("PI#{payment}"), "REPLACED")
    }

    pub(crate) fn slot(user: &UserId, group: &PlanGroup) -> Self {
        Self::new(Self::user(user), format!("{SLOT}{group}"))
    }

    /// Of a free trial that begins without a payment method there is no wallet.
    pub(crate) fn open(user: &UserId, plan: &PlanName, wallet: Option<Wallet>) -> Self {
        let wallet = wallet.map_or("none", Wallet::as_str);
        Self::new(Self::user(user), format!("{OPEN}{plan}#{wallet}"))
    }

    pub(crate) fn subscription(user: &UserId, id: &SubscriptionId) -> Self {
        Self::new(Self::user(user), format!("{SUBSCRIPTION}{id}"))
    }

    /// A subscription that has ended and was moved out of the way.
    pub(crate) fn archived(user: &UserId, id: &SubscriptionId) -> Self {
        Self::new(Self::user(user), format!("{ARCHIVE}{id}"))
    }

    pub(crate) fn has_archive(user: &UserId) -> Self {
        Self::new(Self::user(user), HAS_ARCHIVE)
    }

    pub(crate) fn grants(user: &UserId) -> Self {
        Self::new(Self::user(user), GRANTS)
    }

    /// The inbox has partitions of its own, below one prefix, since everyone can reach the function
    /// that writes them.
    pub(crate) fn event(customer: Option<&CustomerId>, event: &EventId) -> Self {
        let of = customer.map_or(event.as_str(), CustomerId::as_str);
        Self::new(format!("{INBOX}{of}"), format!("EVENT#{event}"))
    }

    /// Where the events of a customer lie.
    pub(crate) fn inbox(customer: &CustomerId) -> String {
        format!("{INBOX}{customer}")
    }

    /// Sorts before what a click reads of its user.
    pub(crate) fn actions(user: &UserId, subscription: &SubscriptionId) -> Self {
        Self::new(Self::user(user), format!("{ACTIONS}{subscription}"))
    }

    /// Beside that, for the same reason.
    pub(crate) fn method_setups(user: &UserId, subscription: &SubscriptionId) -> Self {
        Self::new(Self::user(user), format!("{ACTIONS}{subscription}#METHODS"))
    }

    pub(crate) fn method_setup(id: &SetupIntentId) -> Self {
        Self::new(format!("SETI#{id}"), "METHOD")
    }

    /// Sorts before what a click reads of its user.
    pub(crate) fn code_tries(user: &UserId, hour: i64) -> Self {
        Self::new(Self::user(user), format!("CHECKED#{hour}"))
    }

    pub(crate) fn trial(user: &UserId, group: &PlanGroup) -> Self {
        Self::new(Self::user(user), format!("{TRIAL}{group}"))
    }

    /// Apart from the user's own items, which each click reads: a shopper can cause many events.
    pub(crate) fn outgoing(user: &UserId, id: &str) -> Self {
        Self::new(Self::outbox(user), format!("OUT#{id}"))
    }

    /// Where what the shop was told of a user lies.
    pub(crate) fn outbox(user: &UserId) -> String {
        format!("OUT#{user}")
    }

    /// There is one catalog.
    pub(crate) fn catalog() -> Self {
        Self::new("CATALOG".to_owned(), "PLANS")
    }

    /// There is one configuration of the portal.
    pub(crate) fn portal() -> Self {
        Self::new("PORTAL".to_owned(), "CONFIGURATION")
    }

    pub(crate) fn mode() -> Self {
        Self::new("MODE".to_owned(), "MODE")
    }

    pub(crate) fn cursor(name: &str) -> Self {
        Self::new("RECONCILE".to_owned(), format!("CURSOR#{name}"))
    }

    pub(crate) fn attributes(self) -> Attributes {
        HashMap::from([
            ("pk".to_owned(), text(self.pk)),
            ("sk".to_owned(), text(self.sk)),
        ])
    }
}
