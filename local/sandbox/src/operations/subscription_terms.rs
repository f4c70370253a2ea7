//! What a subscription's invoices are discounted and taxed by.

use super::discounts::{self, Order};
use crate::error::{ApiError, Result};
use crate::objects::discount::Place;
use crate::objects::{customer, tax_location, tax_rate};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// Takes over `discounts`, `default_tax_rates` and `automatic_tax` of a subscription, and the discounts and tax rates of its
/// items, which already are those that the parameters ask for.
pub(crate) fn apply(
    world: &mut World,
    subscription: &mut Value,
    params: &Value,
    creating: bool,
) -> Result<()> {
    if let Some(rates) = params.get("default_tax_rates") {
        let rates = tax_rate::named(world, rates, "default_tax_rates")?;
        subscription.set("default_tax_rates", rates);
    }
    if let Some(enabled) = params.at("automatic_tax.enabled").as_bool() {
        subscription.set("automatic_tax.enabled", enabled);
        subscription.set(
            "automatic_tax.liability",
            enabled.then(|| json!({"type": "self"})),
        );
    }
    if subscription.flag("automatic_tax.enabled")
        && !subscription.list("default_tax_rates").is_empty()
    {
        return Err(ApiError::exclusive("automatic_tax", "default_tax_rates"));
    }
    discount(world, subscription, params, creating)
}

/// Refuses to switch automatic tax on where it could not be calculated. A preview says that in its invoice instead.
pub(crate) fn check_tax(world: &World, subscription: &Value, params: &Value) -> Result<()> {
    if !params.flag("automatic_tax.enabled") {
        return Ok(());
    }
    let id = subscription.text("customer").unwrap_or_default();
    let customer = customer::named(world, id, "customer")?;
    if tax_location::of(world, &customer).is_none() {
        return Err(tax_location::unrecognized().with_param("automatic_tax"));
    }
    let mut prices = subscription
        .list("items.data")
        .iter()
        .map(|item| item.at("price"));
    // A price may have got its behavior after the subscription took it over.
    let behavior = |price: &Value| {
        let now = world.store.get(Kind::Price, price.id()).unwrap_or(price);
        now.owned("tax_behavior").unwrap_or_default()
    };
    match prices.find(|price| matches!(behavior(price).as_str(), "" | "unspecified")) {
        None => Ok(()),
        Some(price) => Err(ApiError::invalid(format!(
            "The price {} needs a `tax_behavior` of inclusive or exclusive for automatic tax.",
            price.id()
        ))
        .with_param("automatic_tax")),
    }
}

fn discount(
    world: &mut World,
    subscription: &mut Value,
    params: &Value,
    creating: bool,
) -> Result<()> {
    let (id, customer) = (
        subscription.id().to_owned(),
        subscription.owned("customer").unwrap_or_default(),
    );
    let currency = subscription.owned("currency").unwrap_or_default();
    let items = subscription.list("items.data").to_vec();
    let costs = |item: &Value| {
        let unit = item.int("price.unit_amount").unwrap_or(0);
        unit.saturating_mul(item.int("quantity").unwrap_or(1))
    };
    let order = Order {
        currency: &currency,
        subtotal: creating.then(|| items.iter().map(costs).sum()),
    };
    let place = Place {
        customer: &customer,
        subscription: Some(&id),
        ..Place::default()
    };
    let before = subscription.list("discounts").to_vec();
    let given = params.get("discounts");
    if let Some(ids) = discounts::replace(world, given, &before, &place, order, "discounts")? {
        subscription.set("discounts", ids);
    }
    let wanted = params.list("items");
    let mut added = items.len()
        - wanted
            .iter()
            .filter(|it| !it.has("id"))
            .count()
            .min(items.len());
    for (index, wanted) in wanted.iter().enumerate() {
        // Items without an id are new ones, in their order at the end.
        let at = if let Some(id) = wanted.text("id") {
            items.iter().position(|item| item.id() == id)
        } else {
            added += 1;
            Some(added - 1)
        };
        let Some((at, item)) = at.and_then(|at| Some((at, items.get(at)?))) else {
            continue;
        };
        let (inside, path) = (format!("items[{index}]"), format!("items.data.{at}"));
        if let Some(rates) = wanted.get("tax_rates") {
            let rates = tax_rate::named(world, rates, &format!("{inside}[tax_rates]"))?;
            subscription.set(&format!("{path}.tax_rates"), rates);
        }
        let place = Place {
            subscription_item: Some(item.id()),
            ..place
        };
        // A code with a least amount is for the whole subscription.
        let order = Order {
            subtotal: None,
            ..order
        };
        let param = format!("{inside}[discounts]");
        let before = item.list("discounts").to_vec();
        let given = wanted.get("discounts");
        if let Some(ids) = discounts::replace(world, given, &before, &place, order, &param)? {
            subscription.set(&format!("{path}.discounts"), ids);
        }
    }
    Ok(())
}
