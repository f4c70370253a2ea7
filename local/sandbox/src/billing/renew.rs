//! Renewals and ends of trials.

use super::ending::{self, End};
use super::{
    cancel, change, cycle, dunning, invoicing, lines, pausing, pending_update, phases, proration,
};
use crate::error::Result;
use crate::objects::invoice::Bill;
use crate::objects::invoice_line::Period;
use crate::objects::{subscription, subscription_item};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// The period of a subscription, or of one of its items, is over.
pub(crate) fn period_ends(world: &mut World, id: &str) -> Result<()> {
    let mut subscription = world.get(Kind::Subscription, id)?;
    if subscription::is_over(&subscription) || subscription.is("status", "paused") {
        return Ok(());
    }
    if pending_update::invoice_of(world, &subscription).is_some() {
        invoicing::expire_pending_update(world, &subscription);
        subscription = world.get(Kind::Subscription, id)?;
    }
    let now = world.now_for(&subscription);
    if ending::is_reached(&subscription, now) {
        cancel::at_its_end(world, &subscription);
        return Ok(());
    }
    if subscription.is("status", "trialing")
        && subscription::method_of(world, &subscription).is_none()
    {
        match subscription.text("trial_settings.end_behavior.missing_payment_method") {
            Some("cancel") => {
                cancel::at_once(world, &subscription, "payment_failed", &Value::Null);
                return Ok(());
            }
            Some("pause") => {
                pausing::pause(world, &subscription, "trial_end_without_payment_method");
                return Ok(());
            }
            _ => {}
        }
    }
    let Some(subscription) = phases::period_ends(world, &subscription)? else {
        return Ok(());
    };
    let invoice = next_period(world, &subscription);
    if subscription.is("status", "unpaid") {
        // The debts of an unpaid subscription pile up as drafts that nobody is charged for.
        return Ok(());
    }
    if let Some(behavior) = subscription.text("pause_collection.behavior") {
        do_not_collect(world, &invoice, behavior);
        return Ok(());
    }
    invoicing::finalize_later(world, &invoice);
    Ok(())
}

/// What becomes of an invoice while payments are not collected:
/// <https://docs.stripe.com/billing/subscriptions/pause-payment>
fn do_not_collect(world: &mut World, draft: &Value, behavior: &str) {
    if behavior == "void" {
        invoicing::void(world, draft);
        return;
    }
    let mut invoice = draft.clone();
    invoice.set("auto_advance", false);
    if behavior == "mark_uncollectible" {
        invoice.set("status", "uncollectible");
    }
    world.update(draft, &invoice, "invoice.updated");
}

/// Begins the next period of the items whose period is over, with its draft invoice. A trial that was going on is over.
fn next_period(world: &mut World, before: &Value) -> Value {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    let anchor = subscription.int("billing_cycle_anchor").unwrap_or(now);
    if subscription.is("status", "trialing") {
        subscription.set("status", "active");
    }
    let mut items = subscription.list("items.data").to_vec();
    let mut over: Option<Period> = None;
    let mut billed = Vec::new();
    for item in &mut items {
        let period = subscription_item::period(item);
        if period.end > now {
            continue;
        }
        let earlier = over.is_none_or(|known| period.start < known.start);
        over = if earlier { Some(period) } else { over };
        let whole = cycle::whole_at(item, anchor, now);
        subscription_item::set_period(item, now, whole, change::fixed_end(before));
        billed.push(item.clone());
    }
    subscription.set("items.data", items);
    let lines = lines::of_items(world, &subscription, billed.iter());
    let bill = Bill {
        reason: "subscription_cycle",
        // A renewal shows as its own period the one that is over.
        period: Period {
            start: over.map_or(now, |over| over.start),
            end: now,
        },
        lines,
    };
    let invoice = invoicing::draft(world, &subscription, bill);
    proration::note_debits(&mut subscription, &invoice);
    subscription.set("latest_invoice", invoice.id());
    if subscription.flag("cancel_at_period_end") {
        ending::set(&mut subscription, End::WithPeriod, now);
    }
    world.update(before, &subscription, "customer.subscription.updated");
    cycle::reschedule(world, &subscription);
    invoice
}

/// A draft becomes final and is charged.
pub(crate) fn finalize(world: &mut World, id: &str) -> Result<()> {
    let draft = world.get(Kind::Invoice, id)?;
    if !draft.is("status", "draft") {
        return Ok(());
    }
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        dunning::charge_by_itself(world, &invoice);
    }
    Ok(())
}
