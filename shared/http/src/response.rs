//! What a function answers.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// An answer, before API Gateway turns it into bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, each once.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What every answer says: it is of the type that it says, no address of ours is told to another
/// site, and a browser comes back over HTTPS alone. Browsers pass the last one over on plain HTTP,
/// which is how a developer's machine answers (RFC 6797, section 8.1).
const SAFETY: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=63072000"),
];

impl Response {
    /// JSON, which no cache may keep, since all of it is about one user.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self::new(
                status,
                ("content-type", "application/json".to_owned()),
                body,
            ),
            Err(_) => Self {
                status: 500,
                headers: Vec::new(),
                body: String::new(),
            },
        }
    }

    /// A page for a browser, which no cache may keep either.
    pub fn html(status: u16, page: String) -> Self {
        Self::new(
            status,
            ("content-type", "text/html; charset=utf-8".to_owned()),
            page,
        )
    }

    fn new(status: u16, header: (&'static str, String), body: String) -> Self {
        let mut headers = vec![header, ("cache-control", "no-store".to_owned())];
        headers.extend(SAFETY.map(|(name, value)| (name, value.to_owned())));
        Self {
            status,
            headers,
            body,
        }
    }

    /// What any cache may keep for so many seconds, because it is about no user.
    #[must_use]
    pub fn cached_for(self, seconds: u32) -> Self {
        self.with_header("cache-control", format!("public, max-age={seconds}"))
    }

    /// A redirect that a browser follows with GET. No referrer goes with it, because the address
    /// it comes from holds a client secret.
    pub fn see_other(location: &url::Url) -> Self {
        Self::new(303, ("location", location.to_string()), String::new())
    }

    /// With one more header, or another value of one that there is.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// As API Gateway wants it.
    pub fn into_event(self) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": false,
            "cookies": [],
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_say_otherwise_than_all_others() {
        let plans =
            Response::json(200, &json!({})).with_header("cache-control", "public, max-age=60");
        let headers = plans.into_event()["headers"].clone();
        assert_eq!(headers["cache-control"], "public, max-age=60");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
}
