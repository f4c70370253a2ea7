//! Subscriptions: canceled, paused and resumed.

use crate::billing::cancel::{self, Money};
use crate::billing::pausing::Unused;
use crate::billing::resuming::{self, Resume};
use crate::billing::{dunning, invoicing, pausing};
use crate::error::{ApiError, Result};
use crate::objects::subscription;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// `DELETE /v1/subscriptions/{id}`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let subscription = subscription::living(world, &call.id)?;
    let money = Money {
        invoice_now: call.params.flag("invoice_now"),
        credit_from: call
            .params
            .flag("prorate")
            .then(|| world.now_for(&subscription)),
    };
    let details = call.params.at("cancellation_details");
    let (_, draft) = cancel::by_request(world, &subscription, money, details);
    if let Some(draft) = draft {
        let invoice = invoicing::finalize(world, &draft);
        if invoice.is("status", "open") {
            dunning::charge_by_itself(world, &invoice);
        }
    }
    world.get(Kind::Subscription, subscription.id())
}

/// `POST /v1/subscriptions/{id}/pause`, for flexible billing only.
pub(crate) fn pause(world: &mut World, call: &Call) -> Answer {
    let before = subscription::living(world, &call.id)?;
    check_pause(&before)?;
    let unused = Unused::by(call.params.at("bill_for"));
    let invoice_now = call.params.is("invoicing_behavior", "invoice");
    let (paused, draft) = pausing::by_request(world, &before, unused, invoice_now);
    pausing::bill(world, draft.as_ref());
    world.get(Kind::Subscription, paused.id())
}

/// Refuses what cannot be paused: <https://docs.stripe.com/billing/subscriptions/pause>
pub(super) fn check_pause(before: &Value) -> Result<()> {
    let refusal = |message: &str| Err(ApiError::invalid(message));
    if !subscription::is_flexible(before) {
        return refusal("Pausing needs a subscription whose billing_mode is flexible.");
    }
    if let Some(schedule) = before.text("schedule") {
        return refusal(&format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and cannot be paused directly."
        ));
    }
    if !before.is("collection_method", "charge_automatically") {
        return refusal(
            "Only subscriptions that use charge_automatically collection can be paused.",
        );
    }
    if !matches!(
        before.text("status"),
        Some("active" | "past_due" | "unpaid")
    ) {
        let status = before.text("status").unwrap_or_default();
        return refusal(&format!(
            "This subscription cannot be paused because its status is {status}."
        ));
    }
    if before.has("pending_update") {
        return Err(ApiError::not_simulated("pending_update"));
    }
    Ok(())
}

/// `POST /v1/subscriptions/{id}/resume`, only from `paused`.
pub(crate) fn resume(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = subscription::living(world, &call.id)?;
    resuming::check(&before)?;
    let resume = Resume::by(&before, params, world.now_for(&before))?;
    let prepared = resuming::prepare(world, &before, resume);
    let pays_now = params.is("payment_behavior", "resume_on_payment_success");
    resuming::carry_out(world, &before, prepared, pays_now)?;
    world.get(Kind::Subscription, before.id())
}

/// `POST /v1/subscriptions/{id}/migrate`: to flexible billing mode, and never back
/// (<https://docs.stripe.com/billing/subscriptions/billing-mode>).
pub(crate) fn migrate(world: &mut World, call: &Call) -> Answer {
    let before = subscription::living(world, &call.id)?;
    if subscription::is_flexible(&before) {
        let message = "This subscription is already in flexible billing mode.";
        return Err(ApiError::invalid(message).with_param("billing_mode[type]"));
    }
    let mut mode = subscription::billing_mode(call.params.at("billing_mode"))?;
    mode.set("updated_at", world.now_for(&before));
    let mut subscription = before.clone();
    subscription.set("billing_mode", mode);
    world.update(&before, &subscription, "customer.subscription.updated");
    Ok(subscription)
}

/// A SetupIntent that a subscription waited for has succeeded: its payment method pays from now on.
pub(crate) fn setup_done(world: &mut World, intent: &Value) {
    let waiting = world
        .store
        .having(Kind::Subscription, "pending_setup_intent", intent.id())
        .next_back()
        // The intent outlives its subscription, which nothing wakes up again.
        .filter(|subscription| !subscription::is_over(subscription))
        .cloned();
    if let Some(before) = waiting {
        let mut subscription = before.clone();
        subscription.set("pending_setup_intent", Value::Null);
        subscription.set(
            "default_payment_method",
            intent.at("payment_method").clone(),
        );
        world.update(&before, &subscription, "customer.subscription.updated");
    }
}
