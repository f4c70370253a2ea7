//! A price.

use crate::list::{fits, same};
use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// A price of this amount, without a lookup key.
pub(crate) fn new(world: &World, params: &Value, product: &str, amount: i64) -> Value {
    let recurring = params.at("recurring");
    let recurring = match recurring.text("interval") {
        None => Value::Null,
        Some(interval) => json!({
            "interval": interval,
            "interval_count": recurring.int("interval_count").unwrap_or(1),
            "meter": null,
            "trial_period_days": recurring.int("trial_period_days"),
            "usage_type": "licensed",
        }),
    };
    json!({
        "id": ids::id("price"),
        "object": "price",
        "active": params.at("active").as_bool().unwrap_or(true),
        "billing_scheme": "per_unit",
        "created": world.now(),
        "currency": params.text("currency").unwrap_or_default().to_lowercase(),
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": null,
        "metadata": {},
        "nickname": params.text("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.text("tax_behavior").unwrap_or("unspecified"),
        "tiers_mode": null,
        "transform_quantity": null,
        "type": if recurring.is_null() { "one_time" } else { "recurring" },
        "unit_amount": amount,
        "unit_amount_decimal": amount.to_string(),
    })
}

/// Whether a list with these parameters has the price.
pub(crate) fn is_listed(price: &Value, params: &Value) -> bool {
    let keys = params.list("lookup_keys");
    fits(price, params, &["active", "currency", "product", "type"])
        && same(price.at("recurring"), params.at("recurring"), "interval")
        && (keys.is_empty() || keys.contains(price.at("lookup_key")))
}
