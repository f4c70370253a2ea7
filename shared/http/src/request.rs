//! What a function is asked, parsed once.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{
    aws_lambda_events::apigw::ApiGatewayV2httpRequest,
    http::{HeaderMap, header::AsHeaderName},
};
use perennial_types::UserId;

use crate::ApiError;

/// A request as API Gateway passed it on.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path that was asked for.
    pub path: String,
    /// The decoded query; of a name that comes twice, the first value.
    pub query: HashMap<String, String>,
    /// As sent.
    pub headers: HeaderMap,
    /// The bytes that the caller sent.
    pub body: Vec<u8>,
    /// `sub` of the verified token.
    pub user: Option<UserId>,
    /// The AWS identity that signed the request, as API Gateway has verified it.
    pub iam: Option<String>,
    /// The caller's address as API Gateway saw it, never a header that the caller chose.
    pub source_ip: Option<String>,
    /// The caller's browser as API Gateway saw it.
    pub user_agent: Option<String>,
    /// The domain that the caller asked.
    pub domain: Option<String>,
    /// What to quote when asking about this request.
    pub request_id: String,
}

/// The event cannot be read as a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not an event of an HTTP API with payload format 2.0.
    #[error("the event is not an HTTP API event of payload format 2.0")]
    Event(#[from] serde_json::Error),
    /// Marked as base64, and it is not.
    #[error("the body is marked as base64 and is not")]
    Base64(#[from] base64::DecodeError),
}

impl Request {
    /// Reads an event of payload format 2.0.
    pub fn from_event(event: serde_json::Value, request_id: &str) -> Result<Self, RequestError> {
        let event: ApiGatewayV2httpRequest = serde_json::from_value(event)?;
        let text = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            STANDARD.decode(text)?
        } else {
            text.into_bytes()
        };
        let http = event.request_context.http;
        let authorizer = event.request_context.authorizer.unwrap_or_default();
        let claims = authorizer.jwt.map(|jwt| jwt.claims).unwrap_or_default();
        let iam = authorizer.iam.and_then(|iam| iam.user_arn);
        Ok(Self {
            method: http.method.to_string(),
            path: event.raw_path.unwrap_or_default(),
            query: decode_query(event.raw_query_string.as_deref().unwrap_or_default()),
            headers: event.headers,
            body,
            user: claims.get("sub").and_then(|sub| sub.parse().ok()),
            iam: iam.filter(|arn| !arn.is_empty()),
            source_ip: http.source_ip,
            user_agent: http.user_agent,
            domain: event.request_context.domain_name,
            request_id: request_id.to_owned(),
        })
    }

    /// The user of the verified token.
    pub fn user(&self) -> Result<&UserId, ApiError> {
        self.user.as_ref().ok_or_else(|| {
            ApiError::new(
                401,
                "unauthorized",
                "Send the user's token as Authorization: Bearer <token>.",
            )
        })
    }

    /// Whether API Gateway has verified that one of the shop's servers signed the request. A
    /// shopper's token is not enough.
    pub fn check_server(&self) -> Result<(), ApiError> {
        match self.iam {
            Some(_) => Ok(()),
            None => Err(ApiError::new(
                403,
                "forbidden",
                "Only the shop's servers may ask this, with requests that AWS Signature Version 4 signs.",
            )),
        }
    }

    /// A header that is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the caller asks for JSON and not for a page.
    pub fn wants_json(&self) -> bool {
        self.header("accept").is_some_and(|accept| {
            accept.split(',').any(|part| {
                let kind = part.split(';').next().unwrap_or_default();
                kind.trim().eq_ignore_ascii_case("application/json")
            })
        })
    }
}

fn decode_query(raw: &str) -> HashMap<String, String> {
    let mut query = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        query
            .entry(name.into_owned())
            .or_insert_with(|| value.into_owned());
    }
    query
}
