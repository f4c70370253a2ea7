//! A tax rate: the shop's own, or one of the sandbox's table.

use super::coupon::{scaled_percent, shown_percent};
use crate::error::{ApiError, Result};
use crate::list::fits;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A tax rate as its creation describes it.
pub(crate) fn new(world: &World, params: &Value) -> Result<Value> {
    let percent = params.text("percentage").and_then(scaled_percent);
    let percent = percent
        .filter(|percent| *percent <= 100 * super::coupon::PERCENT_SCALE)
        .ok_or_else(|| {
            let message =
                "Invalid percentage: must be from 0 to 100, with at most four decimal places.";
            ApiError::validation(message).with_param("percentage")
        })?;
    let country = params.text("country").map(str::to_uppercase);
    Ok(json!({
        "id": ids::id("txr"),
        "object": "tax_rate",
        "active": params.at("active").as_bool().unwrap_or(true),
        "country": country,
        "created": world.now(),
        "description": params.at("description"),
        "display_name": params.at("display_name"),
        "effective_percentage": null,
        "flat_amount": null,
        "inclusive": params.flag("inclusive"),
        "jurisdiction": params.at("jurisdiction"),
        "jurisdiction_level": null,
        "livemode": false,
        "metadata": {},
        "percentage": shown_percent(percent),
        "rate_type": "percentage",
        "state": params.at("state"),
        "tax_type": params.at("tax_type"),
        "_percent": percent,
    }))
}

/// Whether a list with these parameters has the rate; those of the sandbox's own table are left out.
pub(crate) fn is_listed(rate: &Value, params: &Value) -> bool {
    !rate.flag("_automatic") && fits(rate, params, &["active", "inclusive"])
}

/// The tax rates that a list of ids names, which must not be archived; nothing clears the list.
pub(crate) fn named(world: &World, given: &Value, param: &str) -> Result<Vec<Value>> {
    given
        .as_array()
        .into_iter()
        .flatten()
        .map(|id| {
            let rate = world.at_param(Kind::TaxRate, id.as_str().unwrap_or_default(), param)?;
            if rate.flag("active") {
                return Ok(rate);
            }
            let message = format!("The tax rate {} is archived and cannot be used.", rate.id());
            Err(ApiError::invalid(message).with_param(param))
        })
        .collect()
}
