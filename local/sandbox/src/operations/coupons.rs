//! Coupons: created, changed, deleted.

use crate::error::ApiError;
use crate::objects::{coupon, merge_metadata};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::json;

/// `POST /v1/coupons`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let mut coupon = coupon::new(world, &call.params)?;
    if world.store.get(Kind::Coupon, coupon.id()).is_some() {
        return Err(ApiError::invalid("Coupon already exists.")
            .with_code("resource_already_exists")
            .with_param("id"));
    }
    merge_metadata(&mut coupon, &call.params);
    world.create(&coupon, "coupon.created");
    Ok(coupon)
}

/// `POST /v1/coupons/{id}`: only what does not change what it is worth in a currency that it has.
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::Coupon, &call.id)?;
    let mut coupon = before.clone();
    if let Some(name) = call.params.get("name") {
        coupon.set("name", name.clone());
    }
    coupon::set_currency_options(&mut coupon, &call.params)?;
    merge_metadata(&mut coupon, &call.params);
    world.update(&before, &coupon, "coupon.updated");
    Ok(coupon::seen(world, &coupon))
}

/// `DELETE /v1/coupons/{id}`: discounts that were given with it go on.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let coupon = world.at_path(Kind::Coupon, &call.id)?;
    world.store.remove(Kind::Coupon, coupon.id());
    world.emit("coupon.deleted", &coupon);
    Ok(json!({"id": coupon.id(), "object": "coupon", "deleted": true}))
}
