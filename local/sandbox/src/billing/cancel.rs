//! The end of a subscription.

use super::{invoicing, phases, proration};
use crate::objects::invoice::Bill;
use crate::objects::invoice_line::Period;
use crate::objects::{invoice_item, subscription_item};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Ends a subscription now. Its `pending_setup_intent` stays open, as at Stripe. One whose first payment was not made
/// expires instead, which is told as an update: <https://github.com/dj-stripe/dj-stripe/issues/1168>
pub(crate) fn at_once(world: &mut World, before: &Value, reason: &str, details: &Value) -> Value {
    let now = world.now_for(before);
    let began = !before.is("status", "incomplete");
    let mut subscription = before.clone();
    subscription.set(
        "status",
        if began {
            "canceled"
        } else {
            "incomplete_expired"
        },
    );
    subscription.set("ended_at", now);
    if !subscription.has("canceled_at") {
        subscription.set("canceled_at", now);
    }
    subscription.set("cancellation_details.reason", reason);
    for field in ["comment", "feedback"] {
        if details.has(field) {
            subscription.set(
                &format!("cancellation_details.{field}"),
                details.at(field).clone(),
            );
        }
    }
    world.save(&subscription);
    phases::subscription_ended(world, &subscription);
    stop(world, &subscription, !began);
    if began {
        world.emit("customer.subscription.deleted", &subscription);
    } else {
        world.update(before, &subscription, "customer.subscription.updated");
    }
    subscription
}

/// Ends a subscription at the time that was set for it. What still waits to be invoiced is
/// (<https://docs.stripe.com/billing/subscriptions/cancel>).
pub(crate) fn at_its_end(world: &mut World, before: &Value) {
    let ended = at_once(world, before, "cancellation_requested", &Value::Null);
    if let Some(draft) = last_invoice(world, &ended, "subscription_cycle") {
        invoicing::finalize_later(world, &draft);
    }
}

/// What a request to cancel says of the money.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Money {
    /// Whether what waits to be invoiced is invoiced now.
    pub(crate) invoice_now: bool,
    /// Whether the unused time is credited, from this second on.
    pub(crate) credit_from: Option<i64>,
}

/// Ends a subscription now, as a request asks for it. Gives the draft of its last invoice, if there is one.
pub(crate) fn by_request(
    world: &mut World,
    before: &Value,
    money: Money,
    details: &Value,
) -> (Value, Option<Value>) {
    if let Some(start) = money
        .credit_from
        .filter(|_| !before.is("status", "trialing"))
    {
        for item in before.list("items.data") {
            let end = subscription_item::period(item).end;
            proration::credit(world, before, item, Period { start, end });
        }
    }
    if !money.invoice_now && money.credit_from.is_none() {
        drop_prorations(world, before);
    }
    let ended = at_once(world, before, "cancellation_requested", details);
    let draft = if money.invoice_now {
        last_invoice(world, &ended, "subscription_update")
    } else {
        None
    };
    (ended, draft)
}

/// A draft of what waits to be invoiced, for a subscription that has ended or is paused.
pub(super) fn last_invoice(
    world: &mut World,
    ended: &Value,
    reason: &'static str,
) -> Option<Value> {
    let customer = ended.text("customer").unwrap_or_default();
    let waits = invoice_item::pending(world, customer, Some(ended.id()));
    if !waits.iter().any(|item| item.flag("proration")) {
        return None;
    }
    let now = world.now_for(ended);
    let bill = Bill {
        reason,
        period: Period {
            start: now,
            end: now,
        },
        lines: Vec::new(),
    };
    let draft = invoicing::draft(world, ended, bill);
    let mut last = ended.clone();
    last.set("latest_invoice", draft.id());
    world.save(&last);
    Some(draft)
}

/// Takes back prorations of the subscription that no invoice has yet.
fn drop_prorations(world: &mut World, subscription: &Value) {
    let customer = subscription.text("customer").unwrap_or_default();
    for item in invoice_item::pending(world, customer, Some(subscription.id())) {
        let of = item.at("parent.subscription_details");
        if item.flag("proration") && of.is("subscription", subscription.id()) {
            world.store.remove(Kind::InvoiceItem, item.id());
            world.emit("invoiceitem.deleted", &item);
        }
    }
}

/// Gives an incomplete subscription up whose first payment was not made in time.
pub(crate) fn expire_incomplete(world: &mut World, before: &Value) {
    let mut subscription = before.clone();
    subscription.set("status", "incomplete_expired");
    subscription.set("ended_at", world.now_for(before));
    world.update(before, &subscription, "customer.subscription.updated");
    stop(world, &subscription, true);
}

/// Nothing more happens to the subscription by itself, and nobody is charged for it any more.
fn stop(world: &mut World, subscription: &Value, void_open: bool) {
    world.unschedule_all(subscription.id());
    let unfinished: Vec<Value> = world
        .store
        .having(
            Kind::Invoice,
            "parent.subscription_details.subscription",
            subscription.id(),
        )
        .rev()
        .filter(|invoice| matches!(invoice.text("status"), Some("draft" | "open")))
        .cloned()
        .collect();
    for invoice in unfinished {
        world.unschedule_all(invoice.id());
        if void_open && invoice.is("status", "open") {
            invoicing::void(world, &invoice);
            continue;
        }
        let mut idle = invoice.clone();
        idle.set("auto_advance", false);
        idle.set("automatically_finalizes_at", Value::Null);
        idle.set("next_payment_attempt", Value::Null);
        world.update(&invoice, &idle, "invoice.updated");
    }
}
