//! Charging an invoice, and what its success or failure means for the subscription.

use crate::billing::attempt::{self, Outcome, Presence};
use crate::error::{ApiError, Result};
use crate::resources::{charges, payment_intents, payment_outcome};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
use serde_json::{Value, json};

/// Creates the PaymentIntent that an open invoice is paid with, and the `InvoicePayment` between the two.
pub(crate) fn open_payment(world: &mut World, invoice: &Value) {
    let intent = payment_intents::for_invoice(world, invoice);
    let payment = json!({
        "id": ids::id("inpay"),
        "object": "invoice_payment",
        "amount_paid": null,
        "amount_requested": invoice.at("amount_remaining"),
        "created": world.now_for(invoice),
        "currency": invoice.at("currency"),
        "invoice": invoice.id(),
        "is_default": true,
        "livemode": false,
        "payment": {"payment_intent": intent.id(), "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": null, "paid_at": null},
        "_clock": invoice.at("_clock"),
    });
    world.save(&payment);
    world.emit("payment_intent.created", &intent);
}

/// The invoice's own payment, once it is open.
pub(crate) fn payment_of(world: &World, invoice: &str) -> Option<Value> {
    world
        .store
        .newest_first(Kind::InvoicePayment)
        .find(|payment| payment.is("invoice", invoice) && payment.flag("is_default"))
        .cloned()
}

/// The PaymentIntent of an open invoice.
pub(crate) fn intent_of(world: &World, invoice: &str) -> Option<Value> {
    let payment = payment_of(world, invoice)?;
    world
        .store
        .get(Kind::PaymentIntent, payment.text("payment.payment_intent")?)
        .cloned()
}

/// The payment method that pays the invoice: the subscription's own, or the customer's default.
pub(crate) fn method_for(world: &World, invoice: &Value) -> Option<Value> {
    let subscription = subscription_of(world, invoice)?;
    method_of(world, &subscription)
}

/// The payment method that pays for a subscription. A list of types, if there is one, must include its type.
pub(crate) fn method_of(world: &World, subscription: &Value) -> Option<Value> {
    let customer = world
        .store
        .get(Kind::Customer, subscription.text("customer")?)?;
    let id = subscription
        .text("default_payment_method")
        .or(customer.text("invoice_settings.default_payment_method"))?;
    let method = world.store.get(Kind::PaymentMethod, id)?;
    let types = subscription.at("payment_settings.payment_method_types");
    types
        .as_array()
        .is_none_or(|types| types.contains(method.at("type")))
        .then(|| method.clone())
}

/// The subscription that the invoice is for.
pub(crate) fn subscription_of(world: &World, invoice: &Value) -> Option<Value> {
    world
        .store
        .get(
            Kind::Subscription,
            invoice.text("parent.subscription_details.subscription")?,
        )
        .cloned()
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
    let Some(intent) = intent_of(world, invoice.id()) else {
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
                .with("payment_intent", crate::state::render::shown(&failed))
                .with("charge", charge.id()))
        }
        Outcome::NeedsAction(error) => {
            let waiting = payment_outcome::need_action(world, &intent, method);
            world.save(&attempted);
            world.emit("invoice.payment_failed", &attempted);
            world.emit("invoice.payment_action_required", &attempted);
            Err(error.with("payment_intent", crate::state::render::shown(&waiting)))
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
        payment_of(world, invoice.id()).filter(|payment| payment.is("status", "open"))
    {
        payment.set("amount_paid", due);
        payment.set("status", "paid");
        payment.set("status_transitions.paid_at", now);
        world.save(&payment);
        world.emit("invoice_payment.paid", &payment);
    }
    world.emit("invoice.paid", &invoice);
    world.emit("invoice.payment_succeeded", &invoice);
    if let Some(subscription) = subscription_of(world, &invoice) {
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
        payment_of(world, invoice.id()).filter(|payment| payment.is("status", "open"))
    {
        payment.set("status", "canceled");
        payment.set("status_transitions.canceled_at", world.now_for(invoice));
        world.save(&payment);
    }
    if let Some(intent) = intent_of(world, invoice.id()) {
        payment_outcome::cancel(world, &intent, Some("void_invoice"));
    }
}
