//! An item of a subscription: a price, how many of it, and its own period.

use super::invoice_line::Period;
use crate::error::{ApiError, Result};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// A subscription item for a price. It has no period yet, and nothing was debited for it.
pub(crate) fn new(
    id: &str,
    subscription: &str,
    price: &Value,
    quantity: i64,
    created: i64,
) -> Value {
    json!({
        "id": id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": created,
        "current_period_end": created,
        "current_period_start": created,
        "current_trial": null,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
        "_debits": [],
    })
}

/// Gives the item another price.
pub(crate) fn reprice(item: &mut Value, price: &Value) {
    item.set("plan", plan(price));
    item.set("price", price.clone());
}

/// The older form of a recurring price, which an item still carries.
fn plan(price: &Value) -> Value {
    json!({
        "id": price.id(),
        "object": "plan",
        "active": price.at("active"),
        "amount": price.at("unit_amount"),
        "amount_decimal": price.at("unit_amount_decimal"),
        "billing_scheme": price.at("billing_scheme"),
        "created": price.at("created"),
        "currency": price.at("currency"),
        "interval": price.at("recurring.interval"),
        "interval_count": price.at("recurring.interval_count"),
        "livemode": false,
        "metadata": price.at("metadata"),
        "meter": null,
        "nickname": price.at("nickname"),
        "product": price.at("product"),
        "tiers_mode": null,
        "transform_usage": null,
        "trial_period_days": price.at("recurring.trial_period_days"),
        "usage_type": "licensed",
    })
}

/// The price of an item, which must be active and recurring.
pub(crate) fn price_of(world: &World, id: &str, param: &str) -> Result<Value> {
    let price = world.at_param(Kind::Price, id, param)?;
    if !price.flag("active") {
        return Err(ApiError::invalid(format!(
            "The price specified is inactive. This field only accepts active prices: {id}"
        ))
        .with_param(param));
    }
    if !price.is("type", "recurring") {
        let message = format!(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}"
        );
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(price)
}

/// How often the item renews: an interval's name and a number of them.
pub(crate) fn interval(item: &Value) -> (&str, i64) {
    let recurring = item.at("price.recurring");
    (
        recurring.text("interval").unwrap_or("month"),
        recurring.int("interval_count").unwrap_or(1),
    )
}

/// What a whole period of the item costs, in minor units.
pub(crate) fn amount(item: &Value) -> i64 {
    let unit = item.int("price.unit_amount").unwrap_or(0);
    unit.saturating_mul(item.int("quantity").unwrap_or(1))
}

/// The item's current period.
pub(crate) fn period(item: &Value) -> Period {
    Period {
        start: item.int("current_period_start").unwrap_or(0),
        end: item.int("current_period_end").unwrap_or(0),
    }
}

/// The whole period of the billing cycle that the current one lies in. They differ where the first one begins inside
/// the cycle, and where the subscription ends inside it.
pub(crate) fn whole_period(item: &Value) -> Period {
    match (item.int("_whole.start"), item.int("_whole.end")) {
        (Some(start), Some(end)) => Period { start, end },
        _ => period(item),
    }
}

/// Puts the item into a period of the billing cycle, of which it has what is left from `from` on, and before the
/// subscription ends.
pub(crate) fn set_period(item: &mut Value, from: i64, whole: Period, ends_at: Option<i64>) {
    let end = ends_at.map_or(whole.end, |at| at.min(whole.end).max(from));
    item.set("current_period_start", from);
    item.set("current_period_end", end);
    item.set("_whole", json!({"start": whole.start, "end": whole.end}));
}
