//! Prices: created and changed.

use super::products;
use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, price};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// `POST /v1/prices`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let amount = params
        .int("unit_amount")
        .ok_or_else(|| ApiError::missing("unit_amount"))?;
    if amount < 0 {
        return Err(
            ApiError::validation("This value must be greater than or equal to 0.")
                .with_param("unit_amount"),
        );
    }
    let product = product_of(world, call)?;
    let recurring = params.at("recurring");
    let metered = recurring.is("usage_type", "metered") || recurring.has("meter");
    if metered {
        return Err(ApiError::not_simulated("recurring[usage_type]"));
    }
    let mut price = price::new(world, params, &product, amount);
    claim_lookup_key(world, &mut price, params)?;
    merge_metadata(&mut price, params);
    world.create(&price, "price.created");
    Ok(price)
}

fn product_of(world: &mut World, call: &Call) -> Result<String> {
    match (call.params.text("product"), call.params.has("product_data")) {
        (Some(_), true) => Err(ApiError::exclusive("product", "product_data")),
        (Some(product), false) => Ok(world
            .at_param(Kind::Product, product, "product")?
            .id()
            .to_owned()),
        (None, true) => {
            let inner = Call {
                params: call.params.at("product_data").clone(),
                id: String::new(),
                from_page: false,
                client: call.client.clone(),
            };
            Ok(products::create(world, &inner)?.id().to_owned())
        }
        (None, false) => Err(ApiError::missing("product")),
    }
}

/// A lookup key belongs to one price; `transfer_lookup_key` takes it from the other.
fn claim_lookup_key(world: &mut World, price: &mut Value, params: &Value) -> Result<()> {
    let Some(key) = params.text("lookup_key") else {
        if params.get("lookup_key").is_some() {
            price.set("lookup_key", Value::Null);
        }
        return Ok(());
    };
    let other = world
        .store
        .having(Kind::Price, "lookup_key", key)
        .find(|other| other.id() != price.id())
        .cloned();
    if let Some(before) = other {
        if !params.flag("transfer_lookup_key") {
            let message = format!("A price (`{}`) already uses that lookup key.", before.id());
            return Err(ApiError::invalid(message).with_param("lookup_key"));
        }
        let mut after = before.clone();
        after.set("lookup_key", Value::Null);
        world.update(&before, &after, "price.updated");
    }
    price.set("lookup_key", key);
    Ok(())
}

/// `POST /v1/prices/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::Price, &call.id)?;
    let mut price = before.clone();
    for field in ["active", "nickname", "tax_behavior"] {
        if let Some(value) = call.params.get(field) {
            price.set(field, value.clone());
        }
    }
    claim_lookup_key(world, &mut price, &call.params)?;
    merge_metadata(&mut price, &call.params);
    world.update(&before, &price, "price.updated");
    Ok(price)
}
