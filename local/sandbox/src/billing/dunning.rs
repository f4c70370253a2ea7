//! What follows when an invoice cannot be collected: further attempts, and what the account's settings do with the
//! subscription.
//!
//! <https://docs.stripe.com/billing/revenue-recovery/smart-retries>

use super::attempt::Presence;
use super::retries::By;
use super::{cancel, collect, pausing, resuming};
use crate::error::{ApiError, Result};
use crate::objects::{invoice, subscription};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Charges an open invoice. When that fails, the subscription falls behind, or what the account's settings say is done
/// with it. A refusal is an error that the caller may answer with; what happened stays recorded either way.
pub(crate) fn charge(
    world: &mut World,
    invoice: &Value,
    method: Option<&Value>,
    presence: Presence,
    by: By,
) -> Result<Value> {
    let result = collect::charge(world, invoice, method, presence, by);
    if result.is_err() {
        settle(world, invoice.id())?;
    }
    result
}

/// Charges an open invoice without anybody asking for it. The failure is recorded, and there is nobody to answer.
pub(crate) fn charge_by_itself(world: &mut World, invoice: &Value) {
    let method = invoice::method_for(world, invoice);
    let (presence, by) = (Presence::Away, By::Schedule);
    if let Err(error) = charge(world, invoice, method.as_ref(), presence, by) {
        tracing::debug!(invoice = invoice.id(), message = error.message, "not paid");
    }
}

/// The schedule's next attempt is due. With a payment method that met a hard decline it is counted, and not made.
pub(crate) fn retry(world: &mut World, id: &str) -> Result<()> {
    let invoice = world.get(Kind::Invoice, id)?;
    if !invoice.is("status", "open") {
        return Ok(());
    }
    let method = invoice::method_for(world, &invoice);
    if !collect::is_refused_for_good(&invoice, method.as_ref()) {
        charge_by_itself(world, &invoice);
        return Ok(());
    }
    collect::count_only(world, &invoice, method.as_ref());
    settle(world, id)
}

/// The schedule of attempts is over.
pub(crate) fn gives_up(world: &mut World, id: &str) -> Result<()> {
    let invoice = world.get(Kind::Invoice, id)?;
    if invoice.is("status", "open")
        && resuming::waiting_for(world, &invoice).is_none()
        && let Some(subscription) = invoice::subscription_of(world, &invoice)
    {
        give_up(world, &subscription);
    }
    Ok(())
}

/// What a failed attempt means for the subscription.
fn settle(world: &mut World, invoice: &str) -> Result<()> {
    let failed = world.get(Kind::Invoice, invoice)?;
    let Some(subscription) = invoice::subscription_of(world, &failed) else {
        return Ok(());
    };
    if !failed.is("status", "open") || !failed.flag("attempted") {
        return Ok(());
    }
    if let Some(paused) = resuming::waiting_for(world, &failed) {
        return resuming::failed(world, &paused, &failed);
    }
    // A change that waits for its payment leaves the subscription as it is.
    if subscription.is("_waits.invoice", failed.id()) {
        return Ok(());
    }
    if failed.flag("_retries_used_up") {
        give_up(world, &subscription);
    } else {
        fall_behind(world, &failed, &subscription);
    }
    Ok(())
}

/// After the first attempt. The account may pause the subscription at once, though not for its first invoice
/// (<https://docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure>).
fn fall_behind(world: &mut World, failed: &Value, subscription: &Value) {
    let pauses = world.account().is("after_first_failure", "pause")
        && failed.is("billing_reason", "subscription_cycle")
        && subscription.is("status", "active")
        && pausing::is_possible(subscription);
    if pauses {
        pausing::pause(world, subscription, "first_payment_failure");
    } else {
        owes(world, subscription);
    }
}

/// A subscription that was paid for is no longer.
pub(crate) fn owes(world: &mut World, subscription: &Value) {
    if subscription.is("status", "active") {
        let mut late = subscription.clone();
        late.set("status", "past_due");
        world.update(subscription, &late, "customer.subscription.updated");
    }
}

/// The refusal of a request that is to leave nothing unpaid. A bank that asks for the customer has a code of its own:
/// <https://docs.stripe.com/error-codes#subscription-payment-intent-requires-action>
pub(crate) fn for_subscription(error: ApiError) -> ApiError {
    if error.code.as_deref() != Some("authentication_required") {
        return error;
    }
    let message = "Payment for this subscription requires additional user action before it can be completed successfully. \
                   Payment can be completed using the PaymentIntent associated with `subscription.latest_invoice`.";
    ApiError::card(message).with_code("subscription_payment_intent_requires_action")
}

/// Does what the account's settings say about a subscription that could not be charged. One that was paused after the
/// first failure stays so, unless it is to be canceled.
fn give_up(world: &mut World, subscription: &Value) {
    if subscription::is_over(subscription) {
        return;
    }
    let paused = subscription.is("status", "paused");
    match world.account().text("after_retries") {
        Some("past_due") => {}
        Some("unpaid" | "pause") if paused => {}
        Some("unpaid") => {
            let mut unpaid = subscription.clone();
            unpaid.set("status", "unpaid");
            world.update(subscription, &unpaid, "customer.subscription.updated");
        }
        // One that cannot be paused is canceled instead.
        Some("pause") if pausing::is_possible(subscription) => {
            pausing::pause(world, subscription, "final_payment_failure");
        }
        _ => {
            cancel::at_once(world, subscription, "payment_failed", &Value::Null);
        }
    }
}
