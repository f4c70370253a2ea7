//! Tax ids of customers: created, verified, deleted.

use crate::error::{ApiError, Result};
use crate::objects::{customer, tax_id};
use crate::params::call::{Answer, Call};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::json;

/// Values that Stripe's test mode does not verify, or never decides about; others are verified here.
///
/// <https://docs.stripe.com/billing/customer/tax-ids#validation>
const UNVERIFIED: &str = "111111111";
const PENDING: &str = "222222222";

/// `POST /v1/customers/{id}/tax_ids`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let customer = customer::living(world, &call.id)?;
    let value = call.params.text("value").unwrap_or_default();
    if value.len() < 3 || !value.bytes().any(|it| it.is_ascii_digit()) {
        let kind = call.params.text("type").unwrap_or_default();
        return Err(ApiError::invalid(format!("Invalid value for {kind}."))
            .with_code("tax_id_invalid")
            .with_param("value"));
    }
    let id = tax_id::new(world, &customer, &call.params);
    world.create(&id, "customer.tax_id.created");
    if id.is("verification.status", "pending") && !value.ends_with(PENDING) {
        world.schedule(Due::TaxIdVerified, &id, world.now_for(&customer) + 1);
    }
    Ok(id)
}

/// What the register of the country says of a tax id.
pub(crate) fn verify(world: &mut World, id: &str) -> Result<()> {
    let before = world.get(Kind::TaxId, id)?;
    let mut verified = before.clone();
    let value = before.text("value").unwrap_or_default();
    if value.ends_with(UNVERIFIED) {
        verified.set("verification.status", "unverified");
    } else {
        verified.set("verification.status", "verified");
        verified.set("verification.verified_name", "Sandbox name");
        verified.set("verification.verified_address", "Sandbox address");
    }
    world.update(&before, &verified, "customer.tax_id.updated");
    Ok(())
}

/// `DELETE /v1/customers/{id}/tax_ids/{id}`
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let (customer, id) = call.two_ids();
    customer::living(world, customer)?;
    let found = world.at_path(Kind::TaxId, id)?;
    if !found.is("customer", customer) {
        return Err(Kind::TaxId.no_such(id, "id").with_status(404));
    }
    world.unschedule_all(id);
    world.store.remove(Kind::TaxId, id);
    world.emit("customer.tax_id.deleted", &found);
    Ok(json!({"id": id, "object": "tax_id", "deleted": true}))
}
