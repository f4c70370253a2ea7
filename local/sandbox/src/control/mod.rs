//! The control API under `/_sandbox`: what a test or a developer does that Stripe has no call for.
//!
//! It takes the secret key, and of a page's publishable key what the stand-in for Stripe.js asks: the account, and tokens.

mod account;
mod customers;
mod faults;
mod money_back;
mod shopper;
mod tokens;
mod webhooks;

use crate::error::ApiError;
use crate::http::auth::{self, Key};
use crate::http::reply::Reply;
use crate::http::shared::Shared;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response};
use axum::middleware::{self, Next};
use serde_json::Value;
use std::sync::Arc;

/// All of it.
pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .merge(account::routes())
        .merge(customers::routes())
        .merge(faults::routes())
        .merge(money_back::routes())
        .merge(shopper::routes())
        .merge(tokens::routes())
        .merge(webhooks::routes())
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            check_key,
        ))
}

async fn check_key(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let of_page = matches!(
        (request.method(), request.uri().path()),
        (&Method::GET, "/account") | (&Method::POST, "/tokens")
    );
    match auth::key(request.headers(), shared.secret_key.as_deref()) {
        Ok(Key::Publishable) if !of_page => {
            let message = "This call needs the secret key, which a page has not.";
            let error = ApiError::validation(message)
                .with_status(403)
                .with_code("secret_key_required");
            Reply::error(&error).response()
        }
        Ok(_) => next.run(request).await,
        Err(error) => Reply::error(&error).response(),
    }
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
