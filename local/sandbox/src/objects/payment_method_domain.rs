//! A web domain on which wallets may be shown.

use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// A domain that no wallet has judged yet.
pub(crate) fn new(world: &World, name: &str, params: &Value) -> Value {
    json!({
        "id": ids::id("pmd"),
        "object": "payment_method_domain",
        "created": world.now(),
        "domain_name": name,
        "enabled": params.at("enabled").as_bool().unwrap_or(true),
        "livemode": false,
    })
}
