//! Products: created, changed, deleted.

use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, product};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Fields that are taken over as they are sent.
const PLAIN: [&str; 10] = [
    "active",
    "description",
    "images",
    "name",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
    "default_price",
];

/// `POST /v1/products`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let id = params.owned("id").unwrap_or_else(|| ids::id("prod"));
    if world.store.get(Kind::Product, &id).is_some() {
        return Err(ApiError::invalid("Product already exists.")
            .with_code("resource_already_exists")
            .with_param("id"));
    }
    let mut product = product::new(world, &id);
    apply(&mut product, params)?;
    world.create(&product, "product.created");
    Ok(product)
}

/// `POST /v1/products/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::Product, &call.id)?;
    let mut product = before.clone();
    if let Some(price) = call.params.text("default_price") {
        world.at_param(Kind::Price, price, "default_price")?;
    }
    apply(&mut product, &call.params)?;
    product.set("updated", world.now());
    world.update(&before, &product, "product.updated");
    Ok(product)
}

fn apply(product: &mut Value, params: &Value) -> Result<()> {
    if params.get("name").is_some_and(Value::is_null) {
        return Err(ApiError::cannot_be_empty("name"));
    }
    for field in PLAIN {
        if let Some(value) = params.get(field) {
            let cleared = if field == "images" {
                json!([])
            } else {
                Value::Null
            };
            product.set(
                field,
                if value.is_null() {
                    cleared
                } else {
                    value.clone()
                },
            );
        }
    }
    merge_metadata(product, params);
    Ok(())
}

/// `DELETE /v1/products/{id}`, for a product without prices.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let product = world.at_path(Kind::Product, &call.id)?;
    if world
        .store
        .having(Kind::Price, "product", product.id())
        .next()
        .is_some()
    {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    world.store.remove(Kind::Product, product.id());
    world.emit("product.deleted", &product);
    Ok(json!({"id": product.id(), "object": "product", "deleted": true}))
}
