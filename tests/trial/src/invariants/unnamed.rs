//! What Stripe has, whether or not an attempt, a customer or the table names it.

use serde_json::Value;

use super::{Seen, attempt_item, attempt_of, is_live, pauses};

/// In the end nothing at Stripe can be confirmed, paid or charged that nobody here looks after.
pub(super) fn all_of_stripe(seen: &Seen, broken: &mut Vec<String>) {
    for customer in &seen.books.customers {
        let id = customer["id"].as_str().unwrap_or_default();
        let is_of_before = seen.wishes.others.contains(id);
        if !is_of_before && customer["metadata"]["perennial_user"] != seen.user.as_str() {
            broken.push(format!("{} is nobody's customer", customer["id"]));
        }
    }
    intents(seen, broken);
    for refund in &seen.books.refunds {
        // What an end at once gives back is looked at with its preview.
        let is_noted = |note: &Value| {
            let parts = note["refunds"].as_array().into_iter().flatten();
            parts.into_iter().any(|part| part["refund"] == refund["id"])
        };
        if !seen.books.credit_notes.iter().any(is_noted) {
            broken.push(format!("nobody asked for {}", refund["id"]));
        }
    }
}

/// Nothing can still be confirmed or paid that belongs to no subscription that lives.
pub(super) fn intents(seen: &Seen, broken: &mut Vec<String>) {
    setup_intents(seen, broken);
    payments(seen, broken);
}

fn setup_intents(seen: &Seen, broken: &mut Vec<String>) {
    let subscriptions = &seen.books.subscriptions;
    for intent in &seen.books.setup_intents {
        if matches!(intent["status"].as_str(), Some("succeeded" | "canceled")) {
            continue;
        }
        // A shopper whose wallet refused may try the same SetupIntent again with another one.
        let attempt = attempt_of(intent).and_then(|id| attempt_item(seen, id));
        let has_failed = attempt.is_some_and(|attempt| attempt["state"] == "failed");
        let of_live = subscriptions.iter().any(|subscription| {
            is_live(subscription) && seen.books.pending_setup(subscription) == Some(intent)
        });
        if !has_failed && !of_live {
            broken.push(format!(
                "{} can still be confirmed, and nobody looks after it",
                intent["id"]
            ));
        }
    }
}

/// A payment is made, canceled, or that of an invoice of a subscription that lives.
fn payments(seen: &Seen, broken: &mut Vec<String>) {
    for payment in &seen.books.payment_intents {
        if matches!(payment["status"].as_str(), Some("succeeded" | "canceled")) {
            continue;
        }
        let invoice = invoice_of(seen, payment);
        let subscription = invoice.and_then(|invoice| subscription_of(seen, invoice));
        // Stripe leaves an invoice open whose subscription has ended because nobody paid it.
        let gave_up = invoice.is_some_and(|it| {
            it["billing_reason"] == "subscription_cycle" || pauses::waits_at_its_end(seen, it)
        });
        if !gave_up && !subscription.is_some_and(is_live) {
            broken.push(format!(
                "{} is {}, and it belongs to no subscription that lives",
                payment["id"], payment["status"]
            ));
        }
    }
    for invoice in &seen.books.invoices {
        let is_first = invoice["billing_reason"] == "subscription_create";
        let is_open = matches!(invoice["status"].as_str(), Some("open" | "draft"));
        let subscription = subscription_of(seen, invoice);
        if is_first && is_open && !subscription.is_some_and(is_live) {
            broken.push(format!(
                "{} of a subscription that has ended can still be paid",
                invoice["id"]
            ));
        }
    }
}

/// The invoice that is paid by this payment.
fn invoice_of<'a>(seen: &'a Seen, payment: &Value) -> Option<&'a Value> {
    let mut links = seen.books.invoice_payments.iter();
    let link = links.find(|link| link["payment"]["payment_intent"] == payment["id"])?;
    let mut invoices = seen.books.invoices.iter();
    invoices.find(|invoice| invoice["id"] == link["invoice"])
}

fn subscription_of<'a>(seen: &'a Seen, invoice: &Value) -> Option<&'a Value> {
    let id = &invoice["parent"]["subscription_details"]["subscription"];
    seen.books.subscriptions.iter().find(|it| it["id"] == *id)
}
