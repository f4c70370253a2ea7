//! Redeeming coupons and promotion codes, and taking discounts away.

use crate::billing::discounts;
use crate::billing::periods::add_months;
use crate::error::{ApiError, Result};
use crate::objects::discount::{self, Place};
use crate::objects::{coupon, customer, promotion_code};
use crate::params::call::{Answer, Call};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// Stripe's limit of discounts in a list.
const MOST: usize = 20;

/// What codes are checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// What is bought with it in this currency.
    pub(crate) currency: &'a str,
    /// Its price without discounts and taxes; without one, a code that asks for a least amount is refused.
    pub(crate) subtotal: Option<i64>,
}

/// The ids of the discounts that a `discounts` parameter asks for: those of `before` that it names, and new ones. Those of
/// `before` that it does not name are over. `None` leaves everything as it is.
pub(crate) fn replace(
    world: &mut World,
    given: Option<&Value>,
    before: &[Value],
    place: &Place<'_>,
    order: Order<'_>,
    param: &str,
) -> Result<Option<Vec<Value>>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let wanted = given.as_array().map_or(&[][..], Vec::as_slice);
    // An empty list changes nothing; only an empty string clears.
    if wanted.is_empty() && given.is_array() {
        return Ok(None);
    }
    if wanted.len() > MOST {
        let message = format!("At most {MOST} discounts can be applied.");
        return Err(ApiError::validation(message).with_param(param));
    }
    let mut ids: Vec<Value> = Vec::new();
    let mut coupons: Vec<String> = Vec::new();
    for (index, wanted) in wanted.iter().enumerate() {
        let found = one(
            world,
            wanted,
            before,
            place,
            order,
            &format!("{param}[{index}]"),
        )?;
        let coupon = found.owned("source.coupon").unwrap_or_default();
        if coupons.contains(&coupon) {
            let message = format!("The coupon {coupon} cannot be applied twice.");
            return Err(ApiError::invalid(message).with_param(format!("{param}[{index}]")));
        }
        coupons.push(coupon);
        ids.push(json!(found.id()));
    }
    for id in before.iter().filter(|id| !ids.contains(id)) {
        if let Some(old) = discount::known(world, id).cloned() {
            discounts::close(world, &old);
        }
    }
    Ok(Some(ids))
}

/// One entry of the list: a discount that is kept, or one that is made.
fn one(
    world: &mut World,
    wanted: &Value,
    before: &[Value],
    place: &Place<'_>,
    order: Order<'_>,
    param: &str,
) -> Result<Value> {
    let named =
        ["coupon", "promotion_code", "discount"].map(|name| wanted.text(name).map(str::to_owned));
    match named {
        [Some(id), None, None] => {
            let param = format!("{param}[coupon]");
            let coupon = world.at_param(Kind::Coupon, &id, &param)?;
            redeem(world, &coupon, None, place, order, &param)
        }
        [None, Some(id), None] => {
            let param = format!("{param}[promotion_code]");
            let code = world.at_param(Kind::PromotionCode, &id, &param)?;
            check_code(world, &code, place, order, &param)?;
            let coupon = world.get(
                Kind::Coupon,
                code.text("promotion.coupon").unwrap_or_default(),
            )?;
            redeem(world, &coupon, Some(&code), place, order, &param)
        }
        [None, None, Some(id)] => {
            let param = format!("{param}[discount]");
            let known = world.at_param(Kind::Discount, &id, &param)?;
            let kept = before.iter().any(|it| it.as_str() == Some(id.as_str()));
            if !kept || known.flag("deleted") {
                return Err(Kind::Discount.no_such(&id, &param));
            }
            Ok(known)
        }
        [None, None, None] => Err(ApiError::missing(&format!("{param}[coupon]"))),
        _ => Err(ApiError::validation(
            "You may only specify one of these parameters: coupon, promotion_code, discount.",
        )
        .with_code("parameters_exclusive")
        .with_param(param)),
    }
}

/// Makes a discount of a coupon, which is redeemed once more by that, as is the code.
fn redeem(
    world: &mut World,
    coupon: &Value,
    code: Option<&Value>,
    place: &Place<'_>,
    order: Order<'_>,
    param: &str,
) -> Result<Value> {
    let customer = world.get(Kind::Customer, place.customer)?;
    let now = world.now_for(&customer);
    if !coupon::is_valid(coupon, now) {
        return Err(
            ApiError::invalid(format!("Coupon expired: {}", coupon.id()))
                .with_code("coupon_expired")
                .with_param(param),
        );
    }
    if coupon.has("amount_off") && coupon::amount_in(coupon, order.currency).is_none() {
        let message = format!(
            "The coupon {} takes an amount off in {} and cannot be applied to prices in {}.",
            coupon.id(),
            coupon.text("currency").unwrap_or_default(),
            order.currency
        );
        return Err(ApiError::invalid(message).with_param(param));
    }
    let months = coupon.int("duration_in_months");
    let end = months.map(|months| add_months(now, months));
    let made = discount::new(&customer, coupon, code.map(Fields::id), place, now, end);
    discounts::begin(world, &made);
    for (before, event) in [
        (Some(coupon), "coupon.updated"),
        (code, "promotion_code.updated"),
    ] {
        let Some(before) = before else { continue };
        let mut after = before.clone();
        after.set(
            "times_redeemed",
            before.int("times_redeemed").unwrap_or(0) + 1,
        );
        world.save(&after);
        let seen = if event == "coupon.updated" {
            coupon::seen(world, &after)
        } else {
            promotion_code::seen(world, &after)
        };
        world.update(before, &seen, event);
    }
    if place.is_told() {
        world.emit("customer.discount.created", &made);
    }
    Ok(made)
}

/// Refuses a code that this customer cannot redeem for this order. The sentence about earlier transactions is Stripe's; the
/// others are inferred.
fn check_code(
    world: &World,
    code: &Value,
    place: &Place<'_>,
    order: Order<'_>,
    param: &str,
) -> Result<()> {
    let refused = |why: &str| {
        let message = format!("This promotion code cannot be redeemed because {why}.");
        Err(ApiError::invalid(message).with_param(param))
    };
    let customer = world.get(Kind::Customer, place.customer)?;
    if !promotion_code::is_active(world, code, world.now_for(&customer)) {
        return refused("it is not active")
            .map_err(|error: ApiError| error.with_code("coupon_expired"));
    }
    if code.has("customer") && !code.is("customer", place.customer) {
        return refused("it belongs to another customer");
    }
    if code.flag("restrictions.first_time_transaction") && has_bought(world, place) {
        return refused("the associated customer has prior transactions");
    }
    let Some(least) = code.int("restrictions.minimum_amount") else {
        return Ok(());
    };
    match order.subtotal {
        None => refused(
            "codes with a minimum amount can only be applied when a subscription is created",
        ),
        Some(_) if !code.is("restrictions.minimum_amount_currency", order.currency) => {
            refused("its minimum amount is in another currency")
        }
        Some(subtotal) if subtotal < least => {
            refused("the amount is below the minimum amount of the code")
        }
        Some(_) => Ok(()),
    }
}

/// Whether the customer has begun a payment or a trial before. Stripe counts every PaymentIntent, paid or not:
/// <https://docs.stripe.com/billing/subscriptions/coupons#limit-redemption>
fn has_bought(world: &World, place: &Place<'_>) -> bool {
    let mut intents = world.store.oldest_first(Kind::PaymentIntent);
    let mut subscriptions = world.store.oldest_first(Kind::Subscription);
    intents.any(|it| it.is("customer", place.customer))
        || subscriptions.any(|it| {
            it.is("customer", place.customer)
                && it.has("trial_start")
                && Some(it.id()) != place.subscription
        })
}

/// What the Dashboard does: gives the customer a coupon for everything that they pay by subscription.
pub(crate) fn give(world: &mut World, customer: &str, given: &Value) -> Answer {
    let before = customer::living(world, customer)?;
    let place = Place {
        customer,
        ..Place::default()
    };
    let currency = before.owned("currency").unwrap_or_else(|| "usd".to_owned());
    let order = Order {
        currency: &currency,
        subtotal: None,
    };
    let old: Vec<Value> = before
        .text("discount.id")
        .map(Value::from)
        .into_iter()
        .collect();
    let wanted = json!([given]);
    let ids = replace(world, Some(&wanted), &old, &place, order, "discounts")?.unwrap_or_default();
    let made = ids
        .first()
        .and_then(|id| discount::known(world, id))
        .cloned();
    let before = world.get(Kind::Customer, customer)?;
    let mut after = before.clone();
    after.set("discount", made.map(|made| shown(&made)));
    world.update(&before, &after, "customer.updated");
    Ok(after)
}

/// `DELETE /v1/customers/{id}/discount`
pub(crate) fn delete_of_customer(world: &mut World, call: &Call) -> Answer {
    let customer = customer::living(world, &call.id)?;
    delete(world, customer.at("discount.id"), &call.id)
}

/// `DELETE /v1/subscriptions/{id}/discount`: the last one of its list.
pub(crate) fn delete_of_subscription(world: &mut World, call: &Call) -> Answer {
    let subscription = world.at_path(Kind::Subscription, &call.id)?;
    let last = subscription.list("discounts").last().cloned();
    delete(world, &last.unwrap_or_default(), &call.id)
}

fn delete(world: &mut World, id: &Value, owner: &str) -> Answer {
    let found = discount::known(world, id).cloned().ok_or_else(|| {
        ApiError::invalid(format!("No active discount for {owner}"))
            .with_status(404)
            .with_code("resource_missing")
    })?;
    discounts::end(world, &found);
    world.get(Kind::Discount, found.id())
}
