//! Deliveries: seen, held, let go; a local listener; a new secret.

use super::{answered, body};
use crate::error::ApiError;
use crate::http::shared::Shared;
use crate::operations::webhook_endpoints;
use crate::state::Kind;
use crate::state::render::shown;
use crate::state::world::Origin;
use crate::webhooks::release::{Release, release};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

/// Stripe keeps an old secret for at most a day.
const ROLL_SECONDS: i64 = 86_400;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/webhooks", get(deliveries))
        .route("/webhooks/hold", post(hold))
        .route("/webhooks/release", post(let_go))
        .route("/webhooks/listen", post(listen))
        .route("/webhook_endpoints/{id}/roll", post(roll))
}

async fn deliveries(State(shared): Sandbox) -> Response<Body> {
    let all: Vec<Value> = shared
        .world()
        .store
        .oldest_first(Kind::Delivery)
        .cloned()
        .collect();
    answered(Ok(json!({"deliveries": all})))
}

/// From now on nothing is sent until it is released.
async fn hold(State(shared): Sandbox) -> Response<Body> {
    shared.note(|world| world.set_account("hold", true));
    answered(Ok(json!({"hold": true})))
}

async fn let_go(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    match body::<Release>(&bytes) {
        Ok(wanted) => answered(Ok(json!({"deliveries": release(&shared, &wanted).await}))),
        Err(error) => answered(Err(error)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    url: String,
    secret: String,
}

/// Every event goes to this address too, signed with the caller's own secret.
async fn listen(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    let result = body::<Listener>(&bytes).and_then(|listener| {
        if listener.secret.trim().is_empty() {
            return Err(ApiError::validation("The listener needs a secret."));
        }
        shared.change(Origin::default(), |world| {
            webhook_endpoints::listen(world, &listener.url, &listener.secret)
        })
    });
    answered(result.map(|endpoint| shown(&endpoint)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Roll {
    /// How long the old secret signs beside the new one.
    expires_in: Option<u32>,
}

async fn roll(State(shared): Sandbox, Path(id): Path<String>, bytes: Bytes) -> Response<Body> {
    let result = body::<Roll>(&bytes).and_then(|wanted| {
        let seconds = wanted
            .expires_in
            .map_or(ROLL_SECONDS, i64::from)
            .min(ROLL_SECONDS);
        shared.change(Origin::default(), |world| {
            webhook_endpoints::roll(world, &id, seconds)
        })
    });
    answered(result.map(|endpoint| shown(&endpoint)))
}
