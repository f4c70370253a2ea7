//! The control API under `/_sandbox`: what a test or a developer does that Stripe has no call for.
//!
//! It is open to everybody who reaches the port, so the sandbox belongs on loopback.

mod account;
mod faults;
mod money_back;
mod objects;
mod tokens;
mod webhooks;

use crate::error::ApiError;
use crate::http::reply::Reply;
use crate::http::shared::Shared;
use axum::Router;
use axum::body::Body;
use axum::http::Response;
use serde_json::Value;
use std::sync::Arc;

/// All of it.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(account::routes())
        .merge(faults::routes())
        .merge(money_back::routes())
        .merge(objects::routes())
        .merge(tokens::routes())
        .merge(webhooks::routes())
        .fallback(unknown)
}

async fn unknown() -> Response<Body> {
    Reply::error(&ApiError::invalid("The control API has no such call.").with_status(404))
        .response()
}

/// The answer of a control call.
fn answered(result: crate::error::Result<Value>) -> Response<Body> {
    result
        .map_or_else(|error| Reply::error(&error), Reply::ok)
        .response()
}

/// The JSON body of a control call; an empty one stands for an empty object.
fn body<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> crate::error::Result<T> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) {
        b"{}"
    } else {
        bytes
    };
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::validation(format!("The body is not what this call takes: {error}"))
    })
}
