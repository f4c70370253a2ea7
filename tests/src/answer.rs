//! What a caller got.

use serde_json::Value;
use url::Url;

/// An answer of the HTTP API, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the body arrives whole");
        Self {
            status: status.as_u16(),
            headers,
            text,
        }
    }

    /// Checks the status; the body is shown if it is another.
    #[track_caller]
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "the check alone is of use"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// A text member of the JSON body, by its pointer.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let body = self.json();
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer} in {body}"))
            .to_owned()
    }

    /// The stable code of an error.
    #[track_caller]
    pub fn code(&self) -> String {
        self.text_at("/error/code")
    }

    /// Checks that this is an error as every error is: a stable code, a sentence that helps, and
    /// the request to ask about, and gives the code.
    #[track_caller]
    pub fn expect_error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let message = self.text_at("/error/message");
        let is_sentence = message.ends_with('.') && message.contains(' ') && message.len() > 20;
        assert!(is_sentence, "not a sentence: {message}");
        assert!(!self.text_at("/error/request_id").is_empty());
        self.code()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The seconds of `Retry-After`.
    pub fn retry_after(&self) -> Option<u64> {
        self.header("retry-after")
            .and_then(|seconds| seconds.parse().ok())
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn location(&self) -> Url {
        let location = self.header("location").expect("a redirect has a location");
        Url::parse(location).expect("the location is an address")
    }

    /// A parameter of the address that a redirect leads to.
    #[track_caller]
    pub fn landed_with(&self, name: &str) -> Option<String> {
        let location = self.location();
        let pair = location.query_pairs().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.into_owned())
    }
}
