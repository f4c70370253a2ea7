//! `plans.json`: what a shop edits and reviews, read with an error that names the plan and the field.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::Value;
use thiserror::Error;

use crate::{
    AddonName, CancelRefund, Currency, DeclaredAddon, FeatureName, Interval, MOST_ADDONS,
    PlanGroup, PlanName, PlanQuantity, PlanTax, PriceId, ShopperPause, TrialWithoutMethod, Wallet,
    plan_addons,
};

/// What the shop says of one plan. Exactly one of `price` and `lookup_key` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredPlan {
    /// Which plans this one excludes.
    pub group: PlanGroup,
    /// What the shopper reads.
    pub label: String,
    /// The Stripe price that is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceId>,
    /// The lookup key of that price, in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup_key: Option<String>,
    /// Days before the first charge; 0 for none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub trial_days: u32,
    /// How its free trial ends if it may begin without a payment method; it may not unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_without_payment_method: Option<TrialWithoutMethod>,
    /// The wallets that it may be paid with; all that work, unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallets: Option<Vec<Wallet>>,
    /// What goes back of a paid period that is ended at once; nothing, unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_refund: Option<CancelRefund>,
    /// How long shoppers may pause it by themselves; not at all unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper_pause: Option<ShopperPause>,
    /// The quantities that it is sold in; once, unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<PlanQuantity>,
    /// What may be bought beside it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addons: BTreeMap<AddonName, DeclaredAddon>,
    /// Who reckons its taxes; nobody does, unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<PlanTax>,
    /// What it lets its subscribers do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<FeatureName>,
    /// False for a plan that is kept for its subscribers and not offered.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub sold: bool,
    /// True for a plan of which only users learn to whom the shop has offered it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// Prices that belong to this plan, too, since it was sold for them before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_prices: Vec<PriceId>,
    /// What the reviewer believes the price to be, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// What the reviewer believes the currency to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What the reviewer believes the interval to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// How many intervals the reviewer believes to lie between two charges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_count: Option<u16>,
}

const fn yes() -> bool {
    true
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_none(days: &u32) -> bool {
    *days == 0
}

/// All that `plans.json` says: at least one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPlans(BTreeMap<PlanName, DeclaredPlan>);

/// What is wrong with `plans.json`, in one sentence for the person who edits it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlansFileError {
    /// More than anybody reviews.
    #[error("the file has {0} bytes; it may have at most {LARGEST_FILE}")]
    TooLarge(usize),
    /// Not text.
    #[error("the file is not UTF-8")]
    NotText,
    /// Not JSON, or not an object of objects.
    #[error("the file is not a JSON object of plans by name: {0}")]
    NotJson(String),
    /// Nothing to sell.
    #[error("the file has no plan")]
    Empty,
    /// More than the catalog holds.
    #[error("the file has {0} plans; it may have at most {MOST_PLANS}")]
    TooMany(usize),
    /// Not a name, or one that is there twice.
    #[error("plan {plan:?}: {reason}")]
    Name {
        /// The name as it is in the file.
        plan: String,
        /// What is wrong with it.
        reason: String,
    },
    /// One field.
    #[error("plan {plan}, field {field}: {reason}")]
    Field {
        /// The plan's name.
        plan: PlanName,
        /// The field's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Ten times what 500 plans with long labels need.
const LARGEST_FILE: usize = 1024 * 1024;
/// The catalog is one item of the table, which holds 400 KB.
const MOST_PLANS: usize = 1000;
/// In characters: a wallet's sheet and a mail's subject show no more.
const LONGEST_LABEL: usize = 100;
/// Stripe's own limit (<https://docs.stripe.com/api/prices/create#create_price-lookup_key>).
const LONGEST_LOOKUP_KEY: usize = 200;
/// Stripe's own limit (<https://docs.stripe.com/api/subscriptions/create>).
const LONGEST_TRIAL: u32 = 730;
/// Three years in days, the longest interval that Stripe takes.
const LONGEST_INTERVAL: u16 = 1095;
const MOST_FORMER_PRICES: usize = 100;
/// Each answer about a user has those of their plans.
const MOST_FEATURES: usize = 50;

const FIELDS: [&str; 20] = [
    "group",
    "label",
    "price",
    "lookup_key",
    "trial_days",
    "trial_without_payment_method",
    "wallets",
    "cancel_refund",
    "shopper_pause",
    "quantity",
    "addons",
    "tax",
    "features",
    "sold",
    "private",
    "former_prices",
    "amount",
    "currency",
    "interval",
    "interval_count",
];

impl DeclaredPlans {
    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PlansFileError> {
        if bytes.len() > LARGEST_FILE {
            return Err(PlansFileError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PlansFileError::NotText)?;
        // Some editors begin a file with a byte order mark, which is no JSON.
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(PlansFileError::Empty);
        }
        let Pairs(plans) = serde_json::from_str::<Pairs<Pairs<Value>>>(text)
            .map_err(|error| PlansFileError::NotJson(error.to_string()))?;
        if plans.is_empty() {
            return Err(PlansFileError::Empty);
        }
        if plans.len() > MOST_PLANS {
            return Err(PlansFileError::TooMany(plans.len()));
        }
        let mut declared = BTreeMap::new();
        for (plan, fields) in plans {
            let named = |reason: String| PlansFileError::Name {
                plan: plan.chars().take(64).collect(),
                reason,
            };
            let name: PlanName = plan
                .parse()
                .map_err(|error: crate::NameError| named(error.to_string()))?;
            if declared.contains_key(&name) {
                return Err(named("there are two plans of this name".to_owned()));
            }
            let body = Fields::of(&name, fields)?.read()?;
            declared.insert(name, body);
        }
        Ok(Self(declared))
    }

    /// The plans, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PlanName, &DeclaredPlan)> {
        self.0.iter()
    }

    /// The plan of that name.
    pub fn get(&self, name: &str) -> Option<&DeclaredPlan> {
        self.0.get(name)
    }
}

impl From<BTreeMap<PlanName, DeclaredPlan>> for DeclaredPlans {
    fn from(plans: BTreeMap<PlanName, DeclaredPlan>) -> Self {
        Self(plans)
    }
}

/// A JSON object with its members as they come, so that one that is there twice is noticed.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
    type Value = Pairs<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value().map_err(|error| {
                let name: String = name.chars().take(64).collect();
                A::Error::custom(format!("in {name:?}: {error}"))
            })?;
            pairs.push((name, value));
        }
        Ok(Pairs(pairs))
    }
}

/// The fields of one plan, each of which is taken once.
struct Fields<'a> {
    plan: &'a PlanName,
    values: BTreeMap<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(plan: &'a PlanName, Pairs(pairs): Pairs<Value>) -> Result<Self, PlansFileError> {
        let mut fields = Self {
            plan,
            values: BTreeMap::new(),
        };
        for (field, value) in pairs {
            if !FIELDS.contains(&field.as_str()) {
                let known = FIELDS.join(", ");
                let reason = format!("there is no such field; the fields are {known}");
                return Err(fields.wrong(&field, reason));
            }
            if fields.values.contains_key(&field) {
                return Err(fields.wrong(&field, "it is there twice"));
            }
            fields.values.insert(field, value);
        }
        Ok(fields)
    }

    fn wrong(&self, field: &str, reason: impl Into<String>) -> PlansFileError {
        PlansFileError::Field {
            plan: self.plan.clone(),
            field: field.chars().take(64).collect(),
            reason: reason.into(),
        }
    }

    fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, PlansFileError> {
        let Some(value) = self.values.remove(field) else {
            return Ok(None);
        };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| self.wrong(field, error.to_string()))
    }

    fn required<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, PlansFileError> {
        self.take(field)?
            .ok_or_else(|| self.wrong(field, "it is missing"))
    }

    /// The field, if it holds.
    fn checked<T: DeserializeOwned>(
        &mut self,
        field: &str,
        holds: impl FnOnce(&T) -> bool,
        rule: &str,
    ) -> Result<Option<T>, PlansFileError> {
        match self.take(field)? {
            Some(value) if !holds(&value) => Err(self.wrong(field, rule)),
            value => Ok(value),
        }
    }

    /// The add-ons, of which each has another price.
    fn addons(&mut self) -> Result<BTreeMap<AddonName, DeclaredAddon>, PlansFileError> {
        let Some(Pairs(pairs)) = self.take::<Pairs<DeclaredAddon>>("addons")? else {
            return Ok(BTreeMap::new());
        };
        if pairs.len() > MOST_ADDONS {
            let rule = format!("a plan has at most {MOST_ADDONS}");
            return Err(self.wrong("addons", rule));
        }
        let mut addons = BTreeMap::new();
        let mut seen = Vec::new();
        for (name, addon) in pairs {
            let reason = |what: &str| {
                let name: String = name.chars().take(64).collect();
                format!("{name:?}: {what}")
            };
            let named: AddonName = match name.parse() {
                Ok(named) => named,
                Err(error) => return Err(self.wrong("addons", error.to_string())),
            };
            if let Some(fault) = plan_addons::fault_of(&addon) {
                return Err(self.wrong("addons", reason(fault)));
            }
            let reference = (addon.price.clone(), addon.lookup_key.clone());
            if seen.contains(&reference) {
                return Err(self.wrong("addons", reason("another one has the same price")));
            }
            seen.push(reference);
            addons.insert(named, addon);
        }
        Ok(addons)
    }

    fn read(mut self) -> Result<DeclaredPlan, PlansFileError> {
        let group = self.required("group")?;
        let label: String = self.required("label")?;
        let readable = !label.trim().is_empty() && !label.chars().any(char::is_control);
        if !readable || label.chars().count() > LONGEST_LABEL {
            let rule = format!("it must have 1 to {LONGEST_LABEL} characters on one line");
            return Err(self.wrong("label", rule));
        }
        let price: Option<PriceId> = self.take("price")?;
        let lookup_key = self.checked(
            "lookup_key",
            |key: &String| {
                !key.trim().is_empty()
                    && key.chars().count() <= LONGEST_LOOKUP_KEY
                    && !key.chars().any(char::is_control)
            },
            "it must have 1 to 200 characters on one line",
        )?;
        match (&price, &lookup_key) {
            (None, None) => return Err(self.wrong("price", "price or lookup_key is missing")),
            (Some(_), Some(_)) => {
                let reason = "say price or lookup_key, and not both";
                return Err(self.wrong("lookup_key", reason));
            }
            _ => {}
        }
        let trial_days = self
            .checked(
                "trial_days",
                |days| *days <= LONGEST_TRIAL,
                "it must be from 0 to 730",
            )?
            .unwrap_or(0);
        Ok(DeclaredPlan {
            group,
            label,
            price,
            lookup_key,
            trial_days,
            trial_without_payment_method: self.checked(
                "trial_without_payment_method",
                |_| trial_days > 0,
                "there is no free trial without \"trial_days\"",
            )?,
            wallets: self.checked(
                "wallets",
                |wallets: &Vec<Wallet>| !wallets.is_empty() && are_different(wallets),
                "it must name at least one wallet, and each once",
            )?,
            cancel_refund: self.take("cancel_refund")?,
            shopper_pause: self.take("shopper_pause")?,
            quantity: self.take("quantity")?,
            addons: self.addons()?,
            tax: self.take("tax")?,
            features: self
                .checked(
                    "features",
                    |features: &Vec<FeatureName>| {
                        features.len() <= MOST_FEATURES && are_different(features)
                    },
                    "it must name at most 50 features, and each once",
                )?
                .unwrap_or_default(),
            sold: self.take("sold")?.unwrap_or(true),
            private: self.take("private")?.unwrap_or(false),
            former_prices: self
                .checked(
                    "former_prices",
                    |prices: &Vec<PriceId>| {
                        prices.len() <= MOST_FORMER_PRICES && are_different(prices)
                    },
                    "it must name at most 100 prices, and each once",
                )?
                .unwrap_or_default(),
            amount: self.checked(
                "amount",
                |amount| *amount > 0,
                "it must be above 0, in minor units",
            )?,
            currency: self.take("currency")?,
            interval: self.take("interval")?,
            interval_count: self.checked(
                "interval_count",
                |count| (1..=LONGEST_INTERVAL).contains(count),
                "it must be from 1 to 1095",
            )?,
        })
    }
}

fn are_different<T: PartialEq>(values: &[T]) -> bool {
    let mut rest = values;
    while let Some((first, others)) = rest.split_first() {
        if others.contains(first) {
            return false;
        }
        rest = others;
    }
    true
}

#[cfg(test)]
mod tests;
