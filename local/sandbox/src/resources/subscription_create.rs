//! Creating a subscription and charging its first invoice.

use super::subscriptions::{item, price_of};
use super::{Answer, Call, merge_metadata, setup_intents};
use crate::billing::attempt::Presence;
use crate::billing::invoicing::{self, Bill};
use crate::billing::periods::{days, next_end};
use crate::billing::{collect, renew};
use crate::error::{ApiError, Result};
use crate::resources::customers;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// How long the first payment may take.
///
/// <https://docs.stripe.com/billing/subscriptions/overview#subscription-lifecycle> says about 23 hours.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;

/// Stripe's limit for a subscription.
const MOST_ITEMS: usize = 20;

/// Stripe's limit of a trial in days.
const LONGEST_TRIAL_DAYS: i64 = 730;

/// How long before its end a trial is announced.
const TRIAL_NOTICE_DAYS: i64 = 3;

/// `POST /v1/subscriptions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    let customer = customers::named(world, customer, "customer")?;
    if params.is("collection_method", "send_invoice") {
        return Err(ApiError::not_simulated("collection_method=send_invoice"));
    }
    if params.is("payment_behavior", "pending_if_incomplete") {
        return Err(ApiError::validation(
            "Invalid payment_behavior: pending_if_incomplete is for updates.",
        )
        .with_param("payment_behavior"));
    }
    if let Some(method) = params.text("default_payment_method") {
        customers::belongs_to(world, method, customer.id(), "default_payment_method")?;
    }
    let now = world.now_for(&customer);
    let trial_end = trial_end(params, now)?;
    let mut subscription = new_subscription(world, params, &customer, trial_end)?;
    let id = subscription.id().to_owned();
    let (interval, count) = renew::interval(&subscription);
    let end = trial_end.unwrap_or_else(|| next_end(now, &interval, count, now));
    renew::set_period(&mut subscription, now, end);
    apply_cancellation(&mut subscription, params, now)?;
    merge_metadata(&mut subscription, params);
    if trial_end.is_some() && collect::method_of(world, &subscription).is_none() {
        subscription.set("pending_setup_intent", setup_for(world, &subscription)?);
    }
    world.create(&subscription, "customer.subscription.created");
    let draft = invoicing::draft(
        world,
        &subscription,
        Bill {
            reason: "subscription_create",
            from: now,
            to: end,
            trial: trial_end.is_some(),
        },
    );
    subscription.set("latest_invoice", draft.id());
    world.save(&subscription);
    schedule(world, &subscription, now, end);
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        first_charge(world, &invoice, params)?;
    }
    world.get(Kind::Subscription, &id)
}

/// Charges the first invoice as `payment_behavior` says.
fn first_charge(world: &mut World, invoice: &Value, params: &Value) -> Result<()> {
    let method = collect::method_for(world, invoice);
    let presence = Presence::by(params.at("off_session"));
    match params.text("payment_behavior") {
        Some("default_incomplete") => Ok(()),
        // The error undoes the whole creation, and is what the idempotency key answers from then on.
        Some("error_if_incomplete") => {
            collect::charge(world, invoice, method.as_ref(), presence).map(drop)
        }
        _ => match (
            collect::charge(world, invoice, method.as_ref(), presence),
            method,
        ) {
            // Without any payment method Stripe refuses to create the subscription at all.
            (Err(error), None) => Err(error),
            // A decline leaves the subscription incomplete; it is for the caller to see.
            (_, _) => Ok(()),
        },
    }
}

/// A customer cannot have two active subscriptions with different currencies
/// (<https://docs.stripe.com/invoicing/multi-currency-customers>).
fn check_currency(world: &World, customer: &Value, currency: &Value) -> Result<()> {
    let mut all = world.store.oldest_first(Kind::Subscription);
    let other = all.find(|it| {
        let ended = matches!(it.text("status"), Some("canceled" | "incomplete_expired"));
        it.is("customer", customer.id()) && !ended && it.at("currency") != currency
    });
    match other.and_then(|it| it.text("currency")) {
        None => Ok(()),
        Some(other) => Err(ApiError::invalid(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency {other}."
        ))),
    }
}

fn new_subscription(
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

/// Refuses what an inner hash holds beyond the names that the sandbox acts on.
pub(crate) fn refuse_unsimulated(given: &Value, inside: &str, simulated: &[&str]) -> Result<()> {
    match given
        .as_object()
        .into_iter()
        .flatten()
        .find(|(name, _)| !simulated.contains(&name.as_str()))
    {
        Some((name, _)) => Err(ApiError::not_simulated(&format!("{inside}[{name}]"))),
        None => Ok(()),
    }
}

fn trial_end(params: &Value, now: i64) -> Result<Option<i64>> {
    if params.has("trial_end") && params.has("trial_period_days") {
        return Err(ApiError::exclusive("trial_end", "trial_period_days"));
    }
    let (end, param) = match (params.at("trial_end"), params.int("trial_period_days")) {
        (Value::String(_), _) => return Ok(None),
        (Value::Number(end), _) => (end.as_i64().unwrap_or(0), "trial_end"),
        (_, Some(days_of_trial)) if days_of_trial < 1 => {
            return Err(
                ApiError::validation("The minimum number of trial period days is 1.")
                    .with_param("trial_period_days"),
            );
        }
        (_, Some(days_of_trial)) => (
            now.saturating_add(days(days_of_trial.min(10_000))),
            "trial_period_days",
        ),
        _ => return Ok(None),
    };
    if end <= now {
        return Err(ApiError::invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
        )
        .with_param(param));
    }
    if end > now + days(LONGEST_TRIAL_DAYS) {
        let message = format!("A trial can be at most {LONGEST_TRIAL_DAYS} days long.");
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(Some(end))
}

/// Takes over `cancel_at` and `cancel_at_period_end`. An end inside the current period shortens that period, and
/// taking it back restores it; the credit for the rest is not simulated.
pub(crate) fn apply_cancellation(subscription: &mut Value, params: &Value, now: i64) -> Result<()> {
    let ends = |subscription: &Value| {
        let items = subscription.list("items.data").to_vec();
        items
            .into_iter()
            .filter_map(|item| item.int("current_period_end"))
            .collect::<Vec<_>>()
    };
    let cancel_at = match params.get("cancel_at") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(Value::Number(at)) if at.as_i64().is_some_and(|at| at > now) => Some(at.as_i64()),
        Some(Value::String(text)) if text == "min_period_end" => {
            Some(ends(subscription).into_iter().min())
        }
        Some(Value::String(text)) if text == "max_period_end" => {
            Some(ends(subscription).into_iter().max())
        }
        Some(Value::String(text)) if text.is_empty() => Some(None),
        Some(Value::String(text)) => {
            return Err(ApiError::not_simulated(&format!("cancel_at={text}")));
        }
        Some(_) => {
            return Err(
                ApiError::invalid("`cancel_at` must be a timestamp in the future.")
                    .with_param("cancel_at"),
            );
        }
    };
    let at_end = params.at("cancel_at_period_end").as_bool();
    if cancel_at.flatten().is_some() && at_end == Some(true) {
        return Err(ApiError::exclusive("cancel_at", "cancel_at_period_end"));
    }
    if cancel_at.is_none() && at_end.is_none() {
        return Ok(());
    }
    restore_period(subscription);
    let at = match (at_end, cancel_at) {
        (Some(true), _) => ends(subscription).into_iter().max(),
        (_, at) => at.flatten(),
    };
    subscription.set("cancel_at_period_end", at_end == Some(true));
    subscription.set("cancel_at", at);
    subscription.set("canceled_at", at.map(|_| now));
    subscription.set(
        "cancellation_details.reason",
        at.map(|_| "cancellation_requested"),
    );
    shorten_period(subscription);
    Ok(())
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
        renew::set_period(subscription, start, at);
    }
}

fn restore_period(subscription: &mut Value) {
    let start = subscription.int("items.data.0.current_period_start");
    if let (Some(full), Some(start)) = (subscription.int("_full_period_end"), start) {
        subscription.set("_full_period_end", Value::Null);
        renew::set_period(subscription, start, full);
    }
}

/// A SetupIntent with which the customer of a trial can still give a payment method.
fn setup_for(world: &mut World, subscription: &Value) -> Result<String> {
    let mut params = json!({"customer": subscription.at("customer"), "usage": "off_session"});
    let types = subscription.at("payment_settings.payment_method_types");
    if !types.is_null() {
        params.set("allowed_payment_method_types", types.clone());
    }
    let call = Call {
        id: String::new(),
        params,
        from_page: false,
        client: super::Client::default(),
    };
    Ok(setup_intents::create(world, &call)?.id().to_owned())
}

/// Sets what will happen by itself.
pub(crate) fn schedule(world: &mut World, subscription: &Value, now: i64, end: i64) {
    world.schedule(Due::PeriodEnds, subscription, end);
    if subscription.is("status", "incomplete") {
        world.schedule(
            Due::IncompleteExpires,
            subscription,
            now + INCOMPLETE_SECONDS,
        );
    }
    if let Some(trial_end) = subscription.int("trial_end") {
        world.schedule(
            Due::TrialWillEnd,
            subscription,
            (trial_end - days(TRIAL_NOTICE_DAYS)).max(now),
        );
    }
    match subscription.int("cancel_at") {
        Some(at) if !subscription.flag("cancel_at_period_end") => {
            world.schedule(Due::CancelAt, subscription, at);
        }
        _ => world.unschedule(Due::CancelAt, subscription.id()),
    }
}
