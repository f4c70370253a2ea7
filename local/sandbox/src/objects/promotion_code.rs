//! A promotion code: what a customer types in to redeem a coupon.

use super::coupon;
use crate::error::{ApiError, Result};
use crate::list::{fits, page};
use crate::params::call::{Answer, Call};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A promotion code as its creation describes it.
pub(crate) fn new(world: &World, params: &Value) -> Result<Value> {
    let id = params
        .text("promotion.coupon")
        .ok_or_else(|| ApiError::missing("promotion[coupon]"))?;
    let coupon = world.at_param(Kind::Coupon, id, "promotion[coupon]")?;
    if !coupon::is_valid(&coupon, world.now()) {
        let message = "The coupon of this promotion code can no longer be redeemed.";
        return Err(ApiError::invalid(message)
            .with_code("coupon_expired")
            .with_param("promotion[coupon]"));
    }
    if let Some(customer) = params.text("customer") {
        super::customer::named(world, customer, "customer")?;
    }
    if params.int("max_redemptions").is_some_and(|most| most < 1) {
        return Err(coupon::at_least_one("max_redemptions"));
    }
    if params.int("expires_at").is_some_and(|at| at <= world.now()) {
        let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
        return Err(ApiError::invalid(message).with_param("expires_at"));
    }
    let late = |at: i64| coupon.int("redeem_by").is_some_and(|by| at > by);
    if params.int("expires_at").is_some_and(late) {
        let message = "`expires_at` cannot be later than the coupon's `redeem_by`.";
        return Err(ApiError::invalid(message).with_param("expires_at"));
    }
    let code = code(world, params)?;
    let active = params.at("active").as_bool().unwrap_or(true);
    Ok(json!({
        "id": ids::id("promo"),
        "object": "promotion_code",
        "active": active,
        "code": code,
        "created": world.now(),
        "customer": params.at("customer"),
        "customer_account": null,
        "expires_at": params.at("expires_at"),
        "livemode": false,
        "max_redemptions": params.at("max_redemptions"),
        "metadata": {},
        "promotion": {"coupon": coupon.id(), "type": "coupon"},
        "restrictions": restrictions(params.at("restrictions"))?,
        "times_redeemed": 0,
        "_active": active,
    }))
}

fn restrictions(given: &Value) -> Result<Value> {
    if given.has("currency_options") {
        return Err(ApiError::not_simulated("restrictions[currency_options]"));
    }
    if given.has("minimum_amount") != given.has("minimum_amount_currency") {
        let missing = if given.has("minimum_amount") {
            "restrictions[minimum_amount_currency]"
        } else {
            "restrictions[minimum_amount]"
        };
        return Err(ApiError::missing(missing));
    }
    if given.int("minimum_amount").is_some_and(|least| least < 1) {
        return Err(coupon::at_least_one("restrictions[minimum_amount]"));
    }
    Ok(json!({
        "first_time_transaction": given.flag("first_time_transaction"),
        "minimum_amount": given.at("minimum_amount"),
        "minimum_amount_currency": given.text("minimum_amount_currency").map(str::to_lowercase),
    }))
}

/// The code, which no other active one may have for the same customers, whatever its case.
fn code(world: &World, params: &Value) -> Result<String> {
    let Some(code) = params.owned("code") else {
        return Ok(ids::random(8).to_uppercase());
    };
    if code.len() > 500
        || !code
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-')
    {
        let message = "A promotion code may only have letters, digits and dashes.";
        return Err(ApiError::validation(message).with_param("code"));
    }
    check_unique(world, &code, params.at("customer"), "")?;
    Ok(code)
}

/// Refuses a code that an active one has already which can be redeemed by the same customer.
pub(crate) fn check_unique(world: &World, code: &str, customer: &Value, own: &str) -> Result<()> {
    let taken = world.store.newest_first(Kind::PromotionCode).any(|other| {
        other.id() != own
            && other
                .text("code")
                .is_some_and(|it| it.eq_ignore_ascii_case(code))
            && (other.at("customer") == customer || !other.has("customer") || customer.is_null())
            && is_active(world, other, world.now())
    });
    if taken {
        let message = format!("An active promotion code with `code: {code}` already exists.");
        return Err(ApiError::invalid(message)
            .with_code("resource_already_exists")
            .with_param("code"));
    }
    Ok(())
}

/// Whether the code can be redeemed at this time, its coupon included.
pub(crate) fn is_active(world: &World, code: &Value, now: i64) -> bool {
    let left = code
        .int("max_redemptions")
        .is_none_or(|most| code.int("times_redeemed").unwrap_or(0) < most);
    let coupon = code
        .text("promotion.coupon")
        .and_then(|id| world.store.get(Kind::Coupon, id));
    code.flag("_active")
        && left
        && code.int("expires_at").is_none_or(|at| now < at)
        && coupon.is_some_and(|coupon| coupon::is_valid(coupon, now))
}

/// The code with `active` as it is by now.
pub(crate) fn seen(world: &World, code: &Value) -> Value {
    let mut seen = code.clone();
    seen.set("active", is_active(world, code, world.now()));
    seen
}

/// `GET /v1/promotion_codes/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    Ok(seen(world, &world.at_path(Kind::PromotionCode, &call.id)?))
}

/// `GET /v1/promotion_codes`: `code` is looked for in any case.
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let params = &call.params;
    let url = "/v1/promotion_codes";
    let is_listed = |code: &Value, params: &Value| {
        let coupon = params.text("coupon");
        let typed = params.text("code").is_none_or(|typed| {
            code.text("code")
                .is_some_and(|it| it.eq_ignore_ascii_case(typed))
        });
        typed
            && coupon.is_none_or(|wanted| code.is("promotion.coupon", wanted))
            && fits(&seen(world, code), params, &["active", "customer"])
    };
    let mut page = page(world, Kind::PromotionCode, url, params, is_listed)?;
    if let Some(Value::Array(codes)) = page.get_mut("data") {
        for code in codes {
            // What is shown in the page lacks what `active` follows from.
            if let Some(kept) = world.store.get(Kind::PromotionCode, code.id()) {
                *code = shown(&seen(world, kept));
            }
        }
    }
    Ok(page)
}
