//! Customers: created, changed, deleted.

use super::payment_methods;
use crate::billing::cancel;
use crate::error::Result;
use crate::objects::{address, customer, merge_metadata, subscription, tax_location};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// Fields that are taken over as they are sent.
const PLAIN: [&str; 4] = ["description", "email", "name", "phone"];

/// `POST /v1/customers`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let clock = params
        .text("test_clock")
        .map(|clock| world.at_param(Kind::TestClock, clock, "test_clock"))
        .transpose()?;
    let clock = clock.map(|clock| clock.id().to_owned());
    let mut customer = customer::new(world, clock.as_deref());
    apply(&mut customer, params);
    check_location(world, &customer, params)?;
    world.save(&customer);
    if let Some(method) = params.text("payment_method") {
        let attached = payment_methods::attach_to(world, method, customer.id(), "payment_method")?;
        if params.text("invoice_settings.default_payment_method") == Some(method) {
            customer.set("invoice_settings.default_payment_method", attached.id());
        }
    } else if let Some(method) = params.text("invoice_settings.default_payment_method") {
        return Err(customer::not_attached(
            method,
            "invoice_settings[default_payment_method]",
        ));
    }
    world.create(&customer, "customer.created");
    Ok(customer)
}

/// `POST /v1/customers/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = customer::living(world, &call.id)?;
    let mut customer = before.clone();
    apply(&mut customer, &call.params);
    check_location(world, &customer, &call.params)?;
    if call
        .params
        .at("invoice_settings")
        .get("default_payment_method")
        .is_some()
    {
        let method = call.params.text("invoice_settings.default_payment_method");
        if let Some(method) = method {
            customer::belongs_to(
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
    if let Some(sent) = params.get("address") {
        let address = address::merged(customer.at("address"), sent);
        customer.set("address", address);
    }
    if let Some(sent) = params.get("shipping") {
        let shipping = address::merged_shipping(customer.at("shipping"), sent);
        customer.set("shipping", shipping);
    }
    if let Some(exempt) = params.get("tax_exempt") {
        customer.set("tax_exempt", exempt.as_str().unwrap_or("none"));
    }
    if let Some(ip) = params.at("tax").get("ip_address") {
        customer.set("_ip_address", ip.clone());
    }
    merge_metadata(customer, params);
}

/// `tax[validate_location]`: with `immediately`, the location has to be known well enough for taxes; with `auto`, it has to
/// be while a subscription of the customer needs it.
fn check_location(world: &World, customer: &Value, params: &Value) -> Result<()> {
    let needed = match params.text("tax.validate_location") {
        Some("immediately") => true,
        Some("auto") => world.store.oldest_first(Kind::Subscription).any(|it| {
            it.is("customer", customer.id())
                && it.flag("automatic_tax.enabled")
                && !subscription::is_over(it)
        }),
        _ => false,
    };
    if needed && tax_location::of(world, customer).is_none() {
        return Err(tax_location::unrecognized().with_param("address"));
    }
    Ok(())
}

/// `DELETE /v1/customers/{id}`: also cancels the subscriptions and detaches the payment methods.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let customer = customer::living(world, &call.id)?;
    let id = customer.id();
    let of_customer = |world: &World, kind| -> Vec<Value> {
        let all = world.store.having(kind, "customer", id);
        all.rev().cloned().collect()
    };
    for subscription in of_customer(world, Kind::Subscription) {
        if !subscription::is_over(&subscription) {
            cancel::at_once(world, &subscription, "cancellation_requested", &Value::Null);
        }
    }
    for method in of_customer(world, Kind::PaymentMethod) {
        payment_methods::detach_from_customer(world, &method);
    }
    world.emit("customer.deleted", &customer);
    let gone = json!({"id": id, "object": "customer", "deleted": true});
    world.save(&gone);
    Ok(gone)
}
