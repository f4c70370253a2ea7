//! A subscription schedule: what becomes of a subscription later
//! (<https://docs.stripe.com/billing/subscriptions/subscription-schedules>).

use crate::objects::discount;
use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// The schedule that `from_subscription` makes: one phase, which is what the subscription is now.
pub(crate) fn of(world: &World, subscription: &Value) -> Value {
    let now = world.now_for(subscription);
    let period = crate::objects::subscription::period(subscription);
    let (start, end) = period.map_or((now, now), |period| (period.start, period.end));
    let mut phase = phase(subscription, start, end, "create_prorations");
    phase.set(
        "discounts",
        discounts(world, subscription.list("discounts")),
    );
    json!({
        "id": ids::id("sub_sched"),
        "object": "subscription_schedule",
        "application": null,
        "billing_mode": subscription.at("billing_mode"),
        "canceled_at": null,
        "completed_at": null,
        "created": now,
        "current_phase": {"start_date": start, "end_date": end},
        "customer": subscription.at("customer"),
        "customer_account": null,
        "default_settings": {
            "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": subscription.flag("automatic_tax.enabled"), "liability": null},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": null,
            "collection_method": subscription.at("collection_method"),
            "default_payment_method": subscription.at("default_payment_method"),
            "description": null,
            "invoice_settings": {"account_tax_ids": null, "days_until_due": null, "issuer": {"type": "self"}},
            "on_behalf_of": null,
            "transfer_data": null,
        },
        "end_behavior": "release",
        "livemode": false,
        "metadata": {},
        "pause_schedules": [],
        "phases": [phase],
        "released_at": null,
        "released_subscription": null,
        "status": "active",
        "subscription": subscription.id(),
        "test_clock": subscription.at("test_clock"),
        "_clock": subscription.at("_clock"),
    })
}

/// A phase that sells what the subscription sells.
pub(crate) fn phase(subscription: &Value, start: i64, end: i64, proration: &str) -> Value {
    let items: Vec<Value> = subscription
        .list("items.data")
        .iter()
        .map(|it| item(it.text("price.id").unwrap_or_default(), it.int("quantity")))
        .collect();
    let trial_end = subscription.int("trial_end").filter(|at| *at > start);
    json!({
        "add_invoice_items": [],
        "application_fee_percent": null,
        "billing_cycle_anchor": null,
        "billing_thresholds": null,
        "collection_method": null,
        "currency": subscription.at("currency"),
        "default_payment_method": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "end_date": end,
        "invoice_settings": null,
        "items": items,
        "metadata": {},
        "on_behalf_of": null,
        "proration_behavior": proration,
        "start_date": start,
        "transfer_data": null,
        "trial_end": trial_end,
    })
}

/// Discounts as a phase has them.
pub(crate) fn discounts(world: &World, ids: &[Value]) -> Vec<Value> {
    let known = ids.iter().filter_map(|id| discount::known(world, id));
    known
        .map(|it| {
            json!({
                "coupon": it.at("source.coupon"),
                "discount": it.id(),
                "promotion_code": it.at("promotion_code"),
            })
        })
        .collect()
}

/// What a phase sells: a price, and how many.
pub(crate) fn item(price: &str, quantity: Option<i64>) -> Value {
    json!({
        "billing_thresholds": null,
        "discounts": [],
        "metadata": {},
        "plan": price,
        "price": price,
        "quantity": quantity.unwrap_or(1),
        "tax_rates": [],
    })
}

/// Whether it still decides about its subscription.
pub(crate) fn is_on(schedule: &Value) -> bool {
    schedule.is("status", "active") || schedule.is("status", "not_started")
}
