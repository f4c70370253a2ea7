//! Invoices of a subscription: drawn up as drafts, made final, voided.

use super::collect;
use crate::objects::invoice::{self, Bill};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use serde_json::Value;

/// Draws up a draft for the subscription's items.
pub(crate) fn draft(world: &mut World, subscription: &Value, bill: Bill) -> Value {
    let invoice = invoice::new(world, subscription, bill);
    world.create(&invoice, "invoice.created");
    invoice
}

/// Makes a draft final: it gets a number and, if something is due, a PaymentIntent; otherwise it is paid.
pub(crate) fn finalize(world: &mut World, draft: &Value) -> Value {
    let now = world.now_for(draft);
    let mut invoice = draft.clone();
    invoice.set("number", next_number(world, draft));
    invoice.set("status", "open");
    invoice.set("effective_at", now);
    invoice.set("ending_balance", 0);
    invoice.set("automatically_finalizes_at", Value::Null);
    invoice.set("status_transitions.finalized_at", now);
    world.unschedule(Due::Finalize, invoice.id());
    world.save(&invoice);
    if invoice.int("amount_remaining") != Some(0) {
        collect::open_payment(world, &invoice);
    }
    world.emit("invoice.finalized", &invoice);
    if invoice.int("amount_remaining") == Some(0) {
        invoice.set("attempted", true);
        return collect::mark_paid(world, &invoice);
    }
    invoice
}

fn next_number(world: &mut World, invoice: &Value) -> String {
    let Some(mut customer) = invoice
        .text("customer")
        .and_then(|id| world.store.get(Kind::Customer, id))
        .cloned()
    else {
        return format!("SANDBOX-{}", ids::random(6));
    };
    let sequence = customer.int("next_invoice_sequence").unwrap_or(1);
    let number = format!(
        "{}-{sequence:04}",
        customer.text("invoice_prefix").unwrap_or("SANDBOX")
    );
    customer.set("next_invoice_sequence", sequence + 1);
    customer.set("currency", invoice.at("currency").clone());
    world.save(&customer);
    number
}

/// Voids an invoice that will not be paid, and its PaymentIntent with it.
pub(crate) fn void(world: &mut World, before: &Value) {
    let now = world.now_for(before);
    let mut invoice = before.clone();
    invoice.set("status", "void");
    invoice.set("auto_advance", false);
    invoice.set("next_payment_attempt", Value::Null);
    invoice.set("status_transitions.voided_at", now);
    world.unschedule_all(invoice.id());
    collect::cancel_payment(world, &invoice);
    world.save(&invoice);
    world.emit("invoice.voided", &invoice);
}
