//! Previews of invoices: the change is carried out and time moves on, as they would, and then all of it is taken back.

use super::subscription_create;
use super::subscription_terms;
use super::subscription_update;
use super::subscriptions::check_pause;
use crate::billing::cancel::{self, Money};
use crate::billing::change::{self, Prorate};
use crate::billing::pausing::{self, Unused};
use crate::billing::resuming::{self, Resume};
use crate::billing::{cycle, invoicing, lines, renew};
use crate::error::{ApiError, Result};
use crate::objects::invoice::Bill;
use crate::objects::invoice_line::Period;
use crate::objects::{customer, invoice_item, refuse_unsimulated, subscription, subscription_item};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// What is simulated of a change to preview, and of a new subscription.
const OF_CHANGE: [&str; 9] = [
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "cancel_now",
    "default_tax_rates",
    "items",
    "proration_behavior",
    "proration_date",
    "trial_end",
];
const OF_NEW: [&str; 8] = [
    "billing_cycle_anchor",
    "billing_mode",
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "items",
    "proration_behavior",
    "trial_end",
];

/// What may be said of the end of a pause.
const OF_RESUMING: [&str; 4] = [
    "billing_cycle_anchor",
    "proration_behavior",
    "proration_date",
    "resume_at",
];

/// What discounts and taxes the invoice and is not a detail of its subscription.
const TERMS: [&str; 2] = ["automatic_tax", "discounts"];

/// The name of the list of items in the request.
const ITEMS: &str = "subscription_details[items]";

/// `POST /v1/invoices/create_preview`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let preview = simulated(world, &call.params).map(as_preview);
    world.pretended = None;
    // None of it has happened.
    world.store.undo();
    preview
}

fn simulated(world: &mut World, params: &Value) -> Result<Value> {
    if params.has("subscription") && params.has("customer_details") {
        // They would stand in for those of its customer.
        return Err(ApiError::not_simulated("customer_details"));
    }
    let mut details = params.at("subscription_details").clone();
    for name in TERMS {
        if let Some(term) = params.get(name) {
            details.set(name, term.clone());
        }
    }
    let details = &details;
    let recurring = params.is("preview_mode", "recurring");
    if let Some(id) = params.text("subscription") {
        let found = world.at_param(Kind::Subscription, id, "subscription")?;
        let owner = found.text("customer").unwrap_or_default();
        if params.text("customer").is_some_and(|given| given != owner) {
            let message = format!("The subscription {id} does not belong to this customer.");
            return Err(ApiError::invalid(message).with_param("subscription"));
        }
        inherit(world, owner, details);
        return of_change(world, &found, details, recurring);
    }
    let customer = customer_of(world, params)?;
    inherit(world, customer.id(), details);
    if details.list("items").is_empty() {
        return of_customer(world, &customer, details, recurring);
    }
    refuse_unsimulated(
        details,
        "subscription_details",
        &[&OF_NEW[..], &TERMS].concat(),
    )?;
    let mut wanted = details.clone();
    if let Some(anchor) = details.get("billing_cycle_anchor") {
        wanted.set("billing_cycle_anchor", anchor.at("timestamp").clone());
    }
    let (begun, draft) = subscription_create::begin(world, &wanted, &customer, ITEMS)?;
    if recurring {
        return of_recurring(world, &begun);
    }
    Ok(draft)
}

/// An empty string for `discounts` also leaves out the customer's own
/// (<https://docs.stripe.com/api/invoices/create_preview>).
fn inherit(world: &mut World, customer: &str, details: &Value) {
    let cleared = details.get("discounts").is_some_and(Value::is_null);
    let found = world.store.get(Kind::Customer, customer).cloned();
    if let Some(mut customer) = found.filter(|_| cleared) {
        customer.set("discount", Value::Null);
        world.save(&customer);
    }
}

/// The customer that is named or described, or both: what is described stands in for what a known customer has
/// (<https://docs.stripe.com/api/invoices/create_preview#create_create_preview-customer_details>).
fn customer_of(world: &mut World, params: &Value) -> Result<Value> {
    let details = params.at("customer_details");
    let mut somebody = match params.text("customer") {
        Some(id) => customer::named(world, id, "customer")?,
        None if details.is_null() => {
            let message = "You must specify one of customer, customer_details, or subscription.";
            return Err(ApiError::validation(message).with_param("customer"));
        }
        None => customer::new(world, None),
    };
    let simulated = ["address", "shipping", "tax_exempt"];
    refuse_unsimulated(details, "customer_details", &simulated)?;
    for name in simulated {
        if let Some(described) = details.get(name) {
            somebody.set(name, described.clone());
        }
    }
    world.save(&somebody);
    Ok(somebody)
}

/// The next invoice of a subscription that is changed, or of one that stays as it is.
fn of_change(world: &mut World, before: &Value, details: &Value, recurring: bool) -> Result<Value> {
    if subscription::is_over(before) {
        return Err(nothing_comes(before));
    }
    if details.has("pause") || details.has("resume_at") {
        return of_pause(world, before, details, recurring);
    }
    refuse_unsimulated(
        details,
        "subscription_details",
        &[&OF_CHANGE[..], &TERMS].concat(),
    )?;
    check_proration_date(details)?;
    if details.is("billing_cycle_anchor.type", "timestamp") {
        let message = "The anchor of an existing subscription can only be `now` or `unchanged`.";
        return Err(ApiError::invalid(message)
            .with_param("subscription_details[billing_cycle_anchor][type]"));
    }
    let mut change = subscription_update::wanted(world, before, details, ITEMS)?;
    subscription_terms::apply(world, &mut change.after, details, false)?;
    if details.flag("cancel_now") {
        let money = Money {
            invoice_now: true,
            credit_from: (change.prorate != Prorate::Never).then_some(change.at),
        };
        let (ended, draft) = cancel::by_request(world, before, money, &Value::Null);
        return draft.ok_or_else(|| nothing_comes(&ended));
    }
    let prorate = change.prorate;
    let prepared = change::prepare(world, before, change);
    let after = prepared.after;
    // An invoice over nothing, for a trial that goes on, is not what comes next.
    let is_due = !after.is("status", "trialing") || prorate == Prorate::Now;
    if let Some(draft) = prepared.draft.filter(|_| is_due && !recurring) {
        return Ok(draft);
    }
    world.save(&after);
    cycle::reschedule(world, &after);
    if recurring {
        return of_recurring(world, &after);
    }
    next(world, &after)
}

/// The invoice of a pause, which has one only if it is asked for, or of its end.
fn of_pause(world: &mut World, before: &Value, details: &Value, recurring: bool) -> Result<Value> {
    if recurring {
        return Err(ApiError::not_simulated("preview_mode"));
    }
    if details.has("pause") {
        refuse_unsimulated(details, "subscription_details", &["pause"])?;
        check_pause(before)?;
        let unused = Unused::by(details.at("pause.bill_for"));
        let invoice_now = details.is("pause.invoicing_behavior", "invoice");
        let (paused, draft) = pausing::by_request(world, before, unused, invoice_now);
        return draft.ok_or_else(|| nothing_comes(&paused));
    }
    refuse_unsimulated(details, "subscription_details", &OF_RESUMING)?;
    resuming::check(before)?;
    let resume = Resume::by(before, details, world.now_for(before))?;
    let prepared = resuming::prepare(world, before, resume);
    if let Some(draft) = prepared.draft {
        return Ok(draft);
    }
    world.save(&prepared.after);
    cycle::reschedule(world, &prepared.after);
    next(world, &prepared.after)
}

/// <https://docs.stripe.com/api/invoices/create_preview>: a proration date is for a change of items or of the trial.
fn check_proration_date(details: &Value) -> Result<()> {
    if !details.has("proration_date") {
        return Ok(());
    }
    let refusal = if details.is("proration_behavior", "none") {
        Some("You cannot set `proration_date` with `proration_behavior=none`.")
    } else if !details.has("items") && !details.has("trial_end") && !details.flag("cancel_now") {
        Some("You can only set `proration_date` with a change of `items` or `trial_end`.")
    } else {
        None
    };
    match refusal {
        Some(message) => {
            let param = "subscription_details[proration_date]";
            Err(ApiError::invalid(message).with_param(param))
        }
        None => Ok(()),
    }
}

/// The customer's subscription that is billed first.
fn of_customer(
    world: &mut World,
    customer: &Value,
    details: &Value,
    recurring: bool,
) -> Result<Value> {
    let first = world
        .store
        .having(Kind::Subscription, "customer", customer.id())
        .filter(|it| !subscription::is_over(it) && !it.is("status", "paused"))
        .min_by_key(|it| subscription::period(it).map(|period| period.end))
        .cloned();
    let first = first.ok_or_else(|| nothing_comes(&json!({"customer": customer.id()})))?;
    of_change(world, &first, details, recurring)
}

/// Lets the time come at which the subscription is billed next.
fn next(world: &mut World, subscription: &Value) -> Result<Value> {
    let ends = subscription::period(subscription).map(|period| period.end);
    world.pretended = ends.map(|end| end.max(world.now_for(subscription)));
    let id = subscription.id();
    let newest = |world: &World| {
        let mut invoices = world.store.having(
            Kind::Invoice,
            "parent.subscription_details.subscription",
            id,
        );
        invoices.next_back().cloned()
    };
    let known = newest(world);
    renew::period_ends(world, id)?;
    newest(world)
        .filter(|invoice| known.is_none_or(|known| known.id() != invoice.id()))
        .ok_or_else(|| nothing_comes(subscription))
}

/// What each whole period costs, without what waits to be invoiced and without the balance.
fn of_recurring(world: &mut World, subscription: &Value) -> Result<Value> {
    let customer = subscription.text("customer").unwrap_or_default();
    for item in invoice_item::pending(world, customer, Some(subscription.id())) {
        world.store.remove(Kind::InvoiceItem, item.id());
    }
    let mut owner = world.get(Kind::Customer, customer)?;
    owner.set("balance", 0);
    world.save(&owner);
    let mut whole = subscription.clone();
    whole.set("status", "active");
    let anchor = whole.int("billing_cycle_anchor").unwrap_or(0);
    let from = subscription::period(subscription).map_or(0, |period| period.end);
    let mut items = whole.list("items.data").to_vec();
    for item in &mut items {
        let period = cycle::whole_at(item, anchor, from);
        subscription_item::set_period(item, period.start, period, None);
    }
    whole.set("items.data", items);
    let lines = lines::of_items(world, &whole, whole.list("items.data").iter());
    let period = Period {
        start: from,
        end: from,
    };
    let bill = Bill {
        reason: "upcoming",
        period,
        lines,
    };
    Ok(invoicing::prepare(world, &whole, bill))
}

fn nothing_comes(subscription: &Value) -> ApiError {
    let customer = subscription.text("customer").unwrap_or_default();
    ApiError::invalid(format!("No upcoming invoices for customer: {customer}"))
        .with_status(404)
        .with_code("invoice_upcoming_none")
}

/// The draft as a preview, which nothing can be done with.
fn as_preview(mut draft: Value) -> Value {
    let id = ids::id("upcoming_in");
    draft.set("billing_reason", "upcoming");
    draft.set("lines.url", format!("/v1/invoices/{id}/lines"));
    let mut lines = draft.list("lines.data").to_vec();
    for line in &mut lines {
        line.set("invoice", id.clone());
    }
    draft.set("lines.data", lines);
    draft.set("status", "draft");
    draft.set("id", id);
    draft
}
