//! What a preview has shown, so that a change charges that or nothing.

use std::collections::BTreeMap;

use super::ShownCode;
use perennial_stripe::{ItemChange, ManyOf, SubscriptionItem};
use perennial_types::{
    AddonName, PaymentMethodId, PendingChange, Plan, PlanName, PriceId, SubscriptionId,
    SubscriptionStatus, Timestamp, UserId,
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
    /// The add-ons that it has then, and those that end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addons: Vec<WantedAddon>,
    /// When.
    pub when: ChangeWhen,
    /// Whether a new period begins with it.
    pub new_period: bool,
    /// Whether taxes begin with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begins_tax: bool,
    /// As of when the difference is reckoned, in Unix seconds; none if there is none.
    pub prorated_at: Option<i64>,
    /// What is charged at once, in the currency's smallest unit.
    pub due_now: i64,
    /// The change to come whose place it takes, which does not happen then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PendingChange>,
    /// How the subscription stood.
    pub basis: Basis,
    /// Until when it may be carried out, that moment included.
    pub until: Timestamp,
}

/// An add-on as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedAddon {
    /// Its name: in the plan that there is then, or of one that ends, in the plan that there is now.
    pub name: AddonName,
    /// The item that there is, `si_...`; none of one that is added.
    pub item: Option<String>,
    /// The price.
    pub price: PriceId,
    /// How many; 0 if it ends.
    pub quantity: u64,
}

/// An item beside that of the plan, as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BasisAddon {
    pub(super) item: String,
    pub(super) price: PriceId,
    pub(super) quantity: u64,
}

impl FrozenChange {
    /// Whether no item is another one with it.
    pub(super) fn keeps_items(&self) -> bool {
        let same = self.new_price().is_none() && self.quantity == self.basis.quantity;
        same && self.others().is_empty()
    }

    /// Whether a code is redeemed and nothing else is changed.
    pub(super) fn is_code_alone(&self) -> bool {
        self.code.is_some() && self.keeps_items()
    }

    /// What changes beside the plan's item.
    pub(super) fn others(&self) -> Vec<ItemChange> {
        let changes = self.addons.iter().filter_map(|wanted| {
            let mut all = self.basis.addons.iter();
            let before = all.find(|it| Some(&it.item) == wanted.item.as_ref());
            let other_price = before.is_none_or(|before| before.price != wanted.price);
            // With another plan, nothing of the old one is left behind.
            let is_left = wanted.quantity == 0 && self.new_price().is_some();
            let other_quantity = before.is_some_and(|it| it.quantity != wanted.quantity);
            let changed = other_price || other_quantity || is_left;
            changed.then(|| ItemChange {
                item: wanted.item.clone(),
                price: other_price.then(|| wanted.price.clone()),
                quantity: wanted.quantity,
            })
        });
        changes.collect()
    }

    /// How many of each add-on of the plan that it gets, as a request says it.
    pub fn asked_addons(&self, plan: &Plan) -> BTreeMap<String, u64> {
        let all = self.addons.iter();
        let known = all.filter(|it| plan.addons.contains_key(it.name.as_str()));
        known.map(|it| (it.name.to_string(), it.quantity)).collect()
    }

    /// What is charged beside the plan once the change is made.
    pub(super) fn others_then(&self) -> Vec<ManyOf<'_>> {
        let all = self.addons.iter().filter(|wanted| wanted.quantity > 0);
        all.map(|wanted| ManyOf {
            price: &wanted.price,
            quantity: wanted.quantity,
        })
        .collect()
    }

    /// Whether taxes are in its amounts.
    pub(super) fn has_tax(&self) -> bool {
        self.begins_tax || self.basis.taxed
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) addons: Vec<BasisAddon>,
    pub(super) invoice: Option<String>,
    pub(super) period_end: i64,
    pub(super) schedule: Option<String>,
    pub(super) pending: bool,
    pub(super) discounts: usize,
    pub(super) method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) taxed: bool,
}

impl Basis {
    /// How a subscription stands whose plan has this item, beside these.
    pub(super) fn of(
        read: &perennial_stripe::Subscription,
        item: &SubscriptionItem,
        addons: Vec<BasisAddon>,
    ) -> Option<Self> {
        Some(Self {
            status: read.status.as_str().to_owned(),
            item: item.id.clone(),
            price: item.price_id()?.clone(),
            quantity: item.quantity?,
            addons,
            invoice: read.latest_invoice.as_ref().map(|it| it.id().clone()),
            period_end: read.period_of(Some(item))?.end,
            schedule: read.schedule.as_ref().map(|it| it.id().clone()),
            pending: read.pending_update.is_some(),
            discounts: read.discounts.len(),
            method: read.payment_method_id().cloned(),
            taxed: read.is_taxed(),
        })
    }

    /// Whether it is in a free trial.
    pub(super) fn is_trialing(&self) -> bool {
        self.status == SubscriptionStatus::Trialing.as_str()
    }
}
