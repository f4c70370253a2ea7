//! Invoices.

use super::{Answer, Call, payment_intents};
use crate::billing::attempt::Presence;
use crate::billing::{cancel, collect, invoicing};
use crate::error::ApiError;
use crate::list::{in_range, page, same};
use crate::resources::customers;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `GET /v1/invoices/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Invoice, &call.id)
}

/// `GET /v1/invoices`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(world, Kind::Invoice, "/v1/invoices", params, |invoice| {
        let subscription = params
            .text("subscription")
            .is_none_or(|id| invoice.is("parent.subscription_details.subscription", id));
        let plain = ["customer", "status", "collection_method"]
            .iter()
            .all(|field| same(invoice, params, field));
        subscription && plain && in_range(invoice.int("created"), params.at("created"))
    })
}

/// `POST /v1/invoices/{id}/pay`
pub(crate) fn pay(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut invoice = world.at_path(Kind::Invoice, &call.id)?;
    if invoice.is("status", "draft") {
        invoice = invoicing::finalize(world, &invoice);
        if invoice.is("status", "paid") {
            return Ok(invoice);
        }
    }
    match invoice.text("status") {
        Some("open" | "uncollectible") => {}
        Some("paid") => return Err(ApiError::invalid("Invoice is already paid")),
        status => {
            let message = format!(
                "This invoice can no longer be paid: it is {}.",
                status.unwrap_or_default()
            );
            return Err(ApiError::invalid(message).with_code("invoice_not_editable"));
        }
    }
    if params.flag("paid_out_of_band") {
        collect::cancel_payment(world, &invoice);
        return Ok(collect::mark_paid(world, &invoice));
    }
    let method = match params.text("payment_method") {
        Some(method) => Some(customers::belongs_to(
            world,
            method,
            invoice.text("customer").unwrap_or_default(),
            "payment_method",
        )?),
        None => collect::method_for(world, &invoice),
    };
    // Unlike elsewhere, the customer is taken to be away unless the call says otherwise.
    let presence = if params.at("off_session").as_bool() == Some(false) {
        Presence::Here
    } else {
        Presence::Away
    };
    collect::charge(world, &invoice, method.as_ref(), presence).map_err(ApiError::keeping_changes)
}

/// `POST /v1/invoices/{id}/void`: with its first invoice an incomplete subscription is given up too.
pub(crate) fn void(world: &mut World, call: &Call) -> Answer {
    let invoice = world.at_path(Kind::Invoice, &call.id)?;
    if !matches!(invoice.text("status"), Some("open" | "uncollectible")) {
        let status = invoice.text("status").unwrap_or_default();
        let message = format!(
            "You can only void an invoice that is open or uncollectible; this one is {status}."
        );
        return Err(ApiError::invalid(message).with_code("invoice_not_editable"));
    }
    invoicing::void(world, &invoice);
    let first = collect::subscription_of(world, &invoice).filter(|subscription| {
        subscription.is("status", "incomplete") && subscription.is("latest_invoice", invoice.id())
    });
    if let Some(subscription) = first {
        cancel::expire_incomplete(world, &subscription);
    }
    world.get(Kind::Invoice, invoice.id())
}

/// The list that `payments` holds once it is expanded.
pub(crate) fn payments_list(world: &World, invoice: &str) -> Value {
    let payments: Vec<Value> = world
        .store
        .newest_first(Kind::InvoicePayment)
        .filter(|payment| payment.is("invoice", invoice))
        .map(shown)
        .collect();
    json!({"object": "list", "data": payments, "has_more": false, "url": "/v1/invoice_payments"})
}

/// What `confirmation_secret` holds once it is expanded.
pub(crate) fn confirmation_secret(world: &World, invoice: &str) -> Value {
    payment_intents::secret_of_invoice(world, invoice).map_or(
        Value::Null,
        |secret| json!({"client_secret": secret, "type": "payment_intent"}),
    )
}
