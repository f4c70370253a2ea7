//! Changing a subscription.

use super::subscription_create::LONGEST_TRIAL_DAYS;
use super::subscription_items::{self, Owner};
use super::subscription_terms;
use crate::billing::attempt::Presence;
use crate::billing::change::{self, Change, Prorate, Trial};
use crate::billing::periods::days;
use crate::billing::updates::{self, Unpaid};
use crate::billing::{cancel, ending, invoicing, pausing};
use crate::error::{ApiError, Result};
use crate::objects::{customer, merge_metadata, refuse_unsimulated, subscription};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// What an update that waits for its payment may say
/// (<https://docs.stripe.com/billing/subscriptions/pending-updates-reference>).
const MAY_WAIT: [&str; 12] = [
    "add_invoice_items",
    "billing_cycle_anchor",
    "cancel_at_period_end",
    "discounts",
    "expand",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
];

/// What may be said of a subscription whose first payment has not been made.
const WHILE_INCOMPLETE: [&str; 5] = [
    "default_payment_method",
    "default_source",
    "description",
    "expand",
    "metadata",
];

/// `POST /v1/subscriptions/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut before = world.at_path(Kind::Subscription, &call.id)?;
    if subscription::is_over(&before) {
        return update_ended(world, &before, params);
    }
    check(&before, params)?;
    let unpaid = Unpaid::by(params);
    let change = wanted(world, &before, params, "items")?;
    if before.has("pending_update") && replaces(params) {
        invoicing::expire_pending_update(world, &before);
        before = world.get(Kind::Subscription, before.id())?;
    }
    let mut change = change;
    if change.trial == Trial::EndsNow {
        world.emit("customer.subscription.trial_will_end", &before);
        if let Some(ended) = end_without_method(world, &before, &change.after) {
            return Ok(ended);
        }
    }
    for field in ["latest_invoice", "pending_update", "_waits"] {
        change.after.set(field, before.at(field).clone());
    }
    subscription_terms::apply(world, &mut change.after, params, false)?;
    subscription_terms::check_tax(world, &change.after, params)?;
    let prepared = change::prepare(world, &before, change);
    let presence = Presence::by(params.at("off_session"));
    updates::carry_out(world, &before, prepared, unpaid, presence)?;
    let updated = world.get(Kind::Subscription, before.id())?;
    if params.get("pause_collection").is_some() {
        schedule_collection(world, &updated);
    }
    Ok(updated)
}

/// Refuses what Stripe takes at other times, but not now.
fn check(before: &Value, params: &Value) -> Result<()> {
    let given = || {
        params
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
    };
    let other = |allowed: &[&str]| given().find(|name| !allowed.contains(&name.as_str()));
    if before.is("status", "incomplete")
        && let Some(name) = other(&WHILE_INCOMPLETE)
    {
        let message = "A subscription with the status `incomplete` can only update its metadata, description and default payment method until its first invoice is paid.";
        return Err(ApiError::invalid(message)
            .with_code("status_transition_invalid")
            .with_param(name));
    }
    if let Some(schedule) = before.text("schedule") {
        let managed = |name: &str| params.get(name).is_some();
        if ["cancel_at", "cancel_at_period_end", "pause_collection"]
            .into_iter()
            .any(managed)
        {
            return Err(ApiError::invalid(format!(
                "The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead."
            )));
        }
        // It would split a phase.
        if managed("items") {
            return Err(ApiError::not_simulated("items"));
        }
    }
    if params.is("payment_behavior", "pending_if_incomplete") {
        // The discounts that it replaces would have to be kept until it is paid.
        if params.get("discounts").is_some() && !before.list("discounts").is_empty() {
            return Err(ApiError::not_simulated("discounts"));
        }
        let items = params.list("items").iter();
        let inner = items.flat_map(|item| item.as_object().into_iter().flatten());
        let unsupported = inner
            .map(|(name, _)| name)
            .find(|name| !["id", "price", "quantity"].contains(&name.as_str()));
        if let Some(name) = other(&MAY_WAIT).or(unsupported) {
            let message = format!(
                "When `payment_behavior` is `pending_if_incomplete`, you can only pass supported params. `{name}` is not supported by pending updates."
            );
            return Err(ApiError::invalid(message).with_param(name));
        }
    }
    Ok(())
}

/// Whether the update takes the place of one that still waits for its payment.
fn replaces(params: &Value) -> bool {
    let terms = [
        "items",
        "billing_cycle_anchor",
        "trial_end",
        "cancel_at",
        "cancel_at_period_end",
    ];
    params.is("payment_behavior", "pending_if_incomplete")
        || terms.iter().any(|name| params.get(name).is_some())
}

/// What an update, or the preview of one, changes. `items` is the name of the list of items in the request.
pub(crate) fn wanted(world: &World, before: &Value, params: &Value, items: &str) -> Result<Change> {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    if let Some(method) = params.get("default_payment_method") {
        if let Some(method) = method.as_str() {
            customer::belongs_to(
                world,
                method,
                before.text("customer").unwrap_or_default(),
                "default_payment_method",
            )?;
        }
        subscription.set("default_payment_method", method.clone());
    }
    if let Some(description) = params.get("description") {
        subscription.set("description", description.clone());
    }
    if params.has("payment_settings") {
        let mut merged = before.at("payment_settings").clone();
        for (name, value) in params
            .at("payment_settings")
            .as_object()
            .into_iter()
            .flatten()
        {
            merged.set(name, value.clone());
        }
        subscription.set("payment_settings", subscription::payment_settings(&merged)?);
    }
    if let Some(missing) = params.text("trial_settings.end_behavior.missing_payment_method") {
        subscription.set(
            "trial_settings.end_behavior.missing_payment_method",
            missing,
        );
    }
    say_why(&mut subscription, params)?;
    if let Some(paused) = params.get("pause_collection") {
        subscription.set("pause_collection", pause_collection(paused, now)?);
    }
    merge_metadata(&mut subscription, params);
    let owner = Owner {
        id: before.id(),
        currency: before.text("currency"),
        flexible: subscription::is_flexible(before),
    };
    let wanted = params.list("items");
    if !wanted.is_empty() {
        let old = before.list("items.data");
        let new = subscription_items::changed(world, owner, old, wanted, items, now)?;
        subscription.set("items.data", new);
    }
    let trial = trial(before, params, now)?;
    Ok(Change {
        prorate: Prorate::by(params),
        at: proration_date(before, params, now)?,
        resets: params.is("billing_cycle_anchor.type", "now"),
        trial,
        end: ending::wanted(params, now)?,
        after: subscription,
    })
}

/// The second from which the difference of a change counts: now, unless the request names one of the current period.
fn proration_date(before: &Value, params: &Value, now: i64) -> Result<i64> {
    let Some(at) = params.int("proration_date") else {
        return Ok(now);
    };
    let period = subscription::period(before);
    if period.is_none_or(|period| at < period.start || at > period.end) {
        let message =
            "Cannot specify a proration date outside of the subscription's current period.";
        return Err(ApiError::invalid(message).with_param("proration_date"));
    }
    Ok(at)
}

/// Whether and how payments are not collected, and until when.
fn pause_collection(given: &Value, now: i64) -> Result<Value> {
    if !given.is_object() {
        return Ok(Value::Null);
    }
    if given.int("resumes_at").is_some_and(|at| at <= now) {
        let message = "Invalid timestamp: `resumes_at` must be in the future.";
        return Err(ApiError::invalid(message).with_param("pause_collection[resumes_at]"));
    }
    Ok(json!({"behavior": given.at("behavior"), "resumes_at": given.at("resumes_at")}))
}

/// Sets when payments are collected again by themselves.
fn schedule_collection(world: &mut World, subscription: &Value) {
    match subscription.int("pause_collection.resumes_at") {
        Some(at) => world.schedule(Due::CollectionResumes, subscription, at),
        None => world.unschedule(Due::CollectionResumes, subscription.id()),
    }
}

/// Only notes may still be made on a subscription that has ended.
fn update_ended(world: &mut World, before: &Value, params: &Value) -> Answer {
    let allowed = ["metadata", "cancellation_details", "expand"];
    if params
        .as_object()
        .into_iter()
        .flatten()
        .any(|(name, _)| !allowed.contains(&name.as_str()))
    {
        let message =
            "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::invalid(message).with_code("invalid_canceled_subscription_fields"));
    }
    let mut subscription = before.clone();
    say_why(&mut subscription, params)?;
    merge_metadata(&mut subscription, params);
    world.update(before, &subscription, "customer.subscription.updated");
    Ok(subscription)
}

/// What a customer says about the cancellation, which may also be told once it is over.
fn say_why(subscription: &mut Value, params: &Value) -> Result<()> {
    let details = params.at("cancellation_details");
    refuse_unsimulated(details, "cancellation_details", &["comment", "feedback"])?;
    for (name, value) in details.as_object().into_iter().flatten() {
        subscription.set(&format!("cancellation_details.{name}"), value.clone());
    }
    Ok(())
}

/// What `trial_end` says.
fn trial(before: &Value, params: &Value, now: i64) -> Result<Trial> {
    let trialing = before.is("status", "trialing");
    let end = match params.at("trial_end") {
        Value::String(_) if trialing => return Ok(Trial::EndsNow),
        // There may be none to end.
        Value::Null | Value::String(_) => return Ok(Trial::Unchanged),
        given => given.as_i64().unwrap_or(0),
    };
    let refusal = |message: &str| Err(ApiError::invalid(message).with_param("trial_end"));
    if end <= now {
        return refusal("Invalid timestamp: must be an integer Unix timestamp in the future.");
    }
    let anchor = before.int("billing_cycle_anchor").unwrap_or(now);
    if end > anchor.max(now) + days(LONGEST_TRIAL_DAYS) {
        return refusal("A trial can end at most two years after the billing cycle anchor.");
    }
    if trialing && Some(anchor) > before.int("trial_end") && end > anchor {
        let message = "The trial cannot end after the billing cycle anchor of the subscription.";
        return refusal(message).map_err(|error| {
            error.with_code("subscription_update_trial_after_billing_cycle_anchor")
        });
    }
    Ok(Trial::Until(end))
}

/// A trial that a request ends without a payment method ends as the subscription's settings say; without any it goes on
/// to an invoice that nobody can pay.
fn end_without_method(world: &mut World, before: &Value, after: &Value) -> Option<Value> {
    if subscription::method_of(world, after).is_some() {
        return None;
    }
    let mut ended = after.clone();
    ended.set("trial_end", world.now_for(before));
    match after.text("trial_settings.end_behavior.missing_payment_method") {
        Some("cancel") => Some(cancel::at_once(
            world,
            &ended,
            "payment_failed",
            &Value::Null,
        )),
        Some("pause") => {
            let why = "trial_end_without_payment_method";
            Some(pausing::pause(world, &ended, why))
        }
        _ => None,
    }
}
