//! The one shape of an error.

use std::{borrow::Cow, error::Error, fmt};

use serde_json::{Map, Value, json};

use crate::Response;

/// An error that a caller is told. The cause is for the log alone.
#[derive(Debug)]
pub struct ApiError {
    /// The status code.
    pub status: u16,
    /// A stable word that code can match on.
    pub code: &'static str,
    /// A sentence that helps.
    pub message: Cow<'static, str>,
    /// Seconds after which the same request may be sent again.
    pub retry_after: Option<u32>,
    /// More members of the body, beside `error`.
    pub more: Map<String, Value>,
    /// Why, for the log.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// An error without a cause.
    pub fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            more: Map::new(),
            cause: None,
        }
    }

    /// With the number of seconds after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With one more member of the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// With a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The cause and its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&dyn Error> = self.cause.as_ref().map(|cause| &**cause as &dyn Error);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }

    /// Logs it, for a browser that is sent on and reads nothing of it: as an error if the shop has to look
    /// into it.
    pub fn log(&self, request_id: &str, what: &str) {
        let (code, chain) = (self.code, self.chain());
        if self.status < 500 {
            tracing::info!(request_id, code, error = chain, "{what}");
        } else {
            tracing::error!(request_id, code, error = chain, "{what}");
        }
    }

    /// The answer, which quotes the request's id.
    pub fn into_response(self, request_id: &str) -> Response {
        let mut body = self.more;
        body.insert(
            "error".to_owned(),
            json!({ "code": self.code, "message": self.message, "request_id": request_id }),
        );
        let response = Response::json(self.status, &body);
        match self.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}

/// What an error says, as a sentence of its own.
pub fn sentence(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code)
    }
}
