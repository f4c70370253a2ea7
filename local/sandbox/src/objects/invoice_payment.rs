//! An `InvoicePayment`: which payment pays which invoice.

use crate::error::ApiError;
use crate::list::{fits, page, same};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// The open payment of an invoice by this PaymentIntent.
pub(crate) fn new(world: &World, invoice: &Value, intent: &Value) -> Value {
    json!({
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
    })
}

/// `GET /v1/invoice_payments`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let params = &call.params;
    let wanted = params.at("payment");
    if wanted.has("type") && !wanted.is("type", "payment_intent") {
        return Err(ApiError::not_simulated("payment[type]"));
    }
    page(
        world,
        Kind::InvoicePayment,
        "/v1/invoice_payments",
        params,
        |payment, params| {
            fits(payment, params, &["invoice", "status"])
                && same(payment.at("payment"), wanted, "payment_intent")
        },
    )
}
