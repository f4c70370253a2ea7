//! Add-ons: further prices of one subscription, beside that of its plan.

use serde::{Deserialize, Serialize};

use crate::{AddonName, PriceId, Refusal};

/// With that of the plan they are ten items, which is as many as Stripe shows of a list within another object; it takes
/// 20 for a subscription.
pub const MOST_ADDONS: usize = 9;

/// An add-on as `plans.json` has it. It is charged by its plan's interval and in its plan's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAddon {
    /// What the shopper reads.
    pub label: String,
    /// The Stripe price that is charged. Exactly one of `price` and `lookup_key` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceId>,
    /// The lookup key of that price, in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup_key: Option<String>,
    /// What the reviewer believes the price to be, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// How many one subscription may have.
    #[serde(default = "one")]
    pub maximum: u64,
    /// Whether shoppers add and remove it later by themselves.
    #[serde(default)]
    pub shopper_may_change: bool,
}

const fn one() -> u64 {
    1
}

/// An add-on of a plan, with the amount of its price at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addon {
    /// The Stripe price that is charged.
    pub price: PriceId,
    /// What the shopper reads.
    pub label: String,
    /// What one of it costs each interval of the plan, in minor units.
    pub amount: u64,
    /// How many one subscription may have.
    #[serde(default = "one")]
    pub maximum: u64,
    /// Whether shoppers add and remove it later by themselves.
    #[serde(default)]
    pub shopper_may_change: bool,
    /// Prices that it had before, which older subscriptions still have.
    #[serde(default)]
    pub former_prices: Vec<PriceId>,
    /// Why it is not offered, if it is not.
    #[serde(default)]
    pub refusal: Option<Refusal>,
}

/// So many of an add-on, as a checkout buys it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoughtAddon {
    /// Its name.
    pub name: AddonName,
    /// The price that is charged.
    pub price: PriceId,
    /// How many.
    pub quantity: u64,
}

/// What a subscription is charged for beside its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraItem {
    /// The add-on of its plan that has the price; none if it has none, as with an item that was added at Stripe.
    pub name: Option<AddonName>,
    /// The price.
    pub price: PriceId,
    /// How many; none of a price that is charged by use.
    pub quantity: Option<u64>,
}

/// So many of an add-on, as a user is entitled to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntitledAddon {
    /// Its name.
    pub name: AddonName,
    /// How many.
    pub quantity: u64,
}

/// What is not sold: the name as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddonNotOffered(pub String);

impl Addon {
    /// Whether it is sold so often.
    pub fn sells(&self, quantity: u64) -> bool {
        self.refusal.is_none() && (1..=self.maximum).contains(&quantity)
    }

    /// Whether it has this price, or had it.
    pub fn has(&self, price: &PriceId) -> bool {
        self.price == *price || self.former_prices.contains(price)
    }
}
