//! The catalog of plans: what the shop declares, and beside it what Stripe says of each price.

mod addons;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    AddonName, Currency, DeclaredPlan, DeclaredPlans, Interval, Money, Plan, PlanName, Plans,
    PriceId, Refusal, RefusalCode, Unresolved, Wallet,
};

/// What a price charges. A price at Stripe never changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// In minor units.
    pub amount: u64,
    /// The currency.
    pub currency: Currency,
    /// The interval.
    pub interval: Interval,
    /// How many intervals lie between two charges.
    pub interval_count: u16,
}

impl Terms {
    /// Such as `30.00 USD every 3 months`.
    fn sentence(&self) -> String {
        let money = Money {
            amount: self.amount,
            currency: self.currency,
        };
        format!("{money} {}", self.interval.every(self.interval_count))
    }
}

/// Whether a plan can be made of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// It is charged by the interval.
    Terms(Terms),
    /// It is not, and why.
    Unfit(RefusalCode),
}

/// What Stripe says of a price and its product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripePrice {
    /// Its id.
    pub id: PriceId,
    /// The id of its product.
    pub product: String,
    /// Whether it may be sold.
    pub active: bool,
    /// Whether its product may be sold.
    pub product_active: bool,
    /// Whether money is real.
    pub livemode: bool,
    /// What it charges.
    pub kind: PriceKind,
}

/// What Stripe answered when it was asked for the price of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This.
    Price(StripePrice),
    /// There is none.
    Missing,
}

/// One plan of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogPlan {
    /// What the shop says.
    pub declared: DeclaredPlan,
    /// What Stripe said last of its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<StripePrice>,
    /// Prices that it had before, beside those that the shop declares.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub former_prices: BTreeSet<PriceId>,
    /// What may be bought beside it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addons: BTreeMap<AddonName, CatalogAddon>,
    /// Whether it is gone from `plans.json`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Why it is not offered, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// All plans, as they are in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCatalog {
    /// Counts the changes, from 1.
    pub version: u64,
    /// By name.
    pub plans: BTreeMap<PlanName, CatalogPlan>,
}

impl CatalogPlan {
    /// Takes what Stripe answered. A price that it had before is remembered, since subscriptions have
    /// it still.
    pub fn learn(&mut self, answer: Answer, livemode: bool) {
        let Answer::Price(price) = answer else {
            self.refusal = Some(self.missing());
            return;
        };
        if let Some(before) = self.price.replace(price.clone())
            && before.id != price.id
        {
            self.former_prices.insert(before.id);
        }
        self.former_prices.remove(&price.id);
        self.refusal = self.judge(&price, livemode);
    }

    /// Takes what Stripe says of its price's product.
    pub fn learn_product(&mut self, active: bool, livemode: bool) {
        if let Some(mut price) = self.price.clone() {
            price.product_active = active;
            self.refusal = self.judge(&price, livemode);
            self.price = Some(price);
        }
    }

    fn missing(&self) -> Refusal {
        if let Some(refusal) = self.unwanted() {
            return refusal;
        }
        Refusal {
            code: RefusalCode::PriceMissing,
            sentence: self.why_missing(),
        }
    }

    /// That Stripe has no such price, in one sentence.
    pub fn why_missing(&self) -> String {
        match (&self.declared.price, &self.declared.lookup_key) {
            (Some(price), _) => format!("Stripe has no price {price}."),
            (None, Some(key)) => format!("Stripe has no price with the lookup key {key}."),
            (None, None) => "There is no price.".to_owned(),
        }
    }

    fn unwanted(&self) -> Option<Refusal> {
        let (code, sentence) = if self.removed {
            (RefusalCode::Removed, "It is no longer in plans.json.")
        } else if !self.declared.sold {
            (RefusalCode::NotSold, "plans.json says that it is not sold.")
        } else {
            return None;
        };
        Some(Refusal {
            code,
            sentence: sentence.to_owned(),
        })
    }

    fn judge(&self, price: &StripePrice, livemode: bool) -> Option<Refusal> {
        let declared = &self.declared;
        let believed = |terms: &Terms| Terms {
            amount: declared.amount.unwrap_or(terms.amount),
            currency: declared.currency.unwrap_or(terms.currency),
            interval: declared.interval.unwrap_or(terms.interval),
            interval_count: declared.interval_count.unwrap_or(terms.interval_count),
        };
        self.unwanted()
            .or_else(|| judge(price, livemode, "plans.json says", believed))
    }

    /// Every price whose subscriptions are of this plan, the one of today first.
    fn prices(&self) -> impl Iterator<Item = &PriceId> {
        let today = self.price.iter().map(|price| &price.id);
        today
            .chain(&self.former_prices)
            .chain(&self.declared.former_prices)
    }

    fn plan(&self) -> Option<Plan> {
        let price = self.price.as_ref()?;
        let PriceKind::Terms(terms) = price.kind else {
            return None;
        };
        let declared = &self.declared;
        Some(Plan {
            price: price.id.clone(),
            group: declared.group.clone(),
            label: declared.label.clone(),
            amount: terms.amount,
            currency: terms.currency,
            interval: terms.interval,
            interval_count: terms.interval_count,
            trial_days: declared.trial_days,
            trial_without_payment_method: declared.trial_without_payment_method,
            wallets: declared.wallets.clone().unwrap_or_else(Wallet::usual),
            shopper_pause: declared.shopper_pause,
            quantity: declared.quantity,
            addons: self.sold_addons(),
            tax: declared.tax,
            private: declared.private,
            features: declared.features.clone(),
            former_prices: self
                .prices()
                .filter(|former| **former != price.id)
                .cloned()
                .collect(),
            cancel_refund: declared.cancel_refund.unwrap_or_default(),
            refusal: self.refusal.clone(),
        })
    }
}

/// Why nothing can be sold for a price of which somebody has said what they believe it to be.
fn judge(
    price: &StripePrice,
    livemode: bool,
    who: &str,
    believed: impl FnOnce(&Terms) -> Terms,
) -> Option<Refusal> {
    let id = &price.id;
    let refused = |code, sentence| Some(Refusal { code, sentence });
    if price.livemode != livemode {
        let sentence = format!("The price {id} is of Stripe's other mode.");
        return refused(RefusalCode::OtherMode, sentence);
    }
    let terms = match &price.kind {
        PriceKind::Terms(terms) => terms,
        PriceKind::Unfit(code) => {
            let why = match code {
                RefusalCode::PriceNotRecurring => "is paid once, and not by the interval",
                RefusalCode::PriceMetered => "is charged by use",
                RefusalCode::PriceNotPerUnit => "has tiers or packages in place of one amount",
                _ => "has no whole amount above 0 in minor units",
            };
            return refused(*code, format!("The price {id} {why}."));
        }
    };
    if !price.active {
        let sentence = format!("The price {id} is archived at Stripe.");
        return refused(RefusalCode::PriceArchived, sentence);
    }
    if !price.product_active {
        let sentence = format!(
            "The product {} of the price {id} is archived or deleted at Stripe.",
            price.product
        );
        return refused(RefusalCode::ProductArchived, sentence);
    }
    let believed = believed(terms);
    let code = if believed.currency != terms.currency {
        RefusalCode::CurrencyDiffers
    } else if believed.amount != terms.amount {
        RefusalCode::AmountDiffers
    } else if believed != *terms {
        RefusalCode::IntervalDiffers
    } else {
        return None;
    };
    let sentence = format!(
        "{who} {}, and the price {id} charges {}.",
        believed.sentence(),
        terms.sentence()
    );
    refused(code, sentence)
}

impl PlanCatalog {
    /// The catalog of a file, in which nothing is resolved but what `self` knows of plans of the same
    /// names.
    #[must_use]
    pub fn declare(&self, declared: &DeclaredPlans) -> Self {
        let plans = declared.iter().map(|(name, plan)| {
            let known = self.plans.get(name);
            let plan = CatalogPlan {
                declared: DeclaredPlan {
                    addons: BTreeMap::new(),
                    ..plan.clone()
                },
                addons: addons::declare(&plan.addons, known),
                price: known.and_then(|known| known.price.clone()),
                former_prices: known.map_or_else(BTreeSet::new, |it| it.former_prices.clone()),
                removed: false,
                refusal: None,
            };
            (name.clone(), plan)
        });
        Self {
            version: self.version,
            plans: plans.collect(),
        }
    }

    /// Takes over from `older` what is not in the file any more and may have subscribers. A plan that
    /// was renamed lives on under its new name, which is one with the same price; any other is kept
    /// as removed.
    pub fn keep_removed(&mut self, older: &Self) {
        for (name, plan) in &older.plans {
            let Some(price) = plan
                .price
                .as_ref()
                .filter(|_| !self.plans.contains_key(name))
            else {
                continue;
            };
            let mut heirs = self.plans.values_mut().filter(|it| !it.removed);
            let heir = heirs.find(|it| it.price.as_ref().is_some_and(|it| it.id == price.id));
            if let Some(heir) = heir {
                let former = plan.prices().filter(|former| **former != price.id).cloned();
                heir.former_prices.extend(former.collect::<Vec<_>>());
                heir.inherit_addons(plan);
                continue;
            }
            let mut kept = plan.clone();
            kept.removed = true;
            kept.refusal = kept.unwanted();
            self.plans.insert(name.clone(), kept);
        }
    }

    /// Whether two catalogs say the same, of whatever version they are.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.plans == other.plans
    }

    /// What the functions use of it.
    pub fn plans(&self) -> Plans {
        let mut plans = BTreeMap::new();
        let mut unresolved = BTreeMap::new();
        for (name, entry) in &self.plans {
            if let Some(plan) = entry.plan() {
                plans.insert(name.clone(), plan);
                continue;
            }
            let unknown = Unresolved {
                group: entry.declared.group.clone(),
                private: entry.declared.private,
                refusal: entry.refusal.clone().unwrap_or_else(|| entry.missing()),
            };
            unresolved.insert(name.clone(), unknown);
        }
        Plans::new(self.version, plans, unresolved)
    }
}

pub use addons::CatalogAddon;

#[cfg(test)]
mod tests;
