//! The request log and the faults.

use super::{answered, body};
use crate::http::faults::Fault;
use crate::http::shared::{Shared, lock};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/requests", get(requests).delete(forget_requests))
        .route("/faults", get(faults).post(add_fault).delete(forget_faults))
}

async fn requests(State(shared): Sandbox) -> Response<Body> {
    answered(Ok(lock(&shared.requests).shown()))
}

async fn forget_requests(State(shared): Sandbox) -> Response<Body> {
    lock(&shared.requests).clear();
    answered(Ok(json!({"requests": []})))
}

async fn faults(State(shared): Sandbox) -> Response<Body> {
    answered(Ok(json!({"faults": *lock(&shared.faults)})))
}

async fn add_fault(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    answered(body::<Fault>(&bytes).map(|fault| {
        lock(&shared.faults).push(fault);
        json!({"faults": *lock(&shared.faults)})
    }))
}

async fn forget_faults(State(shared): Sandbox) -> Response<Body> {
    lock(&shared.faults).clear();
    answered(Ok(json!({"faults": []})))
}
