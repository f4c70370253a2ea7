//! Invoices: changed, made final and given up by request.

use super::discounts::{self, Order};
use crate::billing::{collect, invoicing, pending_update, resuming, totals};
use crate::error::{ApiError, Result};
use crate::list::page_of_lines;
use crate::objects::discount::Place;
use crate::objects::{customer, invoice, merge_metadata, tax_location, tax_rate};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// How long Stripe waits before it goes on with an invoice by itself: about an hour.
///
/// <https://docs.stripe.com/invoicing/integration/automatic-advancement-collection>
const ADVANCE_SECONDS: i64 = 3600;

/// Fields that are taken over as they are sent.
const PLAIN: [&str; 3] = ["description", "footer", "statement_descriptor"];

/// What can be changed of a draft alone.
const OF_DRAFTS: [&str; 2] = ["default_tax_rates", "discounts"];

/// `POST /v1/invoices/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = world.at_path(Kind::Invoice, &call.id)?;
    let draft = before.is("status", "draft");
    if let Some(name) = OF_DRAFTS
        .iter()
        .find(|name| !draft && params.get(name).is_some())
    {
        let message = "Finalized invoices can't be updated in this way.";
        return Err(ApiError::invalid(message)
            .with_code("invoice_not_editable")
            .with_param(*name));
    }
    let mut invoice = before.clone();
    for field in PLAIN {
        if let Some(value) = params.get(field) {
            invoice.set(field, value.clone());
        }
    }
    let payer = before.text("customer").unwrap_or_default();
    if let Some(method) = params.text("default_payment_method") {
        customer::belongs_to(world, method, payer, "default_payment_method")?;
        invoice.set("default_payment_method", method);
    }
    if let Some(rates) = params.get("default_tax_rates") {
        let rates = tax_rate::named(world, rates, "default_tax_rates")?;
        invoice.set("default_tax_rates", rates);
    }
    let place = Place {
        customer: payer,
        invoice: Some(before.id()),
        ..Place::default()
    };
    let order = Order {
        currency: before.text("currency").unwrap_or_default(),
        subtotal: before.int("subtotal"),
    };
    let old = before.list("discounts");
    let given = params.get("discounts");
    if let Some(ids) = discounts::replace(world, given, old, &place, order, "discounts")? {
        invoice.set("discounts", ids);
    }
    merge_metadata(&mut invoice, params);
    if draft {
        totals::set(world, &mut invoice);
    }
    if let Some(advances) = params.at("auto_advance").as_bool() {
        advance(world, &mut invoice, advances);
    }
    world.update(&before, &invoice, "invoice.updated");
    Ok(invoice)
}

/// Lets Stripe go on with an invoice by itself, or not.
fn advance(world: &mut World, invoice: &mut Value, advances: bool) {
    let (due, field) = match invoice.text("status") {
        Some("draft") => (Due::Finalize, "automatically_finalizes_at"),
        Some("open") => (Due::RetryPayment, "next_payment_attempt"),
        _ => return,
    };
    let at = world.now_for(invoice) + ADVANCE_SECONDS;
    invoice.set("auto_advance", advances);
    invoice.set(field, advances.then_some(at));
    if advances {
        world.schedule(due, invoice, at);
    } else {
        world.unschedule(due, invoice.id());
    }
}

/// `POST /v1/invoices/{id}/finalize`. It is charged an hour later, unless `auto_advance` is false or the shop is quicker.
pub(crate) fn finalize(world: &mut World, call: &Call) -> Answer {
    let draft = world.at_path(Kind::Invoice, &call.id)?;
    if !draft.is("status", "draft") {
        let message =
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(ApiError::invalid(message).with_code("invoice_not_editable"));
    }
    let mut invoice = invoicing::finalize(world, &draft);
    check_final(&invoice)?;
    let advances = call.params.at("auto_advance").as_bool();
    if invoice.is("status", "open") {
        advance(
            world,
            &mut invoice,
            advances.unwrap_or(draft.flag("auto_advance")),
        );
        world.save(&invoice);
    }
    Ok(invoice)
}

/// Says why an invoice could not be made final.
pub(crate) fn check_final(invoice: &Value) -> Result<()> {
    if invoice.is("status", "draft") {
        return Err(tax_location::unrecognized().keeping_changes());
    }
    Ok(())
}

/// `POST /v1/invoices/{id}/mark_uncollectible`: the shop gives up on an invoice, which may still be paid.
pub(crate) fn mark_uncollectible(world: &mut World, call: &Call) -> Answer {
    let mut before = world.at_path(Kind::Invoice, &call.id)?;
    if before.is("status", "draft") {
        before = invoicing::finalize(world, &before);
        check_final(&before)?;
    }
    if !before.is("status", "open") {
        let status = before.text("status").unwrap_or_default();
        let message =
            format!("You can only mark an open invoice as uncollectible; this one is {status}.");
        return Err(ApiError::invalid(message).with_code("invoice_not_editable"));
    }
    let mut invoice = before.clone();
    invoice.set("status", "uncollectible");
    invoice.set("auto_advance", false);
    invoice.set("next_payment_attempt", Value::Null);
    let now = world.now_for(&before);
    invoice.set("status_transitions.marked_uncollectible_at", now);
    world.unschedule_all(invoice.id());
    world.save(&invoice);
    world.emit("invoice.marked_uncollectible", &invoice);
    let subscription = invoice::subscription_of(world, &invoice);
    if let Some(of) = subscription.filter(|of| of.is("latest_invoice", invoice.id())) {
        match resuming::waiting_for(world, &invoice) {
            Some(paused) => pending_update::paid(world, &paused, &invoice),
            None => collect::revive(world, &of, now),
        }
    }
    Ok(invoice)
}

/// `GET /v1/invoices/{id}/lines`
pub(crate) fn lines(world: &World, call: &Call) -> Answer {
    let invoice = world.at_path(Kind::Invoice, &call.id)?;
    let url = format!("/v1/invoices/{}/lines", invoice.id());
    page_of_lines(invoice.list("lines.data"), &url, &call.params)
}
