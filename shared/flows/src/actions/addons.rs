//! The add-ons of a change: which a subscription has then, of what it has now and of what is asked for.

use std::collections::BTreeMap;

use perennial_stripe::SubscriptionItem;
use perennial_types::{Addon, AddonName, By, LARGEST_AMOUNT, Plan, PriceId};

use super::{
    ActionErrorCode,
    frozen_change::{Basis, BasisAddon, WantedAddon},
};
use crate::subscriptions::Refreshed;

/// Which plan a subscription has, which it gets, and how it stands.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    /// The plan of the price that it has; none if no plan has it.
    pub(super) now: Option<&'a Plan>,
    /// The plan that it gets, which may be the same.
    pub(super) then: &'a Plan,
    /// The price that it gets.
    pub(super) price: &'a PriceId,
    /// How many of it.
    pub(super) quantity: u64,
    pub(super) basis: &'a Basis,
}

/// The item of the plan, and beside it those of its add-ons. None if anything else is charged.
pub(super) fn split<'a>(
    seen: &'a Refreshed,
    plan: Option<&Plan>,
) -> Option<(&'a SubscriptionItem, Vec<BasisAddon>)> {
    let items = &seen.read.as_ref()?.items.data;
    let price = seen.model.price.as_ref()?;
    let is_main = |item: &&SubscriptionItem| item.is_charged() && item.price_id() == Some(price);
    let main = items.iter().find(is_main)?;
    let mut addons = Vec::new();
    for item in items.iter().filter(|item| item.id != main.id) {
        let addon = item
            .price_id()
            .filter(|price| plan.is_some_and(|plan| plan.addon_of_price(price).is_some()));
        match (addon, item.quantity) {
            (Some(price), Some(quantity)) => addons.push(BasisAddon {
                item: item.id.clone(),
                price: price.clone(),
                quantity,
            }),
            _ if item.is_charged() => return None,
            _ => {}
        }
    }
    addons.sort_by(|one, other| one.item.cmp(&other.item));
    Some((main, addons))
}

impl Between<'_> {
    /// The add-ons that a subscription has after a change. Those that are not asked for stay as they are; with another
    /// plan they become those of the same name there, and end where there is none.
    pub(super) fn addons(
        &self,
        by: By,
        asked: &BTreeMap<String, u64>,
    ) -> Result<Vec<WantedAddon>, ActionErrorCode> {
        let mut wanted: Vec<WantedAddon> = self
            .basis
            .addons
            .iter()
            .filter_map(|held| self.kept(held))
            .collect();
        for (name, quantity) in asked {
            let found = self.then.addons.get_key_value(name.as_str());
            let (name, addon) = found.ok_or(ActionErrorCode::AddonNotOffered)?;
            set(&mut wanted, by, (name, addon), *quantity)?;
        }
        wanted.retain(|it| it.quantity > 0 || it.item.is_some());
        wanted.sort_by(|one, other| one.name.cmp(&other.name));
        let changed = !asked.is_empty() || *self.price != self.basis.price;
        if changed && self.cost(&wanted, |_| None) > u128::from(LARGEST_AMOUNT) {
            return Err(ActionErrorCode::AddonNotOffered);
        }
        Ok(wanted)
    }

    /// What becomes of an add-on of which nothing is said; none of an item that stands at 0 and stays there.
    fn kept(&self, held: &BasisAddon) -> Option<WantedAddon> {
        let (name, _) = self.now?.addon_of_price(&held.price)?;
        let stays = WantedAddon {
            name: name.clone(),
            item: Some(held.item.clone()),
            price: held.price.clone(),
            quantity: held.quantity,
        };
        let there = self.then.addons.get(name.as_str());
        match there {
            Some(there) if there.has(&held.price) => Some(stays),
            Some(there) if there.refusal.is_none() => Some(WantedAddon {
                price: there.price.clone(),
                quantity: held.quantity.min(there.maximum),
                ..stays
            }),
            _ => Some(WantedAddon {
                quantity: 0,
                ..stays
            }),
        }
    }

    /// What each period costs then. `known` is what one of a price costs by Stripe; the configuration says it of the
    /// others.
    pub(super) fn cost(
        &self,
        addons: &[WantedAddon],
        known: impl Fn(&PriceId) -> Option<u64>,
    ) -> u128 {
        let one = known(self.price).unwrap_or(self.then.amount);
        let plan = u128::from(one).saturating_mul(self.quantity.into());
        let addons = addons.iter().map(|wanted| {
            let addon = self.then.addons.get(wanted.name.as_str());
            let one = known(&wanted.price).or(addon.map(|addon| addon.amount));
            u128::from(one.unwrap_or(0)).saturating_mul(wanted.quantity.into())
        });
        addons.fold(plan, u128::saturating_add)
    }
}

/// Sets how many of an add-on there are to be, if they may be.
fn set(
    wanted: &mut Vec<WantedAddon>,
    by: By,
    (name, addon): (&AddonName, &Addon),
    quantity: u64,
) -> Result<(), ActionErrorCode> {
    let held = wanted.iter_mut().find(|it| it.name == *name);
    let before = held.as_ref().map_or(0, |held| held.quantity);
    if quantity == before {
        return Ok(());
    }
    if by == By::Shopper && !addon.shopper_may_change {
        return Err(ActionErrorCode::AddonNotAllowed);
    }
    // Fewer are always possible, also of one that is not sold any more.
    if quantity > before && !addon.sells(quantity) {
        return Err(ActionErrorCode::AddonNotOffered);
    }
    match held {
        Some(held) => held.quantity = quantity,
        None => wanted.push(WantedAddon {
            name: name.clone(),
            item: None,
            price: addon.price.clone(),
            quantity,
        }),
    }
    Ok(())
}

/// What one of each price costs that a subscription has, by Stripe.
pub(super) fn unit_amount(seen: &Refreshed, price: &PriceId) -> Option<u64> {
    let items = seen.read.as_ref()?.items.data.iter();
    let mut prices = items.filter_map(|item| item.price.as_ref());
    let found = prices.find(|it| it.id == *price)?;
    found
        .unit_amount
        .and_then(|amount| u64::try_from(amount).ok())
}

/// What each period costs now, by Stripe.
pub(super) fn cost_now(seen: &Refreshed) -> u128 {
    let items = seen.read.iter().flat_map(|read| &read.items.data);
    let costs = items.map(|item| {
        let price = item.price_id();
        let one = price.and_then(|price| unit_amount(seen, price));
        let many = item.quantity.unwrap_or(0);
        u128::from(one.unwrap_or(0)).saturating_mul(many.into())
    });
    costs.fold(0, u128::saturating_add)
}
