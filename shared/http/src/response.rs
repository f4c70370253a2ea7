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

impl Response {
    /// JSON, which no cache may keep, since all of it is about one user.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self {
                status,
                headers: vec![
                    ("content-type", "application/json".to_owned()),
                    ("cache-control", "no-store".to_owned()),
                ],
                body,
            },
            Err(_) => Self {
                status: 500,
                headers: Vec::new(),
                body: String::new(),
            },
        }
    }

    /// A redirect that a browser follows with GET. No referrer goes with it, because the address
    /// it comes from holds a client secret.
    pub fn see_other(location: &url::Url) -> Self {
        Self {
            status: 303,
            headers: vec![
                ("location", location.to_string()),
                ("cache-control", "no-store".to_owned()),
                ("referrer-policy", "no-referrer".to_owned()),
            ],
            body: String::new(),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
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
