//! A coupon: how much it takes off, for how long, and whether it can still be redeemed.

use crate::error::{ApiError, Result};
use crate::list::{fits, page};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Percentages are kept to four decimal places.
pub(crate) const PERCENT_SCALE: i64 = 10_000;

/// A coupon as its creation describes it.
pub(crate) fn new(world: &World, params: &Value) -> Result<Value> {
    let percent = params.text("percent_off").map(percent_off).transpose()?;
    let amount = params.int("amount_off");
    check_worth(percent, amount, params)?;
    check_duration(params)?;
    if params.int("max_redemptions").is_some_and(|most| most < 1) {
        return Err(at_least_one("max_redemptions"));
    }
    if params.int("redeem_by").is_some_and(|by| by <= world.now()) {
        let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
        return Err(ApiError::invalid(message).with_param("redeem_by"));
    }
    for product in params.list("applies_to.products") {
        let id = product.as_str().unwrap_or_default();
        world.at_param(Kind::Product, id, "applies_to[products]")?;
    }
    let id = params.owned("id").unwrap_or_else(|| ids::random(8));
    let mut coupon = json!({
        "id": id,
        "object": "coupon",
        "amount_off": amount,
        "created": world.now(),
        "currency": amount.and(params.text("currency")).map(str::to_lowercase),
        "duration": params.text("duration").unwrap_or("once"),
        "duration_in_months": params.at("duration_in_months"),
        "livemode": false,
        "max_redemptions": params.at("max_redemptions"),
        "metadata": {},
        "name": params.at("name"),
        "percent_off": percent.map(shown_percent),
        "redeem_by": params.at("redeem_by"),
        "times_redeemed": 0,
        "valid": true,
        "_percent": percent,
    });
    if params.has("applies_to") {
        coupon.set("_applies_to", params.at("applies_to").clone());
    }
    set_currency_options(&mut coupon, params)?;
    Ok(coupon)
}

/// Takes over amounts in further currencies.
pub(crate) fn set_currency_options(coupon: &mut Value, params: &Value) -> Result<()> {
    for (currency, option) in params
        .at("currency_options")
        .as_object()
        .into_iter()
        .flatten()
    {
        let param = format!("currency_options[{currency}][amount_off]");
        if coupon.has("percent_off") {
            return Err(ApiError::exclusive("percent_off", "currency_options"));
        }
        if option.int("amount_off").is_none_or(|amount| amount < 1) {
            return Err(at_least_one(&param));
        }
        let path = format!("_currency_options.{}", currency.to_lowercase());
        coupon.set(&path, option.clone());
    }
    Ok(())
}

fn check_worth(percent: Option<i64>, amount: Option<i64>, params: &Value) -> Result<()> {
    match (percent, amount) {
        (Some(_), Some(_)) => Err(ApiError::exclusive("amount_off", "percent_off")),
        (None, None) => Err(ApiError::validation(
            "You must pass either `percent_off` or `amount_off` when you create a coupon.",
        )
        .with_code("parameter_missing")
        .with_param("percent_off")),
        (None, Some(amount)) if amount < 1 => Err(at_least_one("amount_off")),
        (None, Some(_)) if !params.has("currency") => Err(ApiError::missing("currency")),
        _ => Ok(()),
    }
}

fn check_duration(params: &Value) -> Result<()> {
    let repeating = params.is("duration", "repeating");
    match params.int("duration_in_months") {
        None if repeating => Err(ApiError::missing("duration_in_months")),
        Some(months) if months < 1 => Err(at_least_one("duration_in_months")),
        Some(_) if !repeating => Err(ApiError::validation(
            "`duration_in_months` can only be passed when `duration` is `repeating`.",
        )
        .with_param("duration_in_months")),
        _ => Ok(()),
    }
}

/// The refusal of a number below 1.
pub(crate) fn at_least_one(param: &str) -> ApiError {
    ApiError::validation("This value must be greater than or equal to 1.")
        .with_code("parameter_invalid_integer")
        .with_param(param)
}

/// A percentage in ten thousandths of a percent.
fn percent_off(text: &str) -> Result<i64> {
    scaled_percent(text)
        .filter(|percent| (1..=100 * PERCENT_SCALE).contains(percent))
        .ok_or_else(|| {
            let message = "Invalid percent_off: must be above 0, at most 100, and with at most four decimal places.";
            ApiError::validation(message).with_param("percent_off")
        })
}

/// The number in ten thousandths, if it has no more than four decimal places.
pub(crate) fn scaled_percent(text: &str) -> Option<i64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if places.len() > 4 || whole.starts_with('-') || !places.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| *whole <= 1_000_000)?;
    let places: i64 = format!("{places:0<4}").parse().ok()?;
    Some(whole * PERCENT_SCALE + places)
}

/// The percentage as the API shows it: a number without needless decimals.
pub(crate) fn shown_percent(scaled: i64) -> Value {
    let (whole, places) = (scaled / PERCENT_SCALE, scaled % PERCENT_SCALE);
    if places == 0 {
        return json!(whole);
    }
    json!(format!("{whole}.{places:04}").parse::<f64>().unwrap_or(0.0))
}

/// Whether the coupon can be redeemed at this time.
pub(crate) fn is_valid(coupon: &Value, now: i64) -> bool {
    let left = coupon
        .int("max_redemptions")
        .is_none_or(|most| coupon.int("times_redeemed").unwrap_or(0) < most);
    left && coupon.int("redeem_by").is_none_or(|by| now < by)
}

/// The coupon with `valid` as it is by now.
pub(crate) fn seen(world: &World, coupon: &Value) -> Value {
    let mut seen = coupon.clone();
    seen.set("valid", is_valid(coupon, world.now()));
    seen
}

/// What the coupon takes off in this currency, if it is an amount. A percentage has none.
pub(crate) fn amount_in(coupon: &Value, currency: &str) -> Option<i64> {
    if coupon.is("currency", currency) {
        return coupon.int("amount_off");
    }
    coupon.int(&format!("_currency_options.{currency}.amount_off"))
}

/// Whether the coupon may take something off this product.
pub(crate) fn applies_to(coupon: &Value, product: &str) -> bool {
    let products = coupon.list("_applies_to.products");
    products.is_empty() || products.iter().any(|it| it.as_str() == Some(product))
}

/// `GET /v1/coupons/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    Ok(seen(world, &world.at_path(Kind::Coupon, &call.id)?))
}

/// `GET /v1/coupons`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let mut list = page(
        world,
        Kind::Coupon,
        "/v1/coupons",
        &call.params,
        |coupon, params| fits(coupon, params, &[]),
    )?;
    let seen: Vec<Value> = list.list("data").iter().map(|it| seen(world, it)).collect();
    list.set("data", seen);
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::{amount_in, applies_to, is_valid, scaled_percent, shown_percent};
    use serde_json::json;

    #[test]
    fn a_percentage_is_read_to_four_places_and_shown_as_a_number() {
        assert_eq!(scaled_percent("25"), Some(250_000));
        assert_eq!(scaled_percent("33.3333"), Some(333_333));
        assert_eq!(scaled_percent("12.5"), Some(125_000));
        for wrong in ["33.33333", "-1", "x", "1e1", "", "1.x"] {
            assert_eq!(scaled_percent(wrong), None, "{wrong}");
        }
        assert_eq!(shown_percent(250_000), json!(25));
        assert_eq!(shown_percent(125_000), json!(12.5));
    }

    #[test]
    fn a_coupon_is_valid_until_its_time_or_its_redemptions_are_used_up() {
        assert!(is_valid(
            &json!({"redeem_by": 10, "max_redemptions": 1, "times_redeemed": 0}),
            9
        ));
        assert!(!is_valid(
            &json!({"redeem_by": 10, "times_redeemed": 0}),
            10
        ));
        assert!(!is_valid(
            &json!({"max_redemptions": 1, "times_redeemed": 1}),
            0
        ));
    }

    #[test]
    fn a_coupon_is_worth_something_in_its_currencies_and_for_its_products() {
        let coupon = json!({
            "currency": "usd", "amount_off": 500,
            "_currency_options": {"eur": {"amount_off": 450}},
            "_applies_to": {"products": ["prod_1"]},
        });
        assert_eq!(amount_in(&coupon, "usd"), Some(500));
        assert_eq!(amount_in(&coupon, "eur"), Some(450));
        assert_eq!(amount_in(&coupon, "gbp"), None);
        assert!(applies_to(&coupon, "prod_1") && !applies_to(&coupon, "prod_2"));
        assert!(applies_to(&json!({}), "prod_2"));
    }
}
