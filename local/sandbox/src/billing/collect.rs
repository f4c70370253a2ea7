//! Charging an invoice, and what its success or failure means for the subscription.

use super::attempt::{self, Outcome, Presence};
use super::{charges, payment_outcome};
use crate::error::{ApiError, Result};
use crate::objects::{invoice, invoice_payment, payment_intent};
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, World};
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
/// caller may answer with; what happened stays recorded either way.
pub(crate) fn charge(
    world: &mut World,
    invoice: &Value,
    method: Option<&Value>,
    presence: Presence,
) -> Result<Value> {
    let mut attempted = invoice.clone();
    attempted.set("attempted", true);
    attempted.set(
        "attempt_count",
        invoice.int("attempt_count").unwrap_or(0) + 1,
    );
    let Some(intent) = invoice::intent_of(world, invoice.id()) else {
        return Err(ApiError::invalid("This invoice has no open payment.")
            .with_code("invoice_not_editable"));
    };
    let Some(method) = method else {
        world.save(&attempted);
        world.emit("invoice.payment_failed", &attempted);
        let message = "This customer has no attached payment source or default payment method. Please consider adding a default payment method.";
        return Err(ApiError::invalid(message).with_code("resource_missing"));
    };
    check_currency(method, invoice)?;
    match attempt::outcome(world, method, invoice.at("customer"), presence) {
        Outcome::Paid => {
            payment_outcome::succeed(world, &intent, method);
            Ok(mark_paid(world, &attempted))
        }
        Outcome::Declined(error) => {
            let charge = charges::failed(world, &intent, method, &error);
            let failed = payment_outcome::decline(world, &intent, method, Some(&charge), &error);
            world.save(&attempted);
            world.emit("invoice.payment_failed", &attempted);
            Err(error
                .with("payment_intent", shown(&failed))
                .with("charge", charge.id()))
        }
        Outcome::NeedsAction(error) => {
            let waiting = payment_outcome::need_action(world, &intent, method);
            world.save(&attempted);
            world.emit("invoice.payment_failed", &attempted);
            world.emit("invoice.payment_action_required", &attempted);
            Err(error.with("payment_intent", shown(&waiting)))
        }
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
    world.save(&invoice);
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
        let revives = matches!(
            subscription.text("status"),
            Some("incomplete" | "past_due" | "unpaid")
        );
        if revives && subscription.is("latest_invoice", invoice.id()) {
            let mut active = subscription.clone();
            let trial = subscription.int("trial_end").is_some_and(|end| end > now);
            active.set("status", if trial { "trialing" } else { "active" });
            world.unschedule(Due::IncompleteExpires, active.id());
            world.update(&subscription, &active, "customer.subscription.updated");
        }
    }
    invoice
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
