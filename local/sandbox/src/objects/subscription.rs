//! A subscription with its items.

use super::{merge_metadata, refuse_unsimulated};
use crate::error::{ApiError, Result};
use crate::list::{fits, in_range};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Stripe's limit for a subscription.
const MOST_ITEMS: usize = 20;

/// A subscription as its creation describes it, without its first invoice.
pub(crate) fn new(
    world: &World,
    params: &Value,
    customer: &Value,
    trial_end: Option<i64>,
) -> Result<Value> {
    let id = ids::id("sub");
    let now = world.now_for(customer);
    let items = items(world, params, &id, now)?;
    let currency = items
        .first()
        .map(|item| item.at("price.currency").clone())
        .unwrap_or_default();
    check_currency(world, customer, &currency)?;
    let behavior = params.at("trial_settings.end_behavior");
    Ok(json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
        "billing_cycle_anchor": trial_end.unwrap_or(now),
        "billing_cycle_anchor_config": null,
        "billing_mode": billing_mode(params.text("billing_mode.type").unwrap_or("flexible")),
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": {"comment": null, "feedback": null, "feedback_option": null, "reason": null},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer.id(),
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": params.at("default_payment_method"),
        "default_source": null,
        "default_tax_rates": [],
        "description": params.at("description"),
        "discounts": [],
        "ended_at": null,
        "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": {"type": "self"}},
        "items": {"object": "list", "data": items, "has_more": false, "url": format!("/v1/subscription_items?subscription={id}")},
        "latest_invoice": null,
        "livemode": false,
        "managed_payments": null,
        "metadata": {},
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": payment_settings(params.at("payment_settings"))?,
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": now,
        "status": if trial_end.is_some() { "trialing" } else { "incomplete" },
        "test_clock": customer.at("test_clock"),
        "transfer_data": null,
        "trial_end": trial_end,
        "trial_settings": {"end_behavior": {
            "billing_cycle_anchor": behavior.at("billing_cycle_anchor"),
            "missing_payment_method": behavior.text("missing_payment_method").unwrap_or("create_invoice"),
        }},
        "trial_start": trial_end.map(|_| now),
        "_clock": customer.at("_clock"),
    }))
}

/// A customer cannot have two active subscriptions with different currencies
/// (<https://docs.stripe.com/invoicing/multi-currency-customers>).
fn check_currency(world: &World, customer: &Value, currency: &Value) -> Result<()> {
    let mut all = world.store.oldest_first(Kind::Subscription);
    let other = all.find(|it| {
        it.is("customer", customer.id()) && !is_over(it) && it.at("currency") != currency
    });
    match other.and_then(|it| it.text("currency")) {
        None => Ok(()),
        Some(other) => Err(ApiError::invalid(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency {other}."
        ))),
    }
}

fn billing_mode(kind: &str) -> Value {
    let flexible = (kind == "flexible").then(|| json!({"proration_discounts": "included"}));
    json!({"flexible": flexible, "type": kind})
}

/// The settings as they are shown; Stripe's own list of types may hold `amazon_pay`, but has no options for it.
pub(crate) fn payment_settings(given: &Value) -> Result<Value> {
    if given.has("payment_method_options") {
        return Err(ApiError::not_simulated(
            "payment_settings[payment_method_options]",
        ));
    }
    Ok(json!({
        "payment_method_options": null,
        "payment_method_types": given.at("payment_method_types"),
        "save_default_payment_method": given.text("save_default_payment_method").unwrap_or("off"),
    }))
}

fn items(world: &World, params: &Value, subscription: &str, now: i64) -> Result<Vec<Value>> {
    let wanted = params.list("items");
    if wanted.is_empty() {
        return Err(ApiError::missing("items"));
    }
    if wanted.len() > MOST_ITEMS {
        return Err(ApiError::validation(format!(
            "A subscription takes at most {MOST_ITEMS} items."
        ))
        .with_param("items"));
    }
    let mut items: Vec<Value> = Vec::new();
    for (index, wanted) in wanted.iter().enumerate() {
        refuse_unsimulated(
            wanted,
            &format!("items[{index}]"),
            &["price", "quantity", "metadata"],
        )?;
        let param = format!("items[{index}][price]");
        let id = wanted
            .text("price")
            .ok_or_else(|| ApiError::missing(&param))?;
        let price = price_of(world, id, &param)?;
        let mut item = item(
            &ids::id("si"),
            subscription,
            &price,
            wanted.int("quantity").unwrap_or(1),
            now,
        );
        merge_metadata(&mut item, wanted);
        if let Some(first) = items.first() {
            for field in ["currency", "recurring.interval", "recurring.interval_count"] {
                if first.at("price").at(field) != price.at(field) {
                    let message =
                        format!("All prices on a subscription must have the same {field}.");
                    return Err(ApiError::invalid(message).with_param(param));
                }
            }
        }
        items.push(item);
    }
    Ok(items)
}

/// Lets the current period end when the subscription does, if that is earlier.
pub(crate) fn shorten_period(subscription: &mut Value) {
    let full = subscription.int("items.data.0.current_period_end");
    let start = subscription.int("items.data.0.current_period_start");
    let (Some(full), Some(start), Some(at)) = (full, start, subscription.int("cancel_at")) else {
        return;
    };
    if at < full {
        subscription.set("_full_period_end", full);
        set_period(subscription, start, at);
    }
}

/// Takes back what [`shorten_period`] did.
pub(crate) fn restore_period(subscription: &mut Value) {
    let start = subscription.int("items.data.0.current_period_start");
    if let (Some(full), Some(start)) = (subscription.int("_full_period_end"), start) {
        subscription.set("_full_period_end", Value::Null);
        set_period(subscription, start, full);
    }
}

/// A subscription that has not ended. Stripe no longer finds one that has.
pub(crate) fn living(world: &World, id: &str) -> Result<Value> {
    let subscription = world.at_path(Kind::Subscription, id)?;
    if is_over(&subscription) {
        Err(Kind::Subscription.no_such(id, "id").with_status(404))
    } else {
        Ok(subscription)
    }
}

/// A subscription item for a price.
pub(crate) fn item(
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
    })
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

/// Whether the subscription has ended for good.
pub(crate) fn is_over(subscription: &Value) -> bool {
    matches!(
        subscription.text("status"),
        Some("canceled" | "incomplete_expired")
    )
}

/// The payment method that pays for a subscription. A list of types, if there is one, must include its type.
pub(crate) fn method_of(world: &World, subscription: &Value) -> Option<Value> {
    let customer = world
        .store
        .get(Kind::Customer, subscription.text("customer")?)?;
    let id = subscription
        .text("default_payment_method")
        .or(customer.text("invoice_settings.default_payment_method"))?;
    let method = world.store.get(Kind::PaymentMethod, id)?;
    let types = subscription.at("payment_settings.payment_method_types");
    types
        .as_array()
        .is_none_or(|types| types.contains(method.at("type")))
        .then(|| method.clone())
}

/// How often the subscription renews.
pub(crate) fn interval(subscription: &Value) -> (String, i64) {
    let recurring = subscription.at("items.data.0.price.recurring");
    (
        recurring.text("interval").unwrap_or("month").to_owned(),
        recurring.int("interval_count").unwrap_or(1),
    )
}

/// Writes the period into every item.
pub(crate) fn set_period(subscription: &mut Value, start: i64, end: i64) {
    for index in 0..subscription.list("items.data").len() {
        subscription.set(&format!("items.data.{index}.current_period_start"), start);
        subscription.set(&format!("items.data.{index}.current_period_end"), end);
    }
}

/// Whether a list with these parameters has the subscription; without `status`, ended ones are left out.
pub(crate) fn is_listed(subscription: &Value, params: &Value) -> bool {
    let status = match params.text("status") {
        None => !is_over(subscription),
        Some("all") => true,
        Some("ended") => is_over(subscription),
        Some(status) => subscription.is("status", status),
    };
    let price = params.text("price").is_none_or(|price| {
        subscription
            .list("items.data")
            .iter()
            .any(|item| item.is("price.id", price))
    });
    let period = |name: &str| in_range(subscription.at("items.data.0").int(name), params.at(name));
    status
        && price
        && fits(
            subscription,
            params,
            &["customer", "test_clock", "collection_method"],
        )
        && period("current_period_start")
        && period("current_period_end")
}
