//! `InvoicePayments`: which payment pays which invoice.

use super::{Answer, Call};
use crate::error::ApiError;
use crate::list::{in_range, page, same};
use crate::state::{Fields, Kind, World};

/// `GET /v1/invoice_payments/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::InvoicePayment, &call.id)
}

/// `GET /v1/invoice_payments`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
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
        |payment| {
            same(payment, params, "invoice")
                && same(payment, params, "status")
                && same(payment.at("payment"), wanted, "payment_intent")
                && in_range(payment.int("created"), params.at("created"))
        },
    )
}
