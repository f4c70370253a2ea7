//! What `items` of a subscription's creation, change and preview say.

use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, refuse_unsimulated, subscription_item};
use crate::state::{Fields, World, ids};
use serde_json::Value;

/// Stripe's limit for a subscription.
const MOST_ITEMS: usize = 20;

/// Whose items they are, and what they have to agree with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    /// The subscription's id.
    pub(crate) id: &'a str,
    /// Its currency, once it has one.
    pub(crate) currency: Option<&'a str>,
    /// Whether its items may renew at intervals of their own.
    pub(crate) flexible: bool,
}

/// The items as they are after the change that `wanted` describes: `param` is the name of that list. Prices and
/// quantities alone are changed; periods are for [`crate::billing::change`].
pub(crate) fn changed(
    world: &World,
    owner: Owner<'_>,
    before: &[Value],
    wanted: &[Value],
    param: &str,
    now: i64,
) -> Result<Vec<Value>> {
    let mut items = before.to_vec();
    for (index, wanted) in wanted.iter().enumerate() {
        let inside = format!("{param}[{index}]");
        let simulated = [
            "id",
            "price",
            "quantity",
            "metadata",
            "deleted",
            "discounts",
            "tax_rates",
        ];
        refuse_unsimulated(wanted, &inside, &simulated)?;
        let price = wanted
            .text("price")
            .map(|price| subscription_item::price_of(world, price, &format!("{inside}[price]")))
            .transpose()?;
        match wanted.text("id") {
            Some(id) => change(&mut items, id, wanted, price, &inside)?,
            // An item without an id is a further one, whatever its price: Stripe's classic trap.
            None => items.push(added(owner, wanted, price, &inside, now)?),
        }
    }
    check(&items, owner, param)?;
    Ok(items)
}

fn added(
    owner: Owner<'_>,
    wanted: &Value,
    price: Option<Value>,
    inside: &str,
    now: i64,
) -> Result<Value> {
    let price = price.ok_or_else(|| ApiError::missing(&format!("{inside}[price]")))?;
    let quantity = wanted.int("quantity").unwrap_or(1);
    let mut item = subscription_item::new(&ids::id("si"), owner.id, &price, quantity, now);
    merge_metadata(&mut item, wanted);
    Ok(item)
}

fn change(
    items: &mut Vec<Value>,
    id: &str,
    wanted: &Value,
    price: Option<Value>,
    inside: &str,
) -> Result<()> {
    let missing = || {
        ApiError::invalid(format!("No such subscription item: '{id}'"))
            .with_code("resource_missing")
            .with_param(format!("{inside}[id]"))
    };
    let place = items
        .iter()
        .position(|item| item.id() == id)
        .ok_or_else(missing)?;
    if wanted.flag("deleted") {
        items.remove(place);
        return Ok(());
    }
    let item = items.get_mut(place).ok_or_else(missing)?;
    if let Some(price) = price.filter(|price| !item.is("price.id", price.id())) {
        subscription_item::reprice(item, &price);
        // Types of npm stripe 23.1.0: another price sets the quantity to 1 unless there is one.
        item.set("quantity", 1);
    }
    if let Some(quantity) = wanted.int("quantity") {
        item.set("quantity", quantity);
    }
    merge_metadata(item, wanted);
    Ok(())
}

/// Refuses items that Stripe would not have on one subscription.
fn check(items: &[Value], owner: Owner<'_>, param: &str) -> Result<()> {
    let Some(first) = items.first() else {
        let message = "A subscription must have at least one active price.";
        return Err(ApiError::invalid(message).with_param(param));
    };
    if items.len() > MOST_ITEMS {
        let message = format!("A subscription takes at most {MOST_ITEMS} items.");
        return Err(ApiError::validation(message).with_param(param));
    }
    let currency = owner.currency.or(first.text("price.currency"));
    for (place, item) in items.iter().enumerate() {
        let price = item.text("price.id").unwrap_or_default();
        if items
            .iter()
            .skip(place + 1)
            .any(|other| other.is("price.id", price))
        {
            let message =
                format!("Cannot add multiple subscription items with the same plan: {price}");
            return Err(ApiError::invalid(message).with_param("plan"));
        }
        if item.text("price.currency") != currency {
            let message = format!(
                "The price specified supports currencies of `{}`, but the subscription's currency is `{}`.",
                item.text("price.currency").unwrap_or_default(),
                currency.unwrap_or_default(),
            );
            return Err(ApiError::invalid(message).with_param("price"));
        }
    }
    check_intervals(items, owner.flexible, param)
}

/// In flexible billing mode each interval has to be a multiple of the shortest one, in classic all are the same
/// (<https://docs.stripe.com/billing/subscriptions/mixed-interval>).
fn check_intervals(items: &[Value], flexible: bool, param: &str) -> Result<()> {
    let intervals: Vec<(bool, i64)> = items
        .iter()
        .map(|item| in_units(subscription_item::interval(item)))
        .collect();
    let Some(shortest) = intervals.iter().map(|(_, count)| *count).min() else {
        return Ok(());
    };
    let same_unit = intervals.windows(2).all(|pair| match pair {
        [one, other] => one.0 == other.0,
        _ => true,
    });
    let fits = |count: i64| {
        if flexible {
            count % shortest.max(1) == 0
        } else {
            count == shortest
        }
    };
    if same_unit && intervals.iter().all(|(_, count)| fits(*count)) {
        return Ok(());
    }
    let message = if flexible {
        "The intervals of all prices on a subscription must be multiples of the shortest one."
    } else {
        "All prices on a subscription must have the same `recurring.interval` and `recurring.interval_count`. If you meant to update an existing subscription item instead of creating a new one, make sure to include the subscription item ID in your request."
    };
    Err(ApiError::invalid(message).with_param(param))
}

/// Whether an interval is counted in months, and how many months or days it has.
fn in_units((interval, count): (&str, i64)) -> (bool, i64) {
    match interval {
        "day" => (false, count),
        "week" => (false, count.saturating_mul(7)),
        "year" => (true, count.saturating_mul(12)),
        _ => (true, count),
    }
}
