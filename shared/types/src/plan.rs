//! What the shop sells: configuration, never taken from a request.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Currency, Money, PriceId};

/// Why a plan, or the set of them, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Not a name.
    #[error("{0:?} is not a name: use 1 to 64 lower-case letters, digits and hyphens")]
    Name(String),
    /// Stripe takes at most 730 days.
    #[error("plan {0}: trial_days must be at most 730")]
    Trial(PlanName),
    /// A price of nothing would never be charged.
    #[error("plan {0}: amount must be above 0, in minor units")]
    Amount(PlanName),
    /// An interval counts at least one, and Stripe allows three years.
    #[error("plan {0}: interval_count must be from 1 to 36")]
    IntervalCount(PlanName),
    /// Nothing to sell.
    #[error("there must be at least one plan")]
    Empty,
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = PlanError;

            fn from_str(text: &str) -> Result<Self, PlanError> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(PlanError::Name(text.chars().take(64).collect()))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = PlanError;

            fn try_from(text: String) -> Result<Self, PlanError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name by which a page asks for a plan.
    PlanName
);
name!(
    /// Plans of one group exclude each other: a user has at most one live subscription in it.
    PlanGroup
);

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

/// One thing that the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The Stripe price that is charged.
    pub price: PriceId,
    /// Which plans this one excludes.
    pub group: PlanGroup,
    /// What the shopper reads.
    pub label: String,
    /// In minor units; shown to the shopper, while Stripe charges what the price says.
    pub amount: u64,
    /// The price's currency.
    pub currency: Currency,
    /// The price's interval.
    pub interval: Interval,
    /// How many intervals lie between two charges.
    #[serde(default = "one")]
    pub interval_count: u8,
    /// Days before the first charge; 0 for none.
    #[serde(default)]
    pub trial_days: u32,
}

const fn one() -> u8 {
    1
}

impl Plan {
    /// What each interval costs.
    pub fn money(&self) -> Money {
        Money {
            amount: self.amount,
            currency: self.currency,
        }
    }
}

/// All that the shop sells, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<PlanName, Plan>",
    into = "BTreeMap<PlanName, Plan>"
)]
pub struct Plans(BTreeMap<PlanName, Plan>);

impl TryFrom<BTreeMap<PlanName, Plan>> for Plans {
    type Error = PlanError;

    fn try_from(plans: BTreeMap<PlanName, Plan>) -> Result<Self, PlanError> {
        if plans.is_empty() {
            return Err(PlanError::Empty);
        }
        for (name, plan) in &plans {
            if plan.trial_days > 730 {
                return Err(PlanError::Trial(name.clone()));
            }
            if plan.amount == 0 {
                return Err(PlanError::Amount(name.clone()));
            }
            if !(1..=36).contains(&plan.interval_count) {
                return Err(PlanError::IntervalCount(name.clone()));
            }
        }
        Ok(Self(plans))
    }
}

impl From<Plans> for BTreeMap<PlanName, Plan> {
    fn from(plans: Plans) -> Self {
        plans.0
    }
}

impl Plans {
    /// The plan of that name.
    pub fn get(&self, name: &str) -> Option<(&PlanName, &Plan)> {
        self.0.iter().find(|(known, _)| known.as_str() == name)
    }

    /// The first plan that charges this price.
    pub fn by_price(&self, price: &PriceId) -> Option<(&PlanName, &Plan)> {
        self.0.iter().find(|(_, plan)| plan.price == *price)
    }

    /// All plans, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PlanName, &Plan)> {
        self.0.iter()
    }

    /// The groups, each once, in order.
    pub fn groups(&self) -> Vec<&PlanGroup> {
        let mut groups: Vec<_> = self.0.values().map(|plan| &plan.group).collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Plans, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    const GOOD: &str = r#"{"basic":{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"}}"#;

    #[test]
    fn a_plan_needs_no_trial() {
        let plans = parse(GOOD).unwrap();
        let (_, plan) = plans.get("basic").unwrap();
        assert_eq!((plan.trial_days, plan.interval_count), (0, 1));
        assert!(plans.get("other").is_none());
    }

    #[test]
    fn a_wrong_plan_is_named() {
        for (from, to, expected) in [
            ("1500", "0", "plan basic: amount"),
            (
                "\"month\"",
                "\"month\",\"trial_days\":731",
                "plan basic: trial_days",
            ),
            (
                "\"month\"",
                "\"month\",\"interval_count\":0",
                "plan basic: interval_count",
            ),
            ("\"month\"", "\"fortnight\"", "fortnight"),
            (
                "\"month\"",
                "\"month\",\"colour\":1",
                "unknown field `colour`",
            ),
            ("price_1", "prod_1", "a Stripe price id"),
            ("\"basic\"", "\"Basic!\"", "is not a name"),
            ("\"usd\"", "\"dollars\"", "three letters"),
        ] {
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(parse("{}").unwrap_err().contains("at least one plan"));
    }
}
