//! Customers.

use super::{Answer, Call, merge_metadata};
use crate::billing::cancel;
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::resources::payment_methods;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Fields that are taken over as they are sent.
const PLAIN: [&str; 6] = [
    "description",
    "email",
    "name",
    "phone",
    "address",
    "shipping",
];

/// `POST /v1/customers`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let clock = params
        .text("test_clock")
        .map(|clock| world.at_param(Kind::TestClock, clock, "test_clock"))
        .transpose()?;
    let clock = clock.map(|clock| clock.id().to_owned());
    let mut customer = json!({
        "id": ids::id("cus"),
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": world.now_on(clock.as_deref()),
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
    });
    apply(&mut customer, params);
    world.save(&customer);
    if let Some(method) = params.text("payment_method") {
        let attached = payment_methods::attach_to(world, method, customer.id(), "payment_method")?;
        if params.text("invoice_settings.default_payment_method") == Some(method) {
            customer.set("invoice_settings.default_payment_method", attached.id());
        }
    } else if let Some(method) = params.text("invoice_settings.default_payment_method") {
        return Err(not_attached(
            method,
            "invoice_settings[default_payment_method]",
        ));
    }
    world.create(&customer, "customer.created");
    Ok(customer)
}

/// `POST /v1/customers/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = living(world, &call.id)?;
    let mut customer = before.clone();
    apply(&mut customer, &call.params);
    if call
        .params
        .at("invoice_settings")
        .get("default_payment_method")
        .is_some()
    {
        let method = call.params.text("invoice_settings.default_payment_method");
        if let Some(method) = method {
            belongs_to(
                world,
                method,
                customer.id(),
                "invoice_settings[default_payment_method]",
            )?;
        }
        customer.set("invoice_settings.default_payment_method", method);
    }
    world.update(&before, &customer, "customer.updated");
    Ok(customer)
}

fn apply(customer: &mut Value, params: &Value) {
    for field in PLAIN {
        if let Some(value) = params.get(field) {
            customer.set(field, value.clone());
        }
    }
    merge_metadata(customer, params);
}

/// `GET /v1/customers/{id}`: a deleted customer is answered as such, with status 200.
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Customer, &call.id)
}

/// `GET /v1/customers`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(world, Kind::Customer, "/v1/customers", params, |customer| {
        // Stripe leaves the customers of test clocks out unless it is asked for one clock's.
        let clock = if params.has("test_clock") {
            same(customer, params, "test_clock")
        } else {
            !customer.has("test_clock")
        };
        !customer.flag("deleted")
            && clock
            && same(customer, params, "email")
            && in_range(customer.int("created"), params.at("created"))
    })
}

/// `DELETE /v1/customers/{id}`: also cancels the subscriptions and detaches the payment methods.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let customer = living(world, &call.id)?;
    let id = customer.id();
    let of_customer = |object: &&Value| object.is("customer", id);
    let subscriptions: Vec<Value> = world
        .store
        .newest_first(Kind::Subscription)
        .filter(of_customer)
        .cloned()
        .collect();
    for subscription in subscriptions {
        if !cancel::is_over(&subscription) {
            cancel::at_once(world, &subscription, "cancellation_requested", &Value::Null);
        }
    }
    let methods: Vec<Value> = world
        .store
        .newest_first(Kind::PaymentMethod)
        .filter(of_customer)
        .cloned()
        .collect();
    for method in methods {
        payment_methods::detach_from_customer(world, &method);
    }
    world.emit("customer.deleted", &customer);
    let gone = json!({"id": id, "object": "customer", "deleted": true});
    world.save(&gone);
    Ok(gone)
}

/// `GET /v1/customers/{id}/payment_methods`
pub(crate) fn payment_methods(world: &mut World, call: &Call) -> Answer {
    let customer = living(world, &call.id)?;
    let url = format!("/v1/customers/{}/payment_methods", customer.id());
    page(world, Kind::PaymentMethod, &url, &call.params, |method| {
        method.is("customer", customer.id()) && same(method, &call.params, "type")
    })
}

/// The customer in the path, who must not be deleted.
fn living(world: &World, id: &str) -> Answer {
    let customer = world.at_path(Kind::Customer, id)?;
    if customer.flag("deleted") {
        Err(Kind::Customer.no_such(id, "id").with_status(404))
    } else {
        Ok(customer)
    }
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

fn not_attached(method: &str, param: &str) -> ApiError {
    let message = format!(
        "The customer does not have a payment method with the ID {method}. The payment method must be attached to the customer."
    );
    ApiError::invalid(message)
        .with_code("resource_missing")
        .with_param(param)
}
