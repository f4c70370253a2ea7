//! What add-ons make of a plan, and of a subscription to it.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    Addon, AddonName, AddonNotOffered, BoughtAddon, DeclaredAddon, LARGEST_AMOUNT,
    LARGEST_QUANTITY, Plan, PriceId, Subscription,
};

impl Plan {
    /// The add-on that has this price; one that had it before, if none has it.
    pub fn addon_of_price(&self, price: &PriceId) -> Option<(&AddonName, &Addon)> {
        let today = self.addons.iter().find(|(_, it)| it.price == *price);
        today.or_else(|| self.addons.iter().find(|(_, it)| it.has(price)))
    }

    /// The add-ons that are offered.
    pub fn offered_addons(&self) -> impl Iterator<Item = (&AddonName, &Addon)> {
        let all = self.addons.iter();
        all.filter(|(_, it)| it.refusal.is_none())
    }

    /// What a checkout buys beside so many of the plan. None of an add-on is as if it was not named.
    pub fn buy_addons(
        &self,
        quantity: u64,
        wanted: &BTreeMap<String, u64>,
    ) -> Result<Vec<BoughtAddon>, AddonNotOffered> {
        let mut bought = Vec::new();
        let mut total = self.amount.saturating_mul(quantity);
        for (name, quantity) in wanted {
            let refused = || AddonNotOffered(name.chars().take(64).collect());
            let (name, addon) = self
                .addons
                .get_key_value(name.as_str())
                .ok_or_else(refused)?;
            if *quantity == 0 {
                continue;
            }
            total = total.saturating_add(addon.amount.saturating_mul(*quantity));
            if !addon.sells(*quantity) || total > LARGEST_AMOUNT {
                return Err(refused());
            }
            bought.push(BoughtAddon {
                name: name.clone(),
                price: addon.price.clone(),
                quantity: *quantity,
            });
        }
        Ok(bought)
    }

    /// The same as a shopper sees it who has so many of it with these add-ons: what all of them cost, and what
    /// they are in the label.
    #[must_use]
    pub fn times_with(&self, quantity: u64, addons: &[BoughtAddon]) -> Self {
        let mut all = self.times(quantity);
        for bought in addons {
            let Some(addon) = self.addons.get(bought.name.as_str()) else {
                continue;
            };
            let cost = addon.amount.saturating_mul(bought.quantity);
            all.amount = all.amount.saturating_add(cost);
            all.label.push_str(" + ");
            if bought.quantity != 1 {
                let _ = write!(all.label, "{} × ", bought.quantity);
            }
            all.label.push_str(&addon.label);
        }
        all
    }
}

impl Subscription {
    /// The add-ons of its plan, as a checkout would buy them.
    pub fn bought_addons(&self) -> Vec<BoughtAddon> {
        let items = self.addons.iter().filter_map(|item| {
            Some(BoughtAddon {
                name: item.name.clone()?,
                price: item.price.clone(),
                quantity: item.quantity?,
            })
        });
        items.collect()
    }
}

/// What is wrong with an add-on of `plans.json`, if something is.
pub(crate) fn fault_of(addon: &DeclaredAddon) -> Option<&'static str> {
    let one_line = |text: &str, most: usize| {
        let count = text.chars().count();
        !text.trim().is_empty() && count <= most && !text.chars().any(char::is_control)
    };
    let has_one = addon.price.is_some() != addon.lookup_key.is_some();
    let key = addon.lookup_key.as_deref();
    if !one_line(&addon.label, 100) {
        Some("its label must have 1 to 100 characters on one line")
    } else if !has_one {
        Some("say its price or its lookup_key, and not both")
    } else if key.is_some_and(|key| !one_line(key, 200)) {
        Some("its lookup_key must have 1 to 200 characters on one line")
    } else if addon.amount == Some(0) {
        Some("its amount must be above 0, in minor units")
    } else if !(1..=LARGEST_QUANTITY).contains(&addon.maximum) {
        Some("its maximum must be from 1 to 999999")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        serde_json::from_str(
            r#"{"price":"price_1","group":"main","label":"Team","amount":1500,"currency":"usd","interval":"month",
                "quantity":{"maximum":50},
                "addons":{
                    "storage":{"price":"price_s","label":"Storage","amount":500,"maximum":10,"former_prices":["price_old"]},
                    "support":{"price":"price_h","label":"Support","amount":99999000},
                    "gone":{"price":"price_g","label":"Gone","amount":100,"refusal":{"code":"removed","sentence":"It is gone."}}}}"#,
        )
        .unwrap()
    }

    fn wanted(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter()
            .map(|(name, many)| ((*name).to_owned(), *many))
            .collect()
    }

    #[test]
    fn an_add_on_is_known_by_the_price_that_it_has_or_had() {
        let plan = plan();
        for (price, name) in [
            ("price_s", Some("storage")),
            ("price_old", Some("storage")),
            ("price_g", Some("gone")),
            ("price_1", None),
        ] {
            let found = plan.addon_of_price(&price.parse().unwrap());
            assert_eq!(found.map(|(name, _)| name.as_str()), name, "{price}");
        }
    }

    #[test]
    fn what_is_not_sold_is_not_bought() {
        let plan = plan();
        for (of, refused) in [
            (&[("storage", 11)][..], Some("storage")),
            (&[("support", 2)], Some("support")),
            (&[("gone", 1)], Some("gone")),
            (&[("other", 0)], Some("other")),
            // Together they are more than Stripe charges.
            (&[("storage", 1), ("support", 1)], Some("support")),
            (&[("storage", 10)], None),
            (&[("storage", 0)], None),
        ] {
            let bought = plan.buy_addons(1, &wanted(of));
            let seen = bought.as_ref().err().map(|it| it.0.as_str());
            assert_eq!(seen, refused, "{of:?}");
        }
        assert_eq!(plan.buy_addons(1, &wanted(&[("storage", 0)])), Ok(vec![]));
    }

    #[test]
    fn a_shopper_reads_what_a_plan_costs_with_its_add_ons() {
        let plan = plan();
        let bought = plan.buy_addons(2, &wanted(&[("storage", 3)])).unwrap();
        let all = plan.times_with(2, &bought);
        assert_eq!(all.amount, 2 * 1500 + 3 * 500);
        assert_eq!(all.label, "2 × Team + 3 × Storage");
        assert_eq!(plan.times_with(1, &[]), plan);
    }

    #[test]
    fn a_mistake_of_an_add_on_is_said() {
        for (addon, fault) in [
            (r#"{"label":"A","price":"price_1"}"#, None),
            (r#"{"label":"A","lookup_key":"a"}"#, None),
            (r#"{"label":" ","price":"price_1"}"#, Some("label")),
            (r#"{"label":"A"}"#, Some("price")),
            (
                r#"{"label":"A","price":"price_1","lookup_key":"a"}"#,
                Some("price"),
            ),
            (r#"{"label":"A","lookup_key":" "}"#, Some("lookup_key")),
            (
                r#"{"label":"A","price":"price_1","amount":0}"#,
                Some("amount"),
            ),
            (
                r#"{"label":"A","price":"price_1","maximum":0}"#,
                Some("maximum"),
            ),
            (
                r#"{"label":"A","price":"price_1","maximum":1000000}"#,
                Some("maximum"),
            ),
        ] {
            let seen = fault_of(&serde_json::from_str(addon).unwrap());
            assert_eq!(seen.is_some(), fault.is_some(), "{addon}");
            assert!(
                seen.is_none_or(|it| it.contains(fault.unwrap())),
                "{seen:?}"
            );
        }
    }
}
