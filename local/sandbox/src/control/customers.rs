//! What the shop does to a customer in Stripe's Dashboard, and what is collected in taxes where customers are.

use super::{answered, body};
use crate::http::shared::Shared;
use crate::objects::tax_location;
use crate::operations::discounts;
use crate::state::render::shown;
use crate::state::world::Origin;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/customers/{id}/discount", post(give_discount))
        .route("/taxes", post(set_tax))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promotion_code: Option<String>,
}

/// Gives the customer a discount on all their subscriptions that have none of their own.
async fn give_discount(
    State(shared): Sandbox,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Response<Body> {
    let result = body::<Offer>(&bytes).and_then(|offer| {
        shared.change(Origin::default(), |world| {
            discounts::give(world, &id, &json!(offer))
        })
    });
    answered(result.map(|customer| shown(&customer)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tax {
    /// A country such as `DE`, or a state such as `US-CA`.
    place: String,
    /// Text, such as `"8.25"`; absent if nothing is collected there.
    percentage: Option<String>,
    /// Stripe's name of the tax.
    #[serde(default = "vat", rename = "tax_type")]
    kind: String,
}

fn vat() -> String {
    "vat".to_owned()
}

/// Sets what automatic tax collects at a place.
async fn set_tax(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    let result = body::<Tax>(&bytes).and_then(|tax| {
        shared.change(Origin::default(), |world| {
            let percentage = tax.percentage.as_deref();
            let taxes = tax_location::changed(world, &tax.place, percentage, &tax.kind)?;
            world.set_account("taxes", taxes.clone());
            Ok(taxes)
        })
    });
    answered(result)
}
