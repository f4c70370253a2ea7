//! The listener and what it serves.

use super::api::{self, Incoming};
use super::shared::Shared;
use crate::{control, page};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use std::net::SocketAddr;
use std::sync::Arc;

/// More than any request of Stripe's API needs.
const LARGEST_BODY: usize = 1 << 20;

/// The whole sandbox as one service.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .nest("/_sandbox", control::routes())
        .merge(page::routes())
        .fallback(api)
        .layer(middleware::from_fn(open_to_pages))
        .with_state(shared)
}

async fn api(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let incoming = Incoming {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.to_vec(),
        ip: peer.ip().to_string(),
    };
    api::answer(&shared, incoming).await
}

/// Lets pages of any origin call, as `api.stripe.com` does: what they may do depends on their key alone.
async fn open_to_pages(request: Request, next: Next) -> Response<Body> {
    let mut response = if request.method() == Method::OPTIONS {
        status(StatusCode::NO_CONTENT)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, DELETE, OPTIONS"),
        (
            "access-control-allow-headers",
            "authorization, content-type, idempotency-key, stripe-version",
        ),
        (
            "access-control-expose-headers",
            "request-id, stripe-version, idempotency-key, idempotent-replayed, stripe-should-retry",
        ),
        ("access-control-max-age", "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
