//! A product.

use crate::list::fits;
use crate::state::{Fields, World};
use serde_json::{Value, json};

/// A product before anything is known of it.
pub(crate) fn new(world: &World, id: &str) -> Value {
    json!({
        "id": id,
        "object": "product",
        "active": true,
        "created": world.now(),
        "default_price": null,
        "description": null,
        "images": [],
        "livemode": false,
        "marketing_features": [],
        "metadata": {},
        "name": null,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "tax_details": null,
        "type": "service",
        "unit_label": null,
        "updated": world.now(),
        "url": null,
    })
}

/// Whether a list with these parameters has the product.
pub(crate) fn is_listed(product: &Value, params: &Value) -> bool {
    let ids = params.list("ids");
    fits(product, params, &["active"]) && (ids.is_empty() || ids.contains(product.at("id")))
}
