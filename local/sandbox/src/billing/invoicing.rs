//! Invoices of a subscription: drawn up as drafts, made final, voided.

use super::balance::{self, Reason};
use super::{collect, discounts, pending_update, taxes, totals};
use crate::objects::invoice::{self, Bill};
use crate::objects::{invoice_item, invoice_line, tax_location};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Draws up a draft of these lines, and of the invoice items that wait for this subscription's next invoice.
pub(crate) fn draft(world: &mut World, subscription: &Value, bill: Bill) -> Value {
    let invoice = prepare(world, subscription, bill);
    world.create(&invoice, "invoice.created");
    invoice
}

/// A draft that nobody has been told of yet.
pub(crate) fn prepare(world: &mut World, subscription: &Value, mut bill: Bill) -> Value {
    let customer = subscription.text("customer").unwrap_or_default();
    let mut waiting = invoice_item::pending(world, customer, Some(subscription.id()));
    waiting.retain(|item| item.at("currency") == subscription.at("currency"));
    // Stripe lists what was pending before what is new.
    bill.lines
        .splice(0..0, waiting.iter().map(invoice_line::of_pending));
    let renews = bill.reason == "subscription_cycle";
    let mut invoice = invoice::new(world, subscription, bill);
    if renews && collects(subscription) {
        let at = world.now_for(subscription) + DRAFT_SECONDS;
        invoice.set("automatically_finalizes_at", at);
        invoice.set("next_payment_attempt", at);
    }
    if subscription.is("status", "unpaid") {
        // https://docs.stripe.com/billing/subscriptions/overview#unpaid
        invoice.set("auto_advance", false);
    }
    invoice.set("discounts", discounts::of_subscription(world, subscription));
    let rates = subscription.at("default_tax_rates").clone();
    invoice.set("default_tax_rates", rates);
    if subscription.flag("automatic_tax.enabled") {
        let automatic = json!({"disabled_reason": null, "enabled": true, "liability": {"type": "self"}, "provider": "stripe", "status": null});
        invoice.set("automatic_tax", automatic);
    }
    for mut item in waiting {
        item.set("invoice", invoice.id());
        world.save(&item);
    }
    totals::set(world, &mut invoice);
    world.save(&invoice);
    invoice
}

/// Whether drafts of the subscription become final by themselves.
fn collects(subscription: &Value) -> bool {
    !subscription.has("pause_collection") && !subscription.is("status", "unpaid")
}

/// Makes a draft final: it gets a number and takes what it can from the customer's balance. If something is due, it gets
/// a PaymentIntent; otherwise it is paid.
///
/// It stays a draft where automatic tax does not know where the customer is.
pub(crate) fn finalize(world: &mut World, draft: &Value) -> Value {
    let now = world.now_for(draft);
    let mut invoice = draft.clone();
    // The balance may have changed since the draft was drawn up.
    totals::set(world, &mut invoice);
    if taxes::lacks_location(&invoice) {
        return fail(world, draft, invoice);
    }
    taxes::keep_rates(world, &invoice);
    invoice.set("last_finalization_error", Value::Null);
    settle_balance(world, &mut invoice);
    invoice.set("number", next_number(world, draft));
    // Whoever has the link may read the invoice, so that nobody can guess it.
    let link = ids::random(32);
    let url = format!("{}/sandbox/invoices/{link}", world.base_url);
    invoice.set("invoice_pdf", format!("{url}/pdf"));
    invoice.set("hosted_invoice_url", url);
    invoice.set("_link", link);
    invoice.set("status", "open");
    invoice.set("effective_at", now);
    invoice.set("automatically_finalizes_at", Value::Null);
    invoice.set("status_transitions.finalized_at", now);
    world.unschedule(Due::Finalize, invoice.id());
    world.save(&invoice);
    if invoice.int("amount_remaining") != Some(0) {
        collect::open_payment(world, &invoice);
    }
    world.emit("invoice.finalized", &invoice);
    discounts::use_up(world, &invoice);
    if invoice.int("amount_remaining") == Some(0) {
        invoice.set("attempted", true);
        return collect::mark_paid(world, &invoice);
    }
    invoice
}

/// Leaves a draft as it is whose taxes cannot be calculated. Nobody is charged until the shop makes it final itself.
fn fail(world: &mut World, before: &Value, mut invoice: Value) -> Value {
    let error = tax_location::unrecognized().hash();
    invoice.set("last_finalization_error", error);
    invoice.set("automatically_finalizes_at", Value::Null);
    invoice.set("next_payment_attempt", Value::Null);
    world.unschedule(Due::Finalize, before.id());
    world.save(&invoice);
    world.emit("invoice.finalization_failed", &invoice);
    invoice
}

/// Leaves on the customer's balance what the invoice does not charge, and takes from it what it pays for.
fn settle_balance(world: &mut World, invoice: &mut Value) {
    let amount = |name: &str| invoice.int(name).unwrap_or(0);
    let (start, end) = (amount("starting_balance"), totals::ending_balance(invoice));
    let too_small = amount("total") > 0 && end > 0 && amount("amount_due") == 0;
    let reason = if too_small {
        Reason::InvoiceTooSmall
    } else {
        Reason::AppliedToInvoice
    };
    invoice.set("ending_balance", end);
    balance::move_by(world, invoice, end - start, reason);
}

/// A renewal's invoice stays a draft for about an hour, so that the shop may add to it.
///
/// <https://docs.stripe.com/billing/invoices/subscription#invoice-lifecycle>
const DRAFT_SECONDS: i64 = 3600;

/// Lets a draft become final, and be charged, after an hour.
pub(crate) fn finalize_later(world: &mut World, draft: &Value) {
    let at = world.now_for(draft) + DRAFT_SECONDS;
    world.schedule(Due::Finalize, draft, at);
}

/// Voids the invoice that a subscription's pending update waits for, and the update with it.
pub(crate) fn expire_pending_update(world: &mut World, subscription: &Value) {
    match pending_update::invoice_of(world, subscription) {
        Some(invoice) if matches!(invoice.text("status"), Some("open" | "uncollectible")) => {
            void(world, &invoice);
        }
        Some(invoice) => pending_update::forget(world, subscription, &invoice),
        None => {}
    }
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
    if let Some(end) = before.int("ending_balance") {
        let taken = end - before.int("starting_balance").unwrap_or(0);
        balance::move_by(world, &invoice, -taken, Reason::UnappliedFromInvoice);
    }
    world.emit("invoice.voided", &invoice);
    if let Some(subscription) = invoice::subscription_of(world, &invoice) {
        pending_update::forget(world, &subscription, &invoice);
    }
}
