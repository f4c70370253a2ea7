//! A `PaymentMethod`: a wallet or a card.

use super::{customer, merge_metadata};
use crate::list::{fits, page};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A payment method of this type, which belongs to nobody yet.
pub(crate) fn new(world: &World, kind: &str, params: &Value) -> Value {
    let given = params.at("billing_details");
    let mut method = json!({
        "id": ids::id("pm"),
        "object": "payment_method",
        "allow_redisplay": params.text("allow_redisplay").unwrap_or("unspecified"),
        "billing_details": {
            "address": {"city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null},
            "email": given.at("email"),
            "name": given.at("name"),
            "phone": given.at("phone"),
            "tax_id": given.at("tax_id"),
        },
        "created": world.now(),
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": kind,
    });
    for (name, value) in given.at("address").as_object().into_iter().flatten() {
        method.set(&format!("billing_details.address.{name}"), value.clone());
    }
    merge_metadata(&mut method, params);
    method
}

/// `GET /v1/payment_methods`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let params = &call.params;
    if let Some(customer) = params.text("customer") {
        customer::named(world, customer, "customer")?;
    }
    page(
        world,
        Kind::PaymentMethod,
        "/v1/payment_methods",
        params,
        |method, params| method.has("customer") && fits(method, params, &["customer", "type"]),
    )
}
