//! A customer.

use crate::error::{ApiError, Result};
use crate::list::{fits, page_by, same};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A customer before anything is known of them.
pub(crate) fn new(world: &World, clock: Option<&str>) -> Value {
    json!({
        "id": ids::id("cus"),
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": world.now_on(clock),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": ids::random(8).to_uppercase(),
        "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": clock,
        "_clock": clock,
    })
}

/// `GET /v1/customers/{id}/payment_methods`
pub(crate) fn payment_methods(world: &World, call: &Call) -> Answer {
    let customer = living(world, &call.id)?;
    let url = format!("/v1/customers/{}/payment_methods", customer.id());
    let by = Some(("customer", customer.id()));
    page_by(
        world,
        Kind::PaymentMethod,
        by,
        &url,
        &call.params,
        |method| same(method, &call.params, "type"),
    )
}

/// The customer in the path, who must not be deleted.
pub(crate) fn living(world: &World, id: &str) -> Answer {
    named(world, id, "id").map_err(|error| error.with_status(404))
}

/// The customer that the parameter names, who must not be deleted.
pub(crate) fn named(world: &World, id: &str, param: &str) -> Answer {
    let customer = world.at_param(Kind::Customer, id, param)?;
    if customer.flag("deleted") {
        Err(Kind::Customer.no_such(id, param))
    } else {
        Ok(customer)
    }
}

/// The payment method, which must be the customer's.
pub(crate) fn belongs_to(
    world: &World,
    method: &str,
    customer: &str,
    param: &str,
) -> Result<Value> {
    let found = world.at_param(Kind::PaymentMethod, method, param)?;
    if found.is("customer", customer) {
        Ok(found)
    } else {
        Err(not_attached(method, param))
    }
}

/// The refusal of a payment method that is not the customer's.
pub(crate) fn not_attached(method: &str, param: &str) -> ApiError {
    let message = format!(
        "The customer does not have a payment method with the ID {method}. The payment method must be attached to the customer."
    );
    ApiError::invalid(message)
        .with_code("resource_missing")
        .with_param(param)
}

/// Whether a list with these parameters has the customer. Stripe leaves those of test clocks out unless it is asked for
/// one clock's.
pub(crate) fn is_listed(customer: &Value, params: &Value) -> bool {
    let clock = if params.has("test_clock") {
        same(customer, params, "test_clock")
    } else {
        !customer.has("test_clock")
    };
    !customer.flag("deleted") && clock && fits(customer, params, &["email"])
}
