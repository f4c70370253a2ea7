//! A subscription in an answer.

use perennial_types::{
    Actions, By, ExtraItem, InvoiceStatus, Pause, Payment, PaymentMethodId, PendingChange,
    PlanName, Plans, PriceId, Refunded, SoldAs, Subscription, SubscriptionId, SubscriptionStatus,
    Timestamp, Wallet,
};
use serde::Serialize;

#[derive(Serialize)]
#[serde(remote = "Subscription")]
struct SubscriptionFields {
    id: SubscriptionId,
    status: SubscriptionStatus,
    plan: Option<PlanName>,
    price: Option<PriceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prices: Option<Vec<PriceId>>,
    sold_as: Option<SoldAs>,
    wallet: Option<Wallet>,
    payment_method: Option<PaymentMethodId>,
    current_period_start: Option<Timestamp>,
    current_period_end: Option<Timestamp>,
    paid_until: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    cancel_at_period_end: bool,
    canceled_at: Option<Timestamp>,
    quantity: Option<u64>,
    addons: Vec<ExtraItem>,
    pending_change: Option<PendingChange>,
    pause: Option<Pause>,
    latest_invoice_status: Option<InvoiceStatus>,
    latest_paid_invoice: Option<String>,
    payment_attempts: u64,
    next_payment_attempt: Option<Timestamp>,
    refunds: Vec<Refunded>,
    payment: Payment,
}

/// A subscription with what may be done to it now, as `docs/HTTP.md` describes both.
#[derive(Debug, Clone, Serialize)]
pub struct ManagedSubscription {
    #[serde(flatten)]
    subscription: SubscriptionBody,
    actions: Actions,
}

impl ManagedSubscription {
    /// What this caller may do to it at this time, with these plans.
    pub fn new(subscription: Subscription, by: By, now: Timestamp, plans: &Plans) -> Self {
        Self {
            actions: subscription.actions(by, now, plans),
            subscription: SubscriptionBody(subscription),
        }
    }
}

/// A subscription, as `docs/HTTP.md` describes it.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionBody(#[serde(with = "SubscriptionFields")] pub Subscription);
