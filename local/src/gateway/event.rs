//! The event that API Gateway makes of a request, payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Uri};
use perennial_types::Timestamp;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::table::Met;

/// What a request says, apart from its body.
pub(super) struct Incoming<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: IpAddr,
    pub(super) request_id: &'a str,
    pub(super) now: Timestamp,
}

pub(super) fn build(
    request: &Incoming<'_>,
    met: &Met,
    authorizer: Option<Value>,
    body: &[u8],
) -> Value {
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or_default();
    let host = header(request.headers, "host").unwrap_or_default();
    let domain = host
        .rsplit_once(':')
        .map_or(host.as_str(), |(name, _)| name);
    let mut event = json!({
        "version": "2.0",
        "routeKey": met.route.key(),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(request),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.peer.to_string(),
                "userAgent": header(request.headers, "user-agent").unwrap_or_default(),
            },
            "requestId": request.request_id,
            "routeKey": met.route.key(),
            "stage": "$default",
            "time": common_log_time(request.now),
            "timeEpoch": request.now.unix().saturating_mul(1000),
        },
        "isBase64Encoded": false,
    });
    // A member without content is left out, as it is by API Gateway.
    let mut put = |pointer: &str, name: &str, value: Value| {
        if let Some(object) = event.pointer_mut(pointer).and_then(Value::as_object_mut) {
            object.insert(name.to_owned(), value);
        }
    };
    if let Some(authorizer) = authorizer {
        put("/requestContext", "authorizer", authorizer);
    }
    if !met.parameters.is_empty() {
        put("", "pathParameters", json!(met.parameters));
    }
    if !query.is_empty() {
        put("", "queryStringParameters", json!(parameters(query)));
    }
    let cookies = cookies(request.headers);
    if !cookies.is_empty() {
        put("", "cookies", json!(cookies));
    }
    if !body.is_empty() {
        let (text, encoded) = content(request.headers, body);
        put("", "body", text.into());
        put("", "isBase64Encoded", encoded.into());
    }
    event
}

/// Names in lower case, values of one name joined by commas; what the gateway itself adds or knows
/// better replaces what the client sent.
fn headers(request: &Incoming<'_>) -> Map<String, Value> {
    let mut joined = BTreeMap::new();
    for name in request
        .headers
        .keys()
        .filter(|name| *name != http::header::COOKIE)
    {
        if let Some(value) = header(request.headers, name.as_str()) {
            joined.insert(name.as_str().to_owned(), value);
        }
    }
    let peer = request.peer.to_string();
    joined
        .entry("x-forwarded-for".into())
        .and_modify(|chain| {
            chain.push_str(", ");
            chain.push_str(&peer);
        })
        .or_insert(peer);
    let port = joined
        .get("host")
        .and_then(|host| host.rsplit_once(':'))
        .map(|(_, port)| port);
    joined.insert("x-forwarded-port".into(), port.unwrap_or("80").to_owned());
    joined.insert("x-forwarded-proto".into(), "http".into());
    let id = hex::encode(request.request_id);
    let (id, now) = (
        id.get(..24).unwrap_or("000000000000000000000000"),
        request.now.unix(),
    );
    joined
        .entry("x-amzn-trace-id".into())
        .or_insert_with(|| format!("Root=1-{now:08x}-{id}"));
    joined
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

/// All values of a header, joined by commas.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// Decoded; values of one name joined by commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

/// The body as text when its type is one that API Gateway takes for text, as base64 otherwise.
fn content(headers: &HeaderMap, body: &[u8]) -> (String, bool) {
    let kind = header(headers, "content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let textual = kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || [
            "",
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&kind);
    match std::str::from_utf8(body) {
        Ok(text) if textual => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

fn common_log_time(now: Timestamp) -> String {
    let Ok(moment) = OffsetDateTime::from_unix_timestamp(now.unix()) else {
        return String::new();
    };
    let month = moment.month().to_string();
    format!(
        "{:02}/{}/{}:{:02}:{:02}:{:02} +0000",
        moment.day(),
        month.get(..3).unwrap_or(&month),
        moment.year(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

#[cfg(test)]
mod tests;
