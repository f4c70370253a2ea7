//! From an HTTP answer to a value or to one of our errors.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::{Cause, Effect, KEY_IN_USE, StripeError},
    http_date, redact,
};

/// A pause that is longer than this is not a pause, and no caller of ours would wait for it.
const LONGEST_PAUSE_S: u64 = 60;

/// An answer that arrived whole.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Whether the request could have changed anything.
    pub(crate) changes: bool,
}

#[derive(Deserialize)]
struct Envelope {
    error: Body,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    payment_intent: Option<Intent>,
    setup_intent: Option<Intent>,
}

/// The rest of the object is not read, because its client secret is in it.
#[derive(Deserialize)]
struct Intent {
    id: String,
}

impl Body {
    fn intent(&mut self) -> Option<String> {
        let intent = self.payment_intent.take().or(self.setup_intent.take());
        // It comes from outside and goes into paths, so only the form of an id passes.
        intent.map(|intent| intent.id).filter(|id| {
            let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            plain && !id.contains("_secret_") && id.len() <= 255
        })
    }
}

impl Answer<'_> {
    pub(crate) fn request_id(&self) -> Option<String> {
        // The header comes from outside and goes into logs, so only the form of an id passes.
        header(self.headers, "request-id")
            .filter(|id| id.len() <= 100)
            .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
            .map(str::to_owned)
    }

    /// When it was given, in Unix seconds by Stripe's clock.
    pub(crate) fn at(&self) -> Option<i64> {
        http_date::seconds(header(self.headers, "date")?)
    }

    pub(crate) fn replayed(&self) -> bool {
        header(self.headers, "idempotent-replayed") == Some("true")
    }

    /// Whether Stripe asks for, or forbids, a repeat.
    pub(crate) fn should_retry(&self) -> Option<bool> {
        match header(self.headers, "stripe-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// The answer as JSON, if it is one of success.
    pub(crate) fn read(&self) -> Result<Value, StripeError> {
        if !(200..300).contains(&self.status) {
            return Err(self.failure());
        }
        // The text of a JSON error quotes the value, which may be a secret: keep the place only.
        serde_json::from_slice(self.body).map_err(|error| {
            let cause = Cause::Unreadable {
                line: error.line(),
                column: error.column(),
            };
            self.unavailable(cause, None)
        })
    }

    fn failure(&self) -> StripeError {
        let mut body = serde_json::from_slice::<Envelope>(self.body)
            .map(|envelope| envelope.error)
            .unwrap_or_default();
        let intent = body.intent();
        let code = body.code.and_then(redact::code);
        let request_id = self.request_id();
        match (self.status, body.kind.as_deref()) {
            (429, _) => self.rate_limited(code),
            (400, _) if code.as_deref() == Some("rate_limit") => self.rate_limited(code),
            (402, _) | (400..=499, Some("card_error")) => StripeError::Declined {
                code,
                intent,
                decline_code: body.decline_code.and_then(redact::code),
                request_id,
            },
            (401, _) => StripeError::Unauthenticated { request_id },
            (403, _) => StripeError::Forbidden { code, request_id },
            (409, _) if code.as_deref() == Some(KEY_IN_USE) => StripeError::KeyInUse { request_id },
            (400 | 409, Some("idempotency_error")) => {
                StripeError::IdempotencyMismatch { request_id }
            }
            // These four say "not now", as a 5xx does.
            (408 | 409 | 424 | 425, _) => self.unavailable(Cause::Status(self.status), code),
            (400..=499, _) => StripeError::Invalid {
                status: self.status,
                code,
                param: body.param.map(|param| redact::redact(&param)),
                message: body.message.map(|message| redact::redact(&message)),
                request_id,
            },
            // A redirect is among these: it is never followed, since it would take the key along.
            _ => self.unavailable(Cause::Status(self.status), code),
        }
    }

    fn rate_limited(&self, code: Option<String>) -> StripeError {
        StripeError::RateLimited {
            code,
            reason: header(self.headers, "stripe-rate-limited-reason").map(redact::redact),
            retry_after: self.retry_after(),
            request_id: self.request_id(),
        }
    }

    fn unavailable(&self, cause: Cause, code: Option<String>) -> StripeError {
        StripeError::Unavailable {
            effect: if self.changes {
                Effect::Unknown
            } else {
                Effect::None
            },
            replayed: self.replayed(),
            cause,
            code,
            retry_after: self.retry_after(),
            request_id: self.request_id(),
            source: None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = header(self.headers, "retry-after")?.parse().ok()?;
        (1..=LONGEST_PAUSE_S)
            .contains(&seconds)
            .then(|| Duration::from_secs(seconds))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
