//! What the shop sells, as a function needs it: never taken from a request.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Addon, AddonName, CancelRefund, Currency, FeatureName, Money, PlanGroup, PlanName, PlanTax,
    PriceId, Refusal, ShopperPause, Wallet,
};

/// How often a plan is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every day.
    Day,
    /// Every week.
    Week,
    /// Every month.
    Month,
    /// Every year.
    Year,
}

impl Interval {
    /// The word as Stripe writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Such as `every month` and `every 3 months`.
    pub fn every(self, count: u16) -> String {
        let unit = match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        };
        match count {
            1 => format!("every {unit}"),
            _ => format!("every {count} {unit}s"),
        }
    }
}

/// How often a user may have the free trial of a plan group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trials {
    /// Once, whichever plan of the group it was with.
    #[default]
    Once,
    /// With each subscription.
    Always,
}

impl FromStr for Trials {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "once" => Ok(Self::Once),
            "always" => Ok(Self::Always),
            _ => Err("it must be once or always"),
        }
    }
}

/// What becomes of a free trial that has begun without a payment method if there is still none at its end. Nothing is
/// charged either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialWithoutMethod {
    /// The subscription ends.
    Cancel,
    /// It is paused, until its shopper gives a payment method.
    Pause,
}

impl TrialWithoutMethod {
    /// The word as Stripe writes it
    /// (<https://docs.stripe.com/api/subscriptions/create#create_subscription-trial_settings-end_behavior>).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Pause => "pause",
        }
    }
}

/// The largest quantity that anybody may ask for. Eight digits are the most that Stripe charges, so it is reached
/// only by a price of less than a hundredth of that.
pub const LARGEST_QUANTITY: u64 = 999_999;

/// The quantities that a plan is sold in. Without it, it is sold once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DeclaredQuantity")]
pub struct PlanQuantity {
    /// The least, from 1.
    pub minimum: u64,
    /// The most, up to [`LARGEST_QUANTITY`].
    pub maximum: u64,
    /// Whether a shopper may have another quantity of what they have. Servers may, within the limits.
    pub shopper_may_change: bool,
}

/// As it is written in `plans.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredQuantity {
    #[serde(default = "least")]
    minimum: u64,
    maximum: u64,
    #[serde(default)]
    shopper_may_change: bool,
}

const fn least() -> u64 {
    1
}

impl TryFrom<DeclaredQuantity> for PlanQuantity {
    type Error = &'static str;

    fn try_from(it: DeclaredQuantity) -> Result<Self, Self::Error> {
        if it.minimum == 0 || it.maximum < it.minimum || it.maximum > LARGEST_QUANTITY {
            return Err("the minimum must be from 1 and the maximum from there to 999999");
        }
        Ok(Self {
            minimum: it.minimum,
            maximum: it.maximum,
            shopper_may_change: it.shopper_may_change,
        })
    }
}

/// One plan, with the amount, currency and interval of its price at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The Stripe price that is charged.
    pub price: PriceId,
    /// Which plans this one excludes.
    pub group: PlanGroup,
    /// What the shopper reads.
    pub label: String,
    /// The price's amount, in minor units.
    pub amount: u64,
    /// The price's currency.
    pub currency: Currency,
    /// The price's interval.
    pub interval: Interval,
    /// How many intervals lie between two charges.
    #[serde(default = "one")]
    pub interval_count: u16,
    /// Days before the first charge; 0 for none.
    #[serde(default)]
    pub trial_days: u32,
    /// How its free trial ends if it may begin without a payment method; it may not without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_without_payment_method: Option<TrialWithoutMethod>,
    /// The wallets that the shop sells it with, some of which may not take its currency.
    #[serde(default = "Wallet::usual")]
    pub wallets: Vec<Wallet>,
    /// How long shoppers may pause it by themselves; not at all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper_pause: Option<ShopperPause>,
    /// The quantities that it is sold in; once without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<PlanQuantity>,
    /// What may be bought beside it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addons: BTreeMap<AddonName, Addon>,
    /// Who reckons its taxes; nobody does without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<PlanTax>,
    /// Whether only users learn of it to whom the shop has offered it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// What it lets its subscribers do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<FeatureName>,
    /// Prices that it had before, which its older subscriptions still have.
    #[serde(default)]
    pub former_prices: Vec<PriceId>,
    /// What goes back of a paid period that is ended at once.
    #[serde(default)]
    pub cancel_refund: CancelRefund,
    /// Why it is not offered, if it is not.
    #[serde(default)]
    pub refusal: Option<Refusal>,
}

const fn one() -> u16 {
    1
}

impl Plan {
    /// The wallets that it may be paid with.
    pub fn payable_with(&self) -> Vec<Wallet> {
        let named = self.wallets.iter().copied();
        named.filter(|it| it.takes(self.currency)).collect()
    }

    /// What each interval costs.
    pub fn money(&self) -> Money {
        Money {
            amount: self.amount,
            currency: self.currency,
        }
    }
}

/// A plan whose price could not be used when it was resolved first, so that there is no amount to
/// show and nothing to sell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// Its group.
    pub group: PlanGroup,
    /// Whether only users learn of it to whom the shop has offered it.
    pub private: bool,
    /// Why it is not offered.
    pub refusal: Refusal,
}

/// All plans by name, of one version of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<PlanName, Plan>", into = "BTreeMap<PlanName, Plan>")]
pub struct Plans {
    version: u64,
    resolved: BTreeMap<PlanName, Plan>,
    unresolved: BTreeMap<PlanName, Unresolved>,
}

impl From<BTreeMap<PlanName, Plan>> for Plans {
    fn from(plans: BTreeMap<PlanName, Plan>) -> Self {
        Self::new(0, plans, BTreeMap::new())
    }
}

impl From<Plans> for BTreeMap<PlanName, Plan> {
    fn from(plans: Plans) -> Self {
        plans.resolved
    }
}

impl Plans {
    /// The plans of one version of the catalog.
    pub fn new(
        version: u64,
        resolved: BTreeMap<PlanName, Plan>,
        unresolved: BTreeMap<PlanName, Unresolved>,
    ) -> Self {
        Self {
            version,
            resolved,
            unresolved,
        }
    }

    /// The version of the catalog.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The plan of that name, which may be one that is not offered.
    pub fn get(&self, name: &str) -> Option<(&PlanName, &Plan)> {
        self.resolved.get_key_value(name)
    }

    /// Why the plan of that name is not offered; nothing if it is, or if there is none.
    pub fn refusal(&self, name: &str) -> Option<&Refusal> {
        let unresolved = || self.unresolved.get(name).map(|it| &it.refusal);
        match self.resolved.get(name) {
            Some(plan) => plan.refusal.as_ref(),
            None => unresolved(),
        }
    }

    /// The group of the plan of that name, which may be one whose price cannot be used.
    pub fn group_of(&self, name: &PlanName) -> Option<&PlanGroup> {
        let unresolved = || self.unresolved.get(name).map(|it| &it.group);
        let plan = self.resolved.get(name);
        plan.map(|it| &it.group).or_else(unresolved)
    }

    /// Whether the plan of that name is private; none if there is no plan of that name.
    pub fn is_private(&self, name: &str) -> Option<bool> {
        let unresolved = || self.unresolved.get(name).map(|it| it.private);
        let resolved = self.resolved.get(name).map(|plan| plan.private);
        resolved.or_else(unresolved)
    }

    /// The plans that charge this price, and after them those that charged it before; of either, those that anybody may
    /// know before those that are private.
    pub fn plans_of_price(&self, price: &PriceId) -> impl Iterator<Item = (&PlanName, &Plan)> {
        let of = move |private: bool| {
            let all = self.resolved.iter();
            all.filter(move |(_, it)| it.private == private)
        };
        let today = move |private| of(private).filter(move |(_, it)| it.price == *price);
        let before = move |private| {
            let all = of(private).filter(move |(_, it)| it.price != *price);
            all.filter(move |(_, it)| it.former_prices.contains(price))
        };
        let today = today(false).chain(today(true));
        today.chain(before(false)).chain(before(true))
    }

    /// Whether an add-on of any plan has this price, or had it.
    pub fn is_addon(&self, price: &PriceId) -> bool {
        let mut plans = self.resolved.values();
        plans.any(|plan| plan.addon_of_price(price).is_some())
    }

    /// Whether a plan or an add-on has this price, or had it.
    pub fn knows(&self, price: &PriceId) -> bool {
        self.plans_of_price(price).next().is_some() || self.is_addon(price)
    }

    /// The plan of a subscription that is charged this price: one that charges it today, or else one that
    /// charged it before. `sold`, the name of the plan that a checkout sold, decides between several of
    /// them; and alone for a price that no plan has or had, if the subscription was made with it.
    pub fn charging(
        &self,
        price: &PriceId,
        sold: Option<&PlanName>,
        made_with: Option<&PriceId>,
    ) -> Option<(&PlanName, &Plan)> {
        let Some(first) = self.plans_of_price(price).next() else {
            let is_its_own = made_with == Some(price);
            return sold
                .filter(|_| is_its_own)
                .and_then(|sold| self.resolved.get_key_value(sold));
        };
        let is_of_today = first.1.price == *price;
        let mut alike = self
            .plans_of_price(price)
            .filter(|(_, plan)| (plan.price == *price) == is_of_today);
        Some(alike.find(|(name, _)| Some(*name) == sold).unwrap_or(first))
    }

    /// All plans whose price is known, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PlanName, &Plan)> {
        self.resolved.iter()
    }

    /// The plans that are offered to everybody, in the order of their names.
    pub fn offered(&self) -> impl Iterator<Item = (&PlanName, &Plan)> {
        self.resolved
            .iter()
            .filter(|(_, plan)| plan.refusal.is_none() && !plan.private)
    }

    /// Whether a group has no plan that anybody may know.
    pub fn is_private_group(&self, group: &PlanGroup) -> bool {
        let mut known = self.resolved.values().filter(|plan| !plan.private);
        let mut unresolved = self.unresolved.values().filter(|it| !it.private);
        known.all(|plan| plan.group != *group) && unresolved.all(|it| it.group != *group)
    }

    /// The groups, each once, in order.
    pub fn groups(&self) -> Vec<&PlanGroup> {
        let unresolved = self.unresolved.values().map(|it| &it.group);
        let mut groups: Vec<_> = self.resolved.values().map(|plan| &plan.group).collect();
        groups.extend(unresolved);
        groups.sort();
        groups.dedup();
        groups
    }
}
