//! <https://docs.stripe.com/api/subscriptions/object>

use perennial_types::{
    CustomerId, InvoiceStatus, PaymentMethodId, PriceId, SetupIntentId, SubscriptionId,
    SubscriptionStatus,
};
use serde::Deserialize;

use super::{
    Customer, Discount, Expandable, Identified, Invoice, List, Metadata, PaymentMethod, Price,
    Schedule, SetupIntent, lenient,
};

/// A subscription.
#[derive(Debug, Clone, Deserialize)]
pub struct Subscription {
    /// `sub_...`
    pub id: SubscriptionId,
    /// How it stands.
    pub status: SubscriptionStatus,
    /// Whose it is.
    pub customer: Expandable<Customer>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// What is sold.
    pub items: List<SubscriptionItem>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    automatic_tax: Option<SubscriptionTax>,
    /// When the trial ends or ended, in Unix seconds.
    #[serde(default)]
    pub trial_end: Option<i64>,
    /// Whether it ends with the current period.
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// When it will end, in Unix seconds.
    #[serde(default)]
    pub cancel_at: Option<i64>,
    /// When its end was asked for, in Unix seconds.
    #[serde(default)]
    pub canceled_at: Option<i64>,
    /// When it ended, in Unix seconds.
    #[serde(default)]
    pub ended_at: Option<i64>,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// What renewals are charged to; nothing if it is none of `pm_...`.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub default_payment_method: Option<Expandable<PaymentMethod>>,
    /// How it is paid.
    #[serde(default)]
    pub payment_settings: PaymentSettings,
    /// The schedule that changes it later; its end cannot be changed beside one.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub schedule: Option<Expandable<Schedule>>,
    /// A change that is made once its invoice is paid.
    #[serde(default)]
    pub pending_update: Option<PendingUpdate>,
    /// `di_...`, in the order in which they count.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub discounts: Vec<Expandable<Discount>>,
    /// Whether, and how, payments are not collected for now.
    #[serde(default)]
    pub pause_collection: Option<PauseCollection>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    status_details: Option<StatusDetails>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    billing_mode: Option<BillingMode>,
    /// The newest bill.
    #[serde(default)]
    pub latest_invoice: Option<Expandable<Invoice>>,
    /// What the shopper still has to permit.
    #[serde(default)]
    pub pending_setup_intent: Option<Expandable<SetupIntent>>,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
    /// Before 2025-03-31.basil the period was here; see [`Self::current_period`].
    #[serde(default)]
    current_period_start: Option<i64>,
    #[serde(default)]
    current_period_end: Option<i64>,
}

/// One thing that is sold.
#[derive(Debug, Clone, Deserialize)]
pub struct SubscriptionItem {
    /// `si_...`
    pub id: String,
    /// Its price; nothing if its id is none of `price_...`, as those of old plans are.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub price: Option<Price>,
    /// How many; absent for metered prices.
    #[serde(default)]
    pub quantity: Option<u64>,
    /// When the period began, in Unix seconds.
    #[serde(default)]
    pub current_period_start: Option<i64>,
    /// When the period ends, in Unix seconds.
    #[serde(default)]
    pub current_period_end: Option<i64>,
}

/// How a subscription is paid.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PaymentSettings {
    /// The only types of method that it is charged to; any without.
    #[serde(default)]
    pub payment_method_types: Option<Vec<String>>,
}

/// A change that waits for its payment.
#[derive(Debug, Clone, Deserialize)]
pub struct PendingUpdate {
    /// When Stripe gives it up, in Unix seconds.
    #[serde(default)]
    pub expires_at: i64,
    /// Our pairs, which the subscription has once it is paid.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
}

/// What becomes of invoices while payments are not collected.
#[derive(Debug, Clone, Deserialize)]
pub struct PauseCollection {
    /// `void`, `keep_as_draft` or `mark_uncollectible`.
    #[serde(default)]
    pub behavior: String,
    /// When payments are collected again, in Unix seconds; nothing if that is left open.
    #[serde(default)]
    pub resumes_at: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct StatusDetails {
    #[serde(default)]
    paused: Option<PausedDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct PausedDetails {
    #[serde(default)]
    subscription: Option<PausedBy>,
    #[serde(default)]
    transitioned_at: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct BillingMode {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, Deserialize)]
struct PausedBy {
    #[serde(rename = "type")]
    kind: String,
}

/// A span of time that is, or will be, paid at once; both in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first second.
    pub start: i64,
    /// The second after the last.
    pub end: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct SubscriptionTax {
    #[serde(default)]
    enabled: bool,
}

impl Subscription {
    /// Whether Stripe reckons taxes on it by where its customer is.
    pub fn is_taxed(&self) -> bool {
        self.automatic_tax.as_ref().is_some_and(|it| it.enabled)
    }

    /// The customer's id.
    pub fn customer_id(&self) -> &CustomerId {
        self.customer.id()
    }

    /// The period of an item, or that of the subscription in its older shape.
    pub fn period_of(&self, item: Option<&SubscriptionItem>) -> Option<Period> {
        let start = item.and_then(|item| item.current_period_start);
        let end = item.and_then(|item| item.current_period_end);
        Some(Period {
            start: start.or(self.current_period_start)?,
            end: end.or(self.current_period_end)?,
        })
    }

    /// When it will end, in Unix seconds, or has ended; nothing if no end is set. In flexible
    /// billing mode the customer portal sets `cancel_at` alone
    /// (<https://docs.stripe.com/billing/subscriptions/billing-mode/compare>).
    pub fn ends_at(&self) -> Option<i64> {
        let last_item = self.items.data.iter();
        let last_item = last_item.filter_map(|item| item.current_period_end).max();
        let with_period = last_item
            .or(self.current_period_end)
            .filter(|_| self.cancel_at_period_end);
        let planned = self.cancel_at.into_iter().chain(with_period).min();
        self.ended_at.or(planned)
    }

    /// Why its status is `paused`, in Stripe's word, if Stripe says.
    pub fn paused_by(&self) -> Option<&str> {
        let paused = self.status_details.as_ref()?.paused.as_ref()?;
        Some(&paused.subscription.as_ref()?.kind)
    }

    /// Since when its status is `paused`, in Unix seconds, if Stripe says.
    pub fn paused_at(&self) -> Option<i64> {
        self.status_details
            .as_ref()?
            .paused
            .as_ref()?
            .transitioned_at
    }

    /// Whether its billing mode is the older one, in which it cannot be paused, but for the collection of its
    /// payments (<https://docs.stripe.com/billing/subscriptions/pause>).
    pub fn is_classic(&self) -> bool {
        let mode = self.billing_mode.as_ref();
        mode.is_none_or(|mode| mode.kind == "classic")
    }

    /// The invoice that has to be paid before a pause ends, if one is open.
    pub fn resumption_invoice(&self) -> Option<&Invoice> {
        let since = self.paused_at()?;
        let newest = self.newest_invoice()?;
        let is_open = newest.status == Some(InvoiceStatus::Open);
        let paused = self.status == SubscriptionStatus::Paused;
        Some(newest).filter(|it| paused && is_open && it.created >= since)
    }

    /// The id of the method that renewals are charged to.
    pub fn payment_method_id(&self) -> Option<&PaymentMethodId> {
        self.default_payment_method.as_ref().map(Expandable::id)
    }

    /// The method that renewals are charged to, if it was expanded.
    pub fn payment_method(&self) -> Option<&PaymentMethod> {
        self.default_payment_method.as_ref()?.object()
    }

    /// The newest bill, if it was expanded.
    pub fn newest_invoice(&self) -> Option<&Invoice> {
        self.latest_invoice.as_ref()?.object()
    }

    /// How the newest bill stands, if it was expanded.
    pub fn latest_invoice_status(&self) -> Option<&InvoiceStatus> {
        self.latest_invoice.as_ref()?.object()?.status.as_ref()
    }

    /// What the shopper still has to permit, if it was expanded.
    pub fn pending_setup(&self) -> Option<&SetupIntent> {
        self.pending_setup_intent.as_ref()?.object()
    }

    /// The id of what the shopper still has to permit.
    pub fn pending_setup_intent_id(&self) -> Option<&SetupIntentId> {
        self.pending_setup_intent.as_ref().map(Expandable::id)
    }
}

impl SubscriptionItem {
    /// Whether anything is charged for it.
    pub fn is_charged(&self) -> bool {
        self.quantity != Some(0)
    }

    /// The id of its price.
    pub fn price_id(&self) -> Option<&PriceId> {
        self.price.as_ref().map(|price| &price.id)
    }
}

impl Identified for Subscription {
    type Id = SubscriptionId;

    fn id(&self) -> &SubscriptionId {
        &self.id
    }
}
