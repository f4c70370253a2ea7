//! What a preview has shown, so that a change charges that or nothing.

use super::ShownCode;
use perennial_stripe::SubscriptionItem;
use perennial_types::{
    PaymentMethodId, PlanName, PriceId, SubscriptionId, SubscriptionStatus, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// When another plan takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWhen {
    /// At once, for the difference.
    Now,
    /// When the period that is paid for is over.
    PeriodEnd,
}

/// A change as it was shown, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenChange {
    /// A number of its own.
    pub id: String,
    /// Whose subscription.
    pub user: UserId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The plan that it gets.
    pub plan: PlanName,
    /// The price of that plan.
    pub price: PriceId,
    /// How many.
    pub quantity: u64,
    /// The promotion code that is redeemed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ShownCode>,
    /// When.
    pub when: ChangeWhen,
    /// Whether a new period begins with it.
    pub new_period: bool,
    /// As of when the difference is reckoned, in Unix seconds; none if there is none.
    pub prorated_at: Option<i64>,
    /// What is charged at once, in the currency's smallest unit.
    pub due_now: i64,
    /// How the subscription stood.
    pub basis: Basis,
    /// Until when it may be carried out, that moment included.
    pub until: Timestamp,
}

impl FrozenChange {
    /// Whether a code is redeemed and nothing else is changed.
    pub(super) fn is_code_alone(&self) -> bool {
        let same = self.new_price().is_none() && self.quantity == self.basis.quantity;
        self.code.is_some() && same
    }

    /// The price that it changes to; none if only the quantity is another.
    pub fn new_price(&self) -> Option<&PriceId> {
        Some(&self.price).filter(|price| **price != self.basis.price)
    }
}

/// What the amounts of a change follow from. Anything else that changes does not change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub(super) status: String,
    pub(super) item: String,
    pub(super) price: PriceId,
    pub(super) quantity: u64,
    pub(super) invoice: Option<String>,
    pub(super) period_end: i64,
    pub(super) schedule: Option<String>,
    pub(super) pending: bool,
    pub(super) discounts: usize,
    pub(super) method: Option<PaymentMethodId>,
}

impl Basis {
    /// How a subscription with this one item stands.
    pub(super) fn of(
        read: &perennial_stripe::Subscription,
        item: &SubscriptionItem,
    ) -> Option<Self> {
        Some(Self {
            status: read.status.as_str().to_owned(),
            item: item.id.clone(),
            price: item.price_id()?.clone(),
            quantity: item.quantity?,
            invoice: read.latest_invoice.as_ref().map(|it| it.id().clone()),
            period_end: read.period_of(Some(item))?.end,
            schedule: read.schedule.as_ref().map(|it| it.id().clone()),
            pending: read.pending_update.is_some(),
            discounts: read.discounts.len(),
            method: read.payment_method_id().cloned(),
        })
    }

    /// Whether it is in a free trial.
    pub(super) fn is_trialing(&self) -> bool {
        self.status == SubscriptionStatus::Trialing.as_str()
    }
}
