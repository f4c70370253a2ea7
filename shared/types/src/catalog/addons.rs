//! The add-ons of the catalog: each is judged beside its plan, in whose currency and by whose interval it is charged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Answer, CatalogPlan, PlanCatalog, PriceKind, StripePrice, Terms, judge};
use crate::{Addon, AddonName, DeclaredAddon, PriceId, Refusal, RefusalCode};

/// One add-on of a plan of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogAddon {
    /// What the shop says.
    pub declared: DeclaredAddon,
    /// What Stripe said last of its price; none if it has said that there is no such price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<StripePrice>,
    /// Prices that it had before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub former_prices: BTreeSet<PriceId>,
    /// Whether it is gone from `plans.json`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Why it is not offered, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// The add-ons of a plan in the file, with what was known of those of the same names. One that is gone from the file
/// and may have subscribers is kept as removed.
pub(super) fn declare(
    declared: &BTreeMap<AddonName, DeclaredAddon>,
    known: Option<&CatalogPlan>,
) -> BTreeMap<AddonName, CatalogAddon> {
    let mut addons = BTreeMap::new();
    for (name, addon) in declared {
        let before = known.and_then(|known| known.addons.get(name));
        let addon = CatalogAddon {
            declared: addon.clone(),
            price: before.and_then(|it| it.price.clone()),
            former_prices: before.map_or_else(BTreeSet::new, |it| it.former_prices.clone()),
            removed: false,
            refusal: None,
        };
        addons.insert(name.clone(), addon);
    }
    for (name, addon) in known.iter().flat_map(|known| &known.addons) {
        let had_price = addon.price.is_some() || !addon.former_prices.is_empty();
        if had_price && !addons.contains_key(name) {
            let mut kept = addon.clone();
            kept.removed = true;
            addons.insert(name.clone(), kept);
        }
    }
    addons
}

impl CatalogAddon {
    /// Takes what Stripe answered. Whether it can be sold is for [`PlanCatalog::judge_addons`].
    pub fn learn(&mut self, answer: Answer) {
        let price = match answer {
            Answer::Price(price) => Some(price),
            Answer::Missing => None,
        };
        let before = std::mem::replace(&mut self.price, price);
        self.former_prices.extend(before.map(|before| before.id));
        if let Some(price) = &self.price {
            self.former_prices.remove(&price.id);
        }
    }

    /// Takes what Stripe says of its price's product.
    pub fn learn_product(&mut self, active: bool) {
        if let Some(price) = &mut self.price {
            price.product_active = active;
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

    /// As functions use it; none if nothing of it was ever charged.
    fn addon(&self) -> Option<Addon> {
        let amount = match self.price.as_ref().map(|price| price.kind) {
            Some(PriceKind::Terms(terms)) => terms.amount,
            _ => 0,
        };
        let today = self.price.as_ref().map(|price| &price.id);
        let price = today.or_else(|| self.former_prices.first())?;
        Some(Addon {
            price: price.clone(),
            label: self.declared.label.clone(),
            amount,
            maximum: self.declared.maximum,
            shopper_may_change: self.declared.shopper_may_change,
            former_prices: self
                .former_prices
                .iter()
                .filter(|former| *former != price)
                .cloned()
                .collect(),
            refusal: self.refusal.clone(),
        })
    }

    fn judge(&self, plan: Option<&Terms>, taken: bool, livemode: bool) -> Option<Refusal> {
        if self.removed {
            return Some(Refusal {
                code: RefusalCode::Removed,
                sentence: "It is no longer in plans.json.".to_owned(),
            });
        }
        let Some(price) = &self.price else {
            return Some(Refusal {
                code: RefusalCode::PriceMissing,
                sentence: self.why_missing(),
            });
        };
        if taken {
            let sentence = format!(
                "The price {} is also that of a plan, or of another add-on of this one.",
                price.id
            );
            let code = RefusalCode::PriceTaken;
            return Some(Refusal { code, sentence });
        }
        judge(
            price,
            livemode,
            "By plans.json and its plan it is",
            |terms| {
                let plan = plan.unwrap_or(terms);
                Terms {
                    amount: self.declared.amount.unwrap_or(terms.amount),
                    ..*plan
                }
            },
        )
    }
}

impl CatalogPlan {
    pub(super) fn sold_addons(&self) -> BTreeMap<AddonName, Addon> {
        let all = self.addons.iter();
        all.filter_map(|(name, addon)| Some((name.clone(), addon.addon()?)))
            .collect()
    }

    /// Takes over the prices that add-ons of the same names had when the plan had another name.
    pub(super) fn inherit_addons(&mut self, older: &Self) {
        for (name, before) in &older.addons {
            let Some(addon) = self.addons.get_mut(name) else {
                continue;
            };
            let had = before.price.as_ref().map(|price| &price.id);
            let had = had.into_iter().chain(&before.former_prices).cloned();
            addon.former_prices.extend(had.collect::<Vec<_>>());
            if let Some(price) = &addon.price {
                addon.former_prices.remove(&price.id);
            }
        }
    }

    fn terms(&self) -> Option<Terms> {
        match self.price.as_ref()?.kind {
            PriceKind::Terms(terms) => Some(terms),
            PriceKind::Unfit(_) => None,
        }
    }

    /// The prices of its add-ons that are sold, each as often as it is there.
    fn addon_prices(&self) -> Vec<PriceId> {
        let sold = self.addons.values().filter(|it| !it.removed);
        sold.filter_map(|it| Some(it.price.as_ref()?.id.clone()))
            .collect()
    }
}

impl PlanCatalog {
    /// Decides of each add-on whether it can be sold. It depends on all plans: a price that makes a plan makes no
    /// add-on, or nobody could tell what a subscription is.
    pub fn judge_addons(&mut self, livemode: bool) {
        let of_plans: BTreeSet<PriceId> = self
            .plans
            .values()
            .flat_map(|plan| plan.prices().cloned())
            .collect();
        for plan in self.plans.values_mut() {
            let (terms, prices) = (plan.terms(), plan.addon_prices());
            for addon in plan.addons.values_mut() {
                let taken = addon.price.as_ref().is_some_and(|price| {
                    of_plans.contains(&price.id)
                        || prices.iter().filter(|it| **it == price.id).count() > 1
                });
                addon.refusal = addon.judge(terms.as_ref(), taken, livemode);
            }
        }
    }
}
