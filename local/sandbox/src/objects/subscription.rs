//! A subscription with its items.

use super::invoice_line::Period;
use super::subscription_item;
use crate::error::{ApiError, Result};
use crate::list::{fits, in_range};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// A subscription of these items as its creation describes it, without periods and without its first invoice.
pub(crate) fn new(
    world: &World,
    params: &Value,
    customer: &Value,
    id: &str,
    items: Vec<Value>,
    trial_end: Option<i64>,
) -> Result<Value> {
    let now = world.now_for(customer);
    let currency = items
        .first()
        .map(|item| item.at("price.currency").clone())
        .unwrap_or_default();
    check_currency(world, customer, &currency)?;
    let behavior = params.at("trial_settings.end_behavior");
    let mut subscription = json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
        "billing_cycle_anchor": trial_end.unwrap_or(now),
        "billing_cycle_anchor_config": null,
        "billing_mode": billing_mode(params.at("billing_mode"))?,
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
        "items": {"object": "list", "data": [], "has_more": false, "url": format!("/v1/subscription_items?subscription={id}")},
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
    });
    // The macro would copy them.
    subscription.set("items.data", items);
    Ok(subscription)
}

/// A customer cannot have two active subscriptions with different currencies
/// (<https://docs.stripe.com/invoicing/multi-currency-customers>).
fn check_currency(world: &World, customer: &Value, currency: &Value) -> Result<()> {
    let mut all = world
        .store
        .having(Kind::Subscription, "customer", customer.id());
    let other = all.find(|it| !is_over(it) && it.at("currency") != currency);
    match other.and_then(|it| it.text("currency")) {
        None => Ok(()),
        Some(other) => Err(ApiError::invalid(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency {other}."
        ))),
    }
}

/// The billing mode that was asked for; flexible if none was.
pub(crate) fn billing_mode(given: &Value) -> Result<Value> {
    if given.is("flexible.proration_discounts", "itemized") {
        let param = "billing_mode[flexible][proration_discounts]";
        return Err(ApiError::not_simulated(param));
    }
    let kind = given.text("type").unwrap_or("flexible");
    let flexible = (kind == "flexible").then(|| json!({"proration_discounts": "included"}));
    Ok(json!({"flexible": flexible, "type": kind}))
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

/// A subscription that has not ended. Stripe no longer finds one that has.
pub(crate) fn living(world: &World, id: &str) -> Result<Value> {
    let subscription = world.at_path(Kind::Subscription, id)?;
    if is_over(&subscription) {
        Err(Kind::Subscription.no_such(id, "id").with_status(404))
    } else {
        Ok(subscription)
    }
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

/// The intervals of the subscription's items.
pub(crate) fn intervals(subscription: &Value) -> impl Iterator<Item = (&str, i64)> {
    let items = subscription.list("items.data").iter();
    items.map(subscription_item::interval)
}

/// Whether prorations and invoices are those of flexible billing mode
/// (<https://docs.stripe.com/billing/subscriptions/billing-mode>).
pub(crate) fn is_flexible(subscription: &Value) -> bool {
    subscription.is("billing_mode.type", "flexible")
}

/// The period of the subscription, from the earliest start of its items' to their earliest end.
pub(crate) fn period(subscription: &Value) -> Option<Period> {
    let all = |name: &str| {
        let items = subscription.list("items.data").iter();
        items.filter_map(|item| item.int(name)).min()
    };
    Some(Period {
        start: all("current_period_start")?,
        end: all("current_period_end")?,
    })
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
