//! Events in the shape of the endpoint's API version.
//!
//! Stripe renders an event at the version that the endpoint was created with, whatever version the request used.
//! The sandbox knows one old shape: before 2025-03-31.basil periods stood on the subscription itself, and an invoice
//! named its subscription and PaymentIntent.

use crate::objects::invoice;
use crate::state::{Fields, World, deliveries};
use serde_json::{Value, json};

/// The first version of the present shapes.
const BASIL: &str = "2025-03-31";

/// The event as the endpoint gets it.
pub(crate) fn for_endpoint(world: &World, event: &Value, endpoint: &Value) -> Value {
    let mut event = crate::state::render::shown(event);
    event.set("pending_webhooks", deliveries::pending(world, event.id()));
    if let Some(version) = endpoint.text("api_version") {
        event.set("api_version", version);
        if version.get(..BASIL.len()).is_some_and(|date| date < BASIL) {
            let object = before_basil(world, event.at("data.object"));
            event.set("data.object", object);
        }
    }
    event
}

fn before_basil(world: &World, object: &Value) -> Value {
    let mut object = object.clone();
    if object.is("object", "subscription") {
        for field in ["current_period_start", "current_period_end"] {
            let of_first = object.at("items.data.0").at(field).clone();
            object.set(field, of_first);
            for index in 0..object.list("items.data").len() {
                remove(&mut object, &format!("items.data.{index}"), field);
            }
        }
        remove(&mut object, "", "billing_mode");
    }
    if object.is("object", "invoice") {
        let details = object.at("parent.subscription_details").clone();
        let intent = invoice::intent_of(world, object.id());
        object.set("subscription", details.at("subscription").clone());
        object.set(
            "subscription_details",
            json!({"metadata": details.at("metadata")}),
        );
        object.set("payment_intent", intent.as_ref().map(Fields::id));
        object.set(
            "charge",
            intent
                .as_ref()
                .map_or(Value::Null, |intent| intent.at("latest_charge").clone()),
        );
        object.set("paid", object.is("status", "paid"));
        object.set("paid_out_of_band", false);
        remove(&mut object, "", "parent");
    }
    object
}

fn remove(object: &mut Value, path: &str, field: &str) {
    let mut inner = if path.is_empty() {
        object.clone()
    } else {
        object.at(path).clone()
    };
    if let Value::Object(fields) = &mut inner {
        fields.remove(field);
    }
    if path.is_empty() {
        *object = inner;
    } else {
        object.set(path, inner);
    }
}
