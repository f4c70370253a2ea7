//! Creating a subscription and charging its first invoice.

use super::setup_intents;
use crate::billing::attempt::Presence;
use crate::billing::periods::{days, next_end};
use crate::billing::{collect, invoicing};
use crate::error::{ApiError, Result};
use crate::objects::invoice::{self, Bill};
use crate::objects::{customer, merge_metadata, subscription};
use crate::params::call::{Answer, Call, Client};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// How long the first payment may take.
///
/// <https://docs.stripe.com/billing/subscriptions/overview#subscription-lifecycle> says about 23 hours.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;

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
    let customer = customer::named(world, customer, "customer")?;
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
        customer::belongs_to(world, method, customer.id(), "default_payment_method")?;
    }
    let now = world.now_for(&customer);
    let trial_end = trial_end(params, now)?;
    let mut subscription = subscription::new(world, params, &customer, trial_end)?;
    let id = subscription.id().to_owned();
    let (interval, count) = subscription::interval(&subscription);
    let end = trial_end.unwrap_or_else(|| next_end(now, &interval, count, now));
    subscription::set_period(&mut subscription, now, end);
    apply_cancellation(&mut subscription, params, now)?;
    merge_metadata(&mut subscription, params);
    if trial_end.is_some() && subscription::method_of(world, &subscription).is_none() {
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
    let method = invoice::method_for(world, invoice);
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
    subscription::restore_period(subscription);
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
    subscription::shorten_period(subscription);
    Ok(())
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
        client: Client::default(),
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
