//! Invoices: paid and voided by request.

use super::invoice_changes;
use crate::billing::attempt::Presence;
use crate::billing::retries::By;
use crate::billing::{cancel, collect, dunning, invoicing};
use crate::error::ApiError;
use crate::objects::{customer, invoice};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};

/// `POST /v1/invoices/{id}/pay`
pub(crate) fn pay(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut invoice = world.at_path(Kind::Invoice, &call.id)?;
    if invoice.is("status", "draft") {
        invoice = invoicing::finalize(world, &invoice);
        invoice_changes::check_final(&invoice)?;
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
            return Err(ApiError::invalid(message));
        }
    }
    if params.flag("paid_out_of_band") {
        collect::cancel_payment(world, &invoice);
        return Ok(collect::mark_paid(world, &invoice));
    }
    let method = match params.text("payment_method") {
        Some(method) => Some(customer::belongs_to(
            world,
            method,
            invoice.text("customer").unwrap_or_default(),
            "payment_method",
        )?),
        None => invoice::method_for(world, &invoice),
    };
    // Unlike elsewhere, the customer is taken to be away unless the call says otherwise.
    let presence = if params.at("off_session").as_bool() == Some(false) {
        Presence::Here
    } else {
        Presence::Away
    };
    let charged = dunning::charge(world, &invoice, method.as_ref(), presence, By::Request);
    charged.map_err(|error| requires_action(error).keeping_changes())
}

/// A bank that asks for the customer has a code of its own where an invoice is paid:
/// <https://docs.stripe.com/error-codes#invoice-payment-intent-requires-action>
fn requires_action(error: ApiError) -> ApiError {
    if error.code.as_deref() != Some("authentication_required") {
        return error;
    }
    let message = "Payment for this invoice requires additional user action before it can be completed successfully. \
                   Payment can be completed using the invoice's PaymentIntent.";
    error
        .with_code("invoice_payment_intent_requires_action")
        .with_message(message)
}

/// `POST /v1/invoices/{id}/void`: with its first invoice an incomplete subscription is given up too.
pub(crate) fn void(world: &mut World, call: &Call) -> Answer {
    let invoice = world.at_path(Kind::Invoice, &call.id)?;
    if !matches!(invoice.text("status"), Some("open" | "uncollectible")) {
        let status = invoice.text("status").unwrap_or_default();
        let message = format!(
            "You can only void an invoice that is open or uncollectible; this one is {status}."
        );
        return Err(ApiError::invalid(message));
    }
    invoicing::void(world, &invoice);
    let first = invoice::subscription_of(world, &invoice).filter(|subscription| {
        subscription.is("status", "incomplete") && subscription.is("latest_invoice", invoice.id())
    });
    if let Some(subscription) = first {
        cancel::expire_incomplete(world, &subscription);
    }
    world.get(Kind::Invoice, invoice.id())
}
