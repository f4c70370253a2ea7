//! Charging an invoice, and what its success or failure means for the subscription.

use super::attempt::{self, Outcome, Presence};
use super::retries::{self, By, Next};
use super::{charges, pausing, payment_outcome, pending_update, resuming};
use crate::error::{ApiError, Result};
use crate::objects::{invoice, invoice_payment, payment_intent};
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::Value;

/// Creates the PaymentIntent that an open invoice is paid with, and the `InvoicePayment` between the two.
pub(crate) fn open_payment(world: &mut World, invoice: &Value) {
    let intent = payment_intent::for_invoice(world, invoice);
    world.save(&intent);
    let payment = invoice_payment::new(world, invoice, &intent);
    world.save(&payment);
    world.emit("payment_intent.created", &intent);
}

/// Charges an open invoice with the payment method and records what came of it. A refusal is an error that the
/// caller may answer with; what happened stays recorded either way. What a failure means for the subscription is for
/// [`super::dunning`] to say.
pub(super) fn charge(
    world: &mut World,
    invoice: &Value,
    method: Option<&Value>,
    presence: Presence,
    by: By,
) -> Result<Value> {
    let mut attempted = invoice.clone();
    attempted.set("attempted", true);
    attempted.set("attempt_count", retries::count(invoice, by));
    let Some(intent) = invoice::intent_of(world, invoice.id()) else {
        return Err(ApiError::invalid("This invoice has no open payment.")
            .with_code("invoice_not_editable"));
    };
    let Some(method) = method else {
        let message = "This customer has no attached payment source or default payment method. Please consider adding a default payment method.";
        let error = ApiError::invalid(message).with_code("resource_missing");
        fail(world, &attempted, None, by, &error);
        return Err(error);
    };
    if let Err(error) = check_currency(method, invoice) {
        if by == By::Schedule {
            fail(world, &attempted, Some(method), by, &error);
        }
        return Err(error);
    }
    match attempt::outcome(world, method, invoice.at("customer"), presence) {
        Outcome::Paid => {
            payment_outcome::succeed(world, &intent, method);
            Ok(mark_paid(world, &attempted))
        }
        Outcome::Declined(error) => {
            let charge = charges::failed(world, &intent, method, &error);
            let failed = payment_outcome::decline(world, &intent, method, Some(&charge), &error);
            fail(world, &attempted, Some(method), by, &error);
            Err(error
                .with("payment_intent", shown(&failed))
                .with("charge", charge.id()))
        }
        Outcome::NeedsAction(error) => {
            let waiting = payment_outcome::need_action(world, &intent, method, None);
            let failed = fail(world, &attempted, Some(method), by, &error);
            world.emit("invoice.payment_action_required", &failed);
            Err(error.with("payment_intent", shown(&waiting)))
        }
    }
}

/// Records that an attempt has failed, and when the next one is.
fn fail(
    world: &mut World,
    attempted: &Value,
    method: Option<&Value>,
    by: By,
    error: &ApiError,
) -> Value {
    let mut failed = attempted.clone();
    if let Some(method) = method.filter(|_| retries::is_hard(error)) {
        failed.set("_refused_for_good", method.id());
    }
    schedule_next(world, &mut failed, method, by);
    world.save(&failed);
    world.emit("invoice.payment_failed", &failed);
    if by == By::Schedule {
        set_delinquent(world, &failed, true);
    }
    failed
}

/// Counts an attempt of the schedule that is not made.
pub(super) fn count_only(world: &mut World, before: &Value, method: Option<&Value>) {
    let mut counted = before.clone();
    counted.set("attempt_count", retries::count(before, By::Schedule));
    schedule_next(world, &mut counted, method, By::Schedule);
    world.update(before, &counted, "invoice.updated");
}

/// Whether the bank refused this payment method for good when the invoice was charged to it.
pub(super) fn is_refused_for_good(invoice: &Value, method: Option<&Value>) -> bool {
    method.is_some_and(|method| invoice.is("_refused_for_good", method.id()))
}

/// Sets the next attempt. Requests after the first attempt leave the schedule as it is, and a first invoice that was
/// not paid, as well as one that resumes a subscription, has none.
fn schedule_next(world: &mut World, failed: &mut Value, method: Option<&Value>, by: By) {
    let subscription = invoice::subscription_of(world, failed).unwrap_or_default();
    let later_request = by == By::Request && failed.has("_first_failed_at");
    if later_request || subscription.is("status", "incomplete") || failed.flag("_never_retried") {
        return;
    }
    let now = world.now_for(failed);
    if !failed.has("_first_failed_at") {
        failed.set("_first_failed_at", now);
    }
    world.unschedule(Due::RetryPayment, failed.id());
    world.unschedule(Due::GivesUp, failed.id());
    let next = match retries::next(failed, method, now) {
        Next::At(at) => {
            world.schedule(Due::RetryPayment, failed, at);
            Some(at)
        }
        Next::DecidedAt(at) => {
            world.schedule(Due::GivesUp, failed, at);
            None
        }
        Next::UsedUp => {
            failed.set("_retries_used_up", true);
            None
        }
    };
    failed.set("next_payment_attempt", next);
}

/// Whether the newest change of an invoice left a debt: types of npm stripe 23.1.0, `Customer.delinquent`.
fn set_delinquent(world: &mut World, invoice: &Value, delinquent: bool) {
    let customer = invoice
        .text("customer")
        .and_then(|id| world.store.get(Kind::Customer, id))
        .cloned();
    if let Some(before) = customer.filter(|customer| customer.flag("delinquent") != delinquent) {
        let mut customer = before.clone();
        customer.set("delinquent", delinquent);
        world.update(&before, &customer, "customer.updated");
    }
}

/// Records that an invoice is paid, and brings its subscription back to life.
pub(crate) fn mark_paid(world: &mut World, before: &Value) -> Value {
    let now = world.now_for(before);
    let mut invoice = before.clone();
    let due = invoice.int("amount_due").unwrap_or(0);
    invoice.set("amount_paid", due);
    invoice.set("amount_remaining", 0);
    invoice.set("status", "paid");
    invoice.set("auto_advance", false);
    invoice.set("next_payment_attempt", Value::Null);
    invoice.set("status_transitions.paid_at", now);
    world.unschedule(Due::RetryPayment, invoice.id());
    world.unschedule(Due::GivesUp, invoice.id());
    world.save(&invoice);
    set_delinquent(world, &invoice, false);
    if let Some(mut payment) =
        invoice::payment_of(world, invoice.id()).filter(|payment| payment.is("status", "open"))
    {
        payment.set("amount_paid", due);
        payment.set("status", "paid");
        payment.set("status_transitions.paid_at", now);
        world.save(&payment);
        world.emit("invoice_payment.paid", &payment);
    }
    world.emit("invoice.paid", &invoice);
    world.emit("invoice.payment_succeeded", &invoice);
    if let Some(subscription) = invoice::subscription_of(world, &invoice) {
        let resumes = resuming::is_waiting(&subscription);
        if subscription.is("latest_invoice", invoice.id()) && !resumes {
            revive(world, &subscription, now);
        }
        pending_update::paid(world, &subscription, &invoice);
    }
    invoice
}

/// The newest invoice of a subscription is paid for, or given up.
pub(crate) fn revive(world: &mut World, subscription: &Value, now: i64) {
    if pausing::waits_for_payment(subscription) {
        // The account may leave that to a request instead.
        if world.account().is("after_pause", "resume") {
            pausing::wake(world, subscription);
        }
        return;
    }
    if !matches!(
        subscription.text("status"),
        Some("incomplete" | "past_due" | "unpaid")
    ) {
        return;
    }
    let mut active = subscription.clone();
    let trial = subscription.int("trial_end").is_some_and(|end| end > now);
    active.set("status", if trial { "trialing" } else { "active" });
    world.unschedule(Due::IncompleteExpires, active.id());
    world.update(subscription, &active, "customer.subscription.updated");
}

/// A wallet that takes no payment in the currency of an invoice or an intent is refused before anybody is asked.
pub(crate) fn check_currency(method: &Value, charged: &Value) -> Result<()> {
    let kind = method.text("type").unwrap_or_default();
    let currency = charged.text("currency").unwrap_or_default();
    if wallets::takes(kind, currency) {
        return Ok(());
    }
    let message = format!(
        "The currency provided ({currency}) is not one that a payment method of type {kind} can be charged in."
    );
    Err(ApiError::invalid(message)
        .with_code("payment_method_currency_mismatch")
        .with_param("payment_method"))
}

/// Cancels the payment of an invoice that is voided or paid by other means.
pub(crate) fn cancel_payment(world: &mut World, invoice: &Value) {
    if let Some(mut payment) =
        invoice::payment_of(world, invoice.id()).filter(|payment| payment.is("status", "open"))
    {
        payment.set("status", "canceled");
        payment.set("status_transitions.canceled_at", world.now_for(invoice));
        world.save(&payment);
    }
    if let Some(intent) = invoice::intent_of(world, invoice.id()) {
        payment_outcome::cancel(world, &intent, Some("void_invoice"));
    }
}

/// Lets the open payment of an invoice be over what remains to be paid.
pub(crate) fn set_amount(world: &mut World, invoice: &Value) {
    let remaining = invoice.at("amount_remaining");
    let open = invoice::payment_of(world, invoice.id()).filter(|it| it.is("status", "open"));
    if let Some(mut payment) = open {
        payment.set("amount_requested", remaining.clone());
        world.save(&payment);
    }
    if let Some(mut intent) = invoice::intent_of(world, invoice.id()) {
        intent.set("amount", remaining.clone());
        world.save(&intent);
    }
}
