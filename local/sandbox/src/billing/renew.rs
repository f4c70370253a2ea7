//! Renewals, ends of trials and retries of failed payments.

use super::attempt::Presence;
use super::periods::{days, next_end};
use super::{cancel, collect, invoicing};
use crate::error::Result;
use crate::objects::invoice::{self, Bill};
use crate::objects::subscription;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// A renewal's invoice stays a draft for about an hour, so that the shop may add to it.
///
/// <https://docs.stripe.com/billing/invoices/subscription#invoice-lifecycle>
const DRAFT_SECONDS: i64 = 3600;

/// Days after each failed attempt until the next; after the last one the subscription ends.
///
/// Stripe chooses the times of its Smart Retries itself; these are those of its fixed schedule.
const RETRY_AFTER_DAYS: [i64; 3] = [3, 5, 7];

/// The period of a subscription is over.
pub(crate) fn period_ends(world: &mut World, id: &str) -> Result<()> {
    let subscription = world.get(Kind::Subscription, id)?;
    if subscription::is_over(&subscription) || subscription.is("status", "paused") {
        return Ok(());
    }
    let now = world.now_for(&subscription);
    let is_set = subscription.int("cancel_at").is_some_and(|at| at <= now);
    if is_set || subscription.flag("cancel_at_period_end") {
        cancel::at_once(world, &subscription, "cancellation_requested", &Value::Null);
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
                pause(world, &subscription, "trial_end_without_payment_method");
                return Ok(());
            }
            _ => {}
        }
    }
    let (_, invoice) = next_period(world, &subscription, "subscription_cycle");
    if subscription.is("status", "unpaid") {
        // The debts of an unpaid subscription pile up as drafts that nobody is charged for.
        return Ok(());
    }
    if let Some(behavior) = subscription.text("pause_collection.behavior") {
        do_not_collect(world, &invoice, behavior);
        return Ok(());
    }
    let mut draft = invoice.clone();
    let at = world.now_for(&draft) + DRAFT_SECONDS;
    draft.set("automatically_finalizes_at", at);
    draft.set("next_payment_attempt", at);
    world.save(&draft);
    world.schedule(Due::Finalize, &draft, at);
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

/// Begins the next period with its draft invoice; a trial that was going on is over.
pub(crate) fn next_period(
    world: &mut World,
    before: &Value,
    reason: &'static str,
) -> (Value, Value) {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    let anchor = subscription.int("billing_cycle_anchor").unwrap_or(now);
    let (interval, count) = subscription::interval(&subscription);
    let end = next_end(anchor, &interval, count, now);
    subscription::set_period(&mut subscription, now, end);
    subscription::shorten_period(&mut subscription);
    if subscription.is("status", "trialing") {
        subscription.set("status", "active");
    }
    world.save(&subscription);
    let invoice = invoicing::draft(
        world,
        &subscription,
        Bill {
            reason,
            from: now,
            to: end,
            trial: false,
        },
    );
    subscription.set("latest_invoice", invoice.id());
    world.schedule(Due::PeriodEnds, &subscription, end);
    world.update(before, &subscription, "customer.subscription.updated");
    (subscription, invoice)
}

/// A draft becomes final and is charged.
pub(crate) fn finalize(world: &mut World, id: &str) -> Result<()> {
    let draft = world.get(Kind::Invoice, id)?;
    if !draft.is("status", "draft") {
        return Ok(());
    }
    let invoice = invoicing::finalize(world, &draft);
    if invoice.is("status", "open") {
        charge_or_retry_later(world, &invoice)?;
    }
    Ok(())
}

/// A failed payment is tried again.
pub(crate) fn retry(world: &mut World, id: &str) -> Result<()> {
    let invoice = world.get(Kind::Invoice, id)?;
    if !invoice.is("status", "open") {
        return Ok(());
    }
    if is_never_retried(invoice::method_for(world, &invoice).as_ref()) {
        if let Some(subscription) = invoice::subscription_of(world, &invoice) {
            give_up(world, &subscription);
        }
        return Ok(());
    }
    charge_or_retry_later(world, &invoice)
}

/// Charges an open invoice. When that fails, the subscription is past due and the next attempt is set, or the
/// retries are used up.
pub(crate) fn charge_or_retry_later(world: &mut World, invoice: &Value) -> Result<()> {
    let method = invoice::method_for(world, invoice);
    if collect::charge(world, invoice, method.as_ref(), Presence::Away).is_ok() {
        return Ok(());
    }
    let mut failed = world.get(Kind::Invoice, invoice.id())?;
    let Some(subscription) = invoice::subscription_of(world, &failed) else {
        return Ok(());
    };
    let tried = usize::try_from(failed.int("attempt_count").unwrap_or(1)).unwrap_or(1);
    if is_never_retried(method.as_ref()) {
        failed.set("next_payment_attempt", Value::Null);
        world.save(&failed);
        // What the account's settings say happens when other retries would be over.
        let last = world.now_for(&failed) + days(RETRY_AFTER_DAYS.iter().sum());
        world.schedule(Due::RetryPayment, &failed, last);
        fall_behind(world, &subscription);
        return Ok(());
    }
    let Some(wait) = RETRY_AFTER_DAYS.get(tried.saturating_sub(1)) else {
        failed.set("next_payment_attempt", Value::Null);
        world.save(&failed);
        give_up(world, &subscription);
        return Ok(());
    };
    let next = world.now_for(&failed) + days(*wait);
    let before = failed.clone();
    failed.set("next_payment_attempt", next);
    world.update(&before, &failed, "invoice.updated");
    world.schedule(Due::RetryPayment, &failed, next);
    fall_behind(world, &subscription);
    Ok(())
}

/// Whether Stripe leaves a failed payment with this method at one attempt:
/// <https://docs.stripe.com/billing/revenue-recovery/smart-retries>
fn is_never_retried(method: Option<&Value>) -> bool {
    let kind = method.and_then(|method| method.text("type"));
    kind.and_then(wallets::redirect).is_some()
}

fn fall_behind(world: &mut World, subscription: &Value) {
    if subscription.is("status", "active") {
        let mut late = subscription.clone();
        late.set("status", "past_due");
        world.update(subscription, &late, "customer.subscription.updated");
    }
}

/// Does what the account's settings say about a subscription that could not be charged.
fn give_up(world: &mut World, subscription: &Value) {
    match world.account().text("after_retries") {
        Some("past_due") => {}
        Some("unpaid") => {
            let mut unpaid = subscription.clone();
            unpaid.set("status", "unpaid");
            world.update(subscription, &unpaid, "customer.subscription.updated");
        }
        _ => {
            cancel::at_once(world, subscription, "payment_failed", &Value::Null);
        }
    }
}

/// Pauses a subscription: no invoices until it is resumed.
pub(crate) fn pause(world: &mut World, before: &Value, why: &str) -> Value {
    let now = world.now_for(before);
    let mut subscription = before.clone();
    subscription.set("status", "paused");
    let details = json!({"paused": {"subscription": {"type": why}, "transitioned_at": now, "type": "subscription"}});
    subscription.set("status_details", details);
    world.unschedule(Due::PeriodEnds, subscription.id());
    world.unschedule(Due::TrialWillEnd, subscription.id());
    world.update(before, &subscription, "customer.subscription.updated");
    world.emit("customer.subscription.paused", &subscription);
    subscription
}
