//! What a function is asked, parsed once.

use std::{collections::HashMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{
    aws_lambda_events::apigw::ApiGatewayV2httpRequest,
    http::{HeaderMap, header::AsHeaderName},
};
use perennial_types::{EmailAddress, UserId};

use crate::ApiError;

/// A request as API Gateway passed it on.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path that was asked for. Below a custom domain it may begin with the path under which the
    /// API is mapped there, so it is for the log; `route` is what to match on.
    pub path: String,
    /// The route that was met, such as `GET /payments/{payment}`; what the event names until it is known.
    pub route: String,
    /// What the parameters of the route's path hold.
    pub parameters: HashMap<String, String>,
    /// The decoded query; of a name that comes twice, the first value.
    pub query: HashMap<String, String>,
    /// As sent.
    pub headers: HeaderMap,
    /// The bytes that the caller sent.
    pub body: Vec<u8>,
    /// `sub` of the verified token.
    pub user: Option<UserId>,
    claims: Claims,
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

/// The claims of the verified token, which say who somebody is, and which `Debug` does not show.
#[derive(Default)]
struct Claims(HashMap<String, String>);

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
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
        let method = http.method.to_string();
        let path = event.raw_path.unwrap_or_default();
        Ok(Self {
            method,
            path,
            route: event.route_key.unwrap_or_default(),
            parameters: event.path_parameters,
            query: decode_query(event.raw_query_string.as_deref().unwrap_or_default()),
            headers: event.headers,
            body,
            user: claims.get("sub").and_then(|sub| sub.parse().ok()),
            claims: Claims(claims),
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

    /// The e-mail address in this claim of the verified token, unless the token says that nobody has verified it.
    pub fn email(&self, claim: &str) -> Option<EmailAddress> {
        let Claims(claims) = &self.claims;
        let unverified = claims.get("email_verified").is_some_and(|it| it == "false");
        let text = claims.get(claim).filter(|_| !unverified)?;
        EmailAddress::parse(text).ok()
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

    /// The user whom a server of the shop names, in the body or in the query.
    pub fn named_user(named: Option<&str>) -> Result<UserId, ApiError> {
        let named = named.ok_or_else(|| {
            ApiError::new(400, "missing_field", "Say whose it is: send \"user\".")
        })?;
        named.parse().map_err(|_| {
            ApiError::new(
                400,
                "invalid_field",
                "\"user\" is 1 to 255 printable ASCII characters, without a space at either end.",
            )
        })
    }

    /// Who signed the request: the ARN of the AWS identity, without the name of a role's session. The
    /// session is another one every hour, and its name may be the e-mail address of a person.
    pub fn caller(&self) -> Option<&str> {
        let arn = self.iam.as_deref()?;
        let (account, role) = arn.split_once(":assumed-role/").unwrap_or((arn, ""));
        match role.split_once('/') {
            Some((name, _)) => arn.get(..account.len() + ":assumed-role/".len() + name.len()),
            None => Some(arn),
        }
    }

    /// Whether the signature of AWS Signature Version 4 covers a header, whose name is in lower case;
    /// nothing if the request does not say what its signature covers.
    pub fn signature_covers(&self, header: &str) -> Option<bool> {
        let signed = match self.query.get("X-Amz-SignedHeaders") {
            Some(signed) => signed.as_str(),
            None => self
                .header("authorization")?
                .split([',', ' '])
                .find_map(|part| part.strip_prefix("SignedHeaders="))?,
        };
        Some(signed.split(';').any(|name| name == header))
    }

    /// A parameter of the route's path; empty if the route has none of that name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(arn: &Value, authorization: Option<&str>, query: &str) -> Request {
        let mut event = json!({
            "version": "2.0", "routeKey": "POST /payments", "rawPath": "/payments", "rawQueryString": query,
            "headers": {},
            "requestContext": {
                "authorizer": {"iam": {"userArn": arn}}, "timeEpoch": 0,
                "http": {"method": "POST", "path": "/payments", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            },
        });
        if let Some(authorization) = authorization {
            event["headers"]["authorization"] = authorization.into();
        }
        Request::from_event(event, "r1").unwrap()
    }

    #[test]
    fn the_caller_is_the_same_in_each_session_of_a_role() {
        for (arn, expected) in [
            (
                json!("arn:aws:sts::123456789012:assumed-role/shop-server/i-0123456789abcdef0"),
                Some("arn:aws:sts::123456789012:assumed-role/shop-server"),
            ),
            (
                json!("arn:aws-cn:sts::123456789012:assumed-role/shop-server/dora@shop.example"),
                Some("arn:aws-cn:sts::123456789012:assumed-role/shop-server"),
            ),
            (
                json!("arn:aws:iam::123456789012:user/servers/billing"),
                Some("arn:aws:iam::123456789012:user/servers/billing"),
            ),
            (
                json!("arn:aws:iam::123456789012:root"),
                Some("arn:aws:iam::123456789012:root"),
            ),
            (json!(""), None),
            (Value::Null, None),
        ] {
            let request = request(&arn, None, "");
            assert_eq!(request.caller(), expected);
        }
    }

    #[test]
    fn what_a_signature_covers_is_read_from_where_it_is() {
        let of = |headers: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/execute-api/aws4_request, SignedHeaders={headers}, Signature=00"
            )
        };
        for (authorization, query, expected) in [
            (
                Some(of("content-type;host;idempotency-key;x-amz-date")),
                "",
                Some(true),
            ),
            (
                Some(of("host;idempotency-key;x-amz-date").replace(", ", ",")),
                "",
                Some(true),
            ),
            (Some(of("host;x-amz-date")), "", Some(false)),
            (
                Some(of("host;x-idempotency-key;x-amz-date")),
                "",
                Some(false),
            ),
            (
                None,
                "X-Amz-SignedHeaders=host%3Bidempotency-key",
                Some(true),
            ),
            (None, "X-Amz-SignedHeaders=host", Some(false)),
            (None, "", None),
            (Some("Bearer abc".to_owned()), "", None),
        ] {
            let request = request(&Value::Null, authorization.as_deref(), query);
            let covered = request.signature_covers("idempotency-key");
            assert_eq!(covered, expected, "{authorization:?} {query}");
        }
    }
}
