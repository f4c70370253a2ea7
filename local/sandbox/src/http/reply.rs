//! An answer of the API: status, headers and a JSON body.

use crate::error::{ApiError, ErrorType};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the client gets, kept in this form under an idempotency key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Reply {
    /// A success.
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body,
        }
    }

    /// A refusal, with what Stripe's clients should make of it.
    pub(crate) fn error(error: &ApiError) -> Self {
        let mut reply = Self {
            status: error.status,
            headers: Vec::new(),
            body: error.body(),
        };
        match error.status {
            409 => reply.header("stripe-should-retry", "true"),
            400..=428 => reply.header("stripe-should-retry", "false"),
            _ => {}
        }
        reply
    }

    /// Adds a header, in place of one of the same name.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(old, _)| !old.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The body as it is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&self.body).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The HTTP response.
    pub(crate) fn response(&self) -> Response<Body> {
        self.with_body(Body::from(self.bytes()))
    }

    /// The HTTP response with another body, for one that breaks off.
    pub(crate) fn with_body(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The error of a request whose key is still being worked on.
pub(crate) fn key_in_use() -> ApiError {
    let message = "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, \
                   and the other request is still going through). Please try again later.";
    ApiError::validation(message)
        .with_status(409)
        .with_kind(ErrorType::Idempotency)
        .with_code("idempotency_key_in_use")
}
