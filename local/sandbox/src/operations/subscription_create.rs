//! Creating a subscription and charging its first invoice.

use super::setup_intents;
use super::subscription_items::{self, Owner};
use super::subscription_terms;
use crate::billing::attempt::Presence;
use crate::billing::change::{self, Prorate};
use crate::billing::periods::days;
use crate::billing::retries::By;
use crate::billing::{cycle, dunning, ending, invoicing, lines, proration};
use crate::error::{ApiError, Result};
use crate::objects::invoice::{self, Bill};
use crate::objects::invoice_line::Period;
use crate::objects::{customer, merge_metadata, subscription, subscription_item};
use crate::params::call::{Answer, Call, Client};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// How long the first payment may take.
///
/// <https://docs.stripe.com/billing/subscriptions/overview#subscription-lifecycle> says about 23 hours.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;

/// Stripe's limit of a trial in days.
pub(crate) const LONGEST_TRIAL_DAYS: i64 = 730;

/// `POST /v1/subscriptions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    // Unlike elsewhere, 404: so a test account answered at 2026-08-26.dahlia.
    let customer =
        customer::named(world, customer, "customer").map_err(|error| error.with_status(404))?;
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
    let (subscription, draft) = begin(world, params, &customer, "items")?;
    subscription_terms::check_tax(world, &subscription, params)?;
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        first_charge(world, &invoice, params)?;
    }
    let mut subscription = world.get(Kind::Subscription, subscription.id())?;
    let lacks_method = subscription::method_of(world, &subscription).is_none();
    if invoice.int("amount_due") == Some(0)
        && lacks_method
        && !subscription.has("pending_setup_intent")
    {
        // There is no payment with which the customer could give one.
        subscription.set("pending_setup_intent", setup_for(world, &subscription)?);
        world.save(&subscription);
    }
    Ok(subscription)
}

/// Begins a subscription of the customer with the draft of its first invoice. `items` is the name of the list of its
/// items in the request.
pub(crate) fn begin(
    world: &mut World,
    params: &Value,
    customer: &Value,
    items: &str,
) -> Result<(Value, Value)> {
    let now = world.now_for(customer);
    let trial_end = trial_end(params, now)?;
    let anchor = anchor(params, trial_end.unwrap_or(now))?;
    let end = ending::wanted(params, now)?;
    let id = ids::id("sub");
    let owner = Owner {
        id: &id,
        currency: None,
        flexible: !params.is("billing_mode.type", "classic"),
    };
    let wanted = params.list("items");
    if wanted.is_empty() {
        return Err(ApiError::missing(items));
    }
    let items = subscription_items::changed(world, owner, &[], wanted, items, now)?;
    let mut subscription = subscription::new(world, params, customer, &id, items, trial_end)?;
    subscription.set(
        "billing_cycle_anchor",
        anchor.unwrap_or(trial_end.unwrap_or(now)),
    );
    set_periods(&mut subscription, now);
    ending::set(&mut subscription, end, now);
    // An end inside the first period shortens it, and what is billed for it.
    set_periods(&mut subscription, now);
    merge_metadata(&mut subscription, params);
    if trial_end.is_some() && subscription::method_of(world, &subscription).is_none() {
        subscription.set("pending_setup_intent", setup_for(world, &subscription)?);
    }
    subscription_terms::apply(world, &mut subscription, params, true)?;
    world.create(&subscription, "customer.subscription.created");
    let is_stub = trial_end.is_none() && anchor.is_some();
    let bill = Bill {
        reason: "subscription_create",
        period: Period {
            start: now,
            end: now,
        },
        // The time before the anchor is free unless it is prorated.
        lines: if is_stub && Prorate::by(params) == Prorate::Never {
            Vec::new()
        } else {
            let items = subscription.list("items.data").iter();
            lines::of_items(world, &subscription, items)
        },
    };
    let draft = invoicing::draft(world, &subscription, bill);
    subscription.set("latest_invoice", draft.id());
    if trial_end.is_none() {
        proration::note_debits(&mut subscription, &draft);
    }
    world.save(&subscription);
    cycle::reschedule(world, &subscription);
    cycle::announce_trial(world, &subscription);
    if subscription.is("status", "incomplete") {
        let at = now + INCOMPLETE_SECONDS;
        world.schedule(Due::IncompleteExpires, &subscription, at);
    }
    Ok((subscription, draft))
}

/// The anchor of the billing cycle, if it is given: a time after the trial, and at most an interval later is the first
/// full period (<https://docs.stripe.com/billing/subscriptions/billing-cycle>).
fn anchor(params: &Value, first: i64) -> Result<Option<i64>> {
    match params.int("billing_cycle_anchor") {
        Some(anchor) if anchor < first => {
            let message = "billing_cycle_anchor must be a timestamp in the future, and not before the trial ends.";
            Err(ApiError::invalid(message).with_param("billing_cycle_anchor"))
        }
        anchor => Ok(anchor),
    }
}

/// The first periods: the trial, or the time until the cycle's first period ends.
fn set_periods(subscription: &mut Value, now: i64) {
    let anchor = subscription.int("billing_cycle_anchor").unwrap_or(now);
    let trial = subscription
        .int("trial_end")
        .map(|end| Period { start: now, end });
    let ends_at = change::fixed_end(subscription);
    let mut items = subscription.list("items.data").to_vec();
    for item in &mut items {
        let whole = trial.unwrap_or_else(|| cycle::whole_at(item, anchor, now));
        subscription_item::set_period(item, now, whole, ends_at);
    }
    subscription.set("items.data", items);
}

/// Charges the first invoice as `payment_behavior` says.
fn first_charge(world: &mut World, invoice: &Value, params: &Value) -> Result<()> {
    if params.is("payment_behavior", "default_incomplete") {
        return Ok(());
    }
    let method = invoice::method_for(world, invoice);
    let presence = Presence::by(params.at("off_session"));
    let charged = dunning::charge(world, invoice, method.as_ref(), presence, By::Request);
    match (charged, method) {
        // The error undoes the whole creation, and is what the idempotency key answers from then on.
        (Err(error), Some(_)) if params.is("payment_behavior", "error_if_incomplete") => {
            Err(dunning::for_subscription(error))
        }
        // Without any payment method Stripe refuses to create the subscription at all.
        (Err(error), None) => Err(error),
        // A decline leaves the subscription incomplete; it is for the caller to see.
        (_, _) => Ok(()),
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
