//! The listener and what it serves.

use crate::error::ApiError;
use crate::http::api::{self, Incoming};
use crate::http::reply::Reply;
use crate::http::shared::Shared;
use crate::{control, page};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use perennial_loopback::{Refusal, Way};
use std::net::SocketAddr;
use std::sync::Arc;

/// More than any request of Stripe's API needs.
pub(crate) const LARGEST_BODY: usize = 1 << 20;

/// By which way a request may come: the browser is led to the pages that stand for Amazon's, a bank's and Stripe's.
pub(crate) fn way(_method: &Method, path: &str) -> Way {
    match path {
        "/stripe.js" => Way::Script,
        _ if path.starts_with("/sandbox/") || path.starts_with("/p/session/") => Way::Link,
        _ => Way::Call,
    }
}

/// What is not answered, as Stripe would say it.
pub(crate) fn refuse(refusal: &Refusal) -> Response<Body> {
    let (status, code) = refusal.kind();
    Reply::error(
        &ApiError::validation(refusal.to_string())
            .with_status(status.as_u16())
            .with_code(code),
    )
    .response()
}

/// The whole sandbox as one service.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .nest("/_sandbox", control::routes(&shared))
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

/// Lets a page read its answer, as `api.stripe.com` lets pages of any origin. Which pages may call, the port's door has
/// decided.
async fn open_to_pages(request: Request, next: Next) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        status(StatusCode::NO_CONTENT)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin else {
        return response;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
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
