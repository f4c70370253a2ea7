//! Plans that the shop's servers have given to a user for free. Stripe knows nothing of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FeatureName, Plan, PlanGroup, PlanName, Plans, PriceId, Timestamp};

/// A user is given at most so many plans at a time.
pub const MOST_GRANTS: usize = 20;

/// How a plan was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The price that the plan had, by which it is found, whatever its name is then.
    pub price: PriceId,
    /// From when on it is over; none for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many; none of a plan that is sold once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
}

impl Grant {
    fn runs(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What a user was given, by the names that the plans had then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(BTreeMap<PlanName, Grant>);

/// A plan that was given, with what today's plans say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenPlan {
    /// The plan.
    pub plan: PlanName,
    /// Its group.
    pub group: PlanGroup,
    /// What the shopper reads; none while its price cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// From when on it is over; none for no end.
    pub until: Option<Timestamp>,
    /// How many; none of a plan that was sold once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// What it lets them do, which the entitlement tells.
    #[serde(skip)]
    pub features: Vec<FeatureName>,
}

impl Grants {
    /// Those that are not over, of plans that the catalog has.
    pub fn running(&self, plans: &Plans, now: Timestamp) -> Vec<GivenPlan> {
        let running = self.0.iter().filter(|(_, grant)| grant.runs(now));
        running
            .filter_map(|(name, grant)| {
                let (plan, group, today) = today(plans, name, &grant.price)?;
                Some(GivenPlan {
                    plan: plan.clone(),
                    group: group.clone(),
                    label: today.map(|plan| plan.label.clone()),
                    until: grant.until,
                    quantity: grant.quantity,
                    features: today.map_or_else(Vec::new, |plan| plan.features.clone()),
                })
            })
            .collect()
    }

    /// Those that are not over, by the names of today.
    #[must_use]
    pub fn renewed(self, plans: &Plans, now: Timestamp) -> Self {
        let mut renewed = BTreeMap::new();
        for (name, grant) in self.0 {
            if !grant.runs(now) {
                continue;
            }
            let name = today(plans, &name, &grant.price).map_or(name.clone(), |it| it.0.clone());
            // Of two that are one plan by now, nothing is taken away.
            let both = renewed.entry(name).or_insert_with(|| grant.clone());
            both.until = both
                .until
                .zip(grant.until)
                .map(|(one, other)| one.max(other));
            both.quantity = both.quantity.max(grant.quantity);
        }
        Self(renewed)
    }

    /// Gives a plan, in place of how it was given before. False if the user has as many others as there may be.
    pub fn give(&mut self, plan: PlanName, grant: Grant) -> bool {
        if self.0.len() >= MOST_GRANTS && !self.0.contains_key(&plan) {
            return false;
        }
        self.0.insert(plan, grant);
        true
    }

    /// Takes a plan away. False if it was not given.
    pub fn take_away(&mut self, plan: &str) -> bool {
        self.0.remove(plan).is_some()
    }

    /// Whether there are none, those that are over included.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The plan that has the price today, as for a subscription of it, or else the one of that name, with its group; and what
/// it is, unless its own price cannot be used.
fn today<'a>(
    plans: &'a Plans,
    name: &'a PlanName,
    price: &PriceId,
) -> Option<(&'a PlanName, &'a PlanGroup, Option<&'a Plan>)> {
    if let Some((name, plan)) = plans.charging(price, Some(name), Some(price)) {
        return Some((name, &plan.group, Some(plan)));
    }
    plans.group_of(name).map(|group| (name, group, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn name(name: &str) -> PlanName {
        name.parse().unwrap()
    }

    /// Each plan by its name, with the price and the group.
    fn plans(all: &[(&str, &str, &str)]) -> Plans {
        let plan = |price: &str, group: &str| {
            serde_json::json!({
                "price": price, "group": group, "label": "A plan", "amount": 1500, "currency": "usd",
                "interval": "month",
            })
        };
        let all = all
            .iter()
            .map(|(name, price, group)| (*name, plan(price, group)));
        serde_json::from_value(all.collect::<BTreeMap<_, _>>().into_iter().collect()).unwrap()
    }

    fn grant(price: &str, until: Option<i64>, quantity: Option<u64>) -> Grant {
        Grant {
            price: price.parse().unwrap(),
            until: until.map(at),
            quantity,
        }
    }

    fn of(all: Vec<(&str, Grant)>) -> Grants {
        Grants(
            all.into_iter()
                .map(|(it, grant)| (name(it), grant))
                .collect(),
        )
    }

    #[test]
    fn one_runs_until_its_end_and_not_a_second_longer() {
        let plans = plans(&[("basic", "price_1", "main")]);
        let ends = of(vec![("basic", grant("price_1", Some(10), None))]);
        assert_eq!(ends.running(&plans, at(9)).len(), 1);
        assert_eq!(ends.running(&plans, at(10)), []);
        assert!(ends.renewed(&plans, at(10)).is_empty());
        let endless = of(vec![("basic", grant("price_1", None, None))]);
        assert_eq!(endless.running(&plans, at(i64::MAX)).len(), 1);
    }

    #[test]
    fn one_follows_its_plan_to_another_name_and_another_group() {
        let given = of(vec![("basic", grant("price_1", None, Some(3)))]);
        let moved = plans(&[("basic", "price_2", "other")]);
        let found = given.running(&moved, at(0));
        assert_eq!(found.first().map(|it| it.group.as_str()), Some("other"));
        let renamed = plans(&[("starter", "price_1", "main")]);
        let found = given.running(&renamed, at(0));
        assert_eq!(found.first().map(|it| it.plan.as_str()), Some("starter"));
        let renewed = given.clone().renewed(&renamed, at(0));
        assert_eq!(
            renewed,
            of(vec![("starter", grant("price_1", None, Some(3)))])
        );
        let replaced = plans(&[("basic", "price_2", "main"), ("starter", "price_1", "main")]);
        let found = given.running(&replaced, at(0));
        assert_eq!(
            found.first().map(|it| it.plan.as_str()),
            Some("starter"),
            "the name is another plan's by now"
        );
        // It is kept for the plan that may come back.
        let gone = plans(&[("another", "price_3", "main")]);
        assert_eq!(given.running(&gone, at(0)), []);
        assert_eq!(given.clone().renewed(&gone, at(0)), given);
    }

    #[test]
    fn a_plan_whose_price_cannot_be_used_has_its_group_still() {
        let unresolved = crate::Unresolved {
            group: "main".parse().unwrap(),
            refusal: crate::Refusal {
                code: crate::RefusalCode::PriceMetered,
                sentence: String::new(),
            },
            private: false,
        };
        let unresolved = BTreeMap::from([(name("basic"), unresolved)]);
        let plans = Plans::new(1, BTreeMap::new(), unresolved);
        let given = of(vec![("basic", grant("price_1", None, None))]);
        let found = given.running(&plans, at(0));
        let found = found.first().unwrap();
        assert_eq!(
            (found.group.as_str(), found.label.as_deref()),
            ("main", None)
        );
    }

    #[test]
    fn two_that_have_become_one_plan_are_the_better_of_both() {
        let given = of(vec![
            ("basic", grant("price_1", Some(10), Some(5))),
            ("starter", grant("price_1", Some(20), Some(3))),
        ]);
        let renewed = given.renewed(&plans(&[("starter", "price_1", "main")]), at(0));
        assert_eq!(
            renewed,
            of(vec![("starter", grant("price_1", Some(20), Some(5)))])
        );
    }

    #[test]
    fn there_are_no_more_than_a_bounded_number() {
        let mut given = Grants::default();
        for number in 0..MOST_GRANTS {
            assert!(given.give(
                name(&format!("plan-{number}")),
                grant("price_1", None, None)
            ));
        }
        assert!(!given.give(name("one-more"), grant("price_1", None, None)));
        assert!(
            given.give(name("plan-0"), grant("price_1", Some(5), None)),
            "one of them again"
        );
        assert!(given.take_away("plan-1") && !given.take_away("plan-1"));
        assert!(given.give(name("one-more"), grant("price_1", None, None)));
    }
}
