//! What goes wrong on purpose.

use super::idempotency;
use super::reply::{Reply, key_in_use};
use crate::error::{ApiError, ErrorType};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How it goes wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Break {
    /// Nothing is done and nothing answered.
    TimeoutBefore,
    /// It is done, but nothing is answered.
    TimeoutAfter,
    /// A status is answered and nothing done, unless `after` is set.
    Status,
    /// It is done, and the answer breaks off in its middle.
    Severed,
    /// The confirmation of an intent is declined, and was the last that it may have: the intent is canceled.
    ConfirmationLimit,
}

/// A limit on requests, as the header `Stripe-Rate-Limited-Reason` names it.
///
/// <https://docs.stripe.com/rate-limits>
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    GlobalRate,
    EndpointRate,
    GlobalConcurrency,
    EndpointConcurrency,
    ResourceSpecific,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::GlobalRate => "global-rate",
            Self::EndpointRate => "endpoint-rate",
            Self::GlobalConcurrency => "global-concurrency",
            Self::EndpointConcurrency => "endpoint-concurrency",
            Self::ResourceSpecific => "resource-specific",
        }
    }
}

/// A fault as the control API takes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// The method that it hits, any if absent.
    #[serde(default)]
    pub(crate) method: Option<String>,
    /// The path that it hits; `*` or `{id}` stands for any one segment.
    pub(crate) path: String,
    /// How it goes wrong.
    #[serde(rename = "fault")]
    pub(crate) how: Break,
    /// The status of [`Break::Status`].
    #[serde(default = "five_hundred")]
    pub(crate) status: u16,
    /// Further headers of the answer.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The error code of the answer, in place of the usual one for the status.
    #[serde(default)]
    pub(crate) code: Option<String>,
    /// Which limit a 429 is about.
    #[serde(default)]
    pub(crate) reason: Option<Reason>,
    /// The whole body of the answer, in place of an error.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// How many requests it lets through first.
    #[serde(default)]
    pub(crate) skip: u32,
    /// For [`Break::Status`]: the request is carried out, and only its answer is lost.
    #[serde(default)]
    pub(crate) after: bool,
    /// For [`Break::Status`]: the answer is stored under the idempotency key, as Stripe does with a 500 that came
    /// while the request was executed.
    #[serde(default)]
    pub(crate) stored: bool,
    /// How long a timeout holds the connection before it drops it.
    #[serde(default = "a_minute")]
    pub(crate) delay_ms: u64,
}

fn five_hundred() -> u16 {
    500
}

fn once() -> u32 {
    1
}

fn a_minute() -> u64 {
    60_000
}

impl Fault {
    fn hits(&self, method: &str, path: &str) -> bool {
        let method_fits = self
            .method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let (wanted, given): (Vec<&str>, Vec<&str>) =
            (self.path.split('/').collect(), path.split('/').collect());
        let segment_fits = |(wanted, given): (&&str, &&str)| {
            wanted == given || *wanted == "*" || (wanted.starts_with('{') && wanted.ends_with('}'))
        };
        method_fits && wanted.len() == given.len() && wanted.iter().zip(&given).all(segment_fits)
    }

    /// The answer of a status fault.
    pub(crate) fn reply(&self) -> Reply {
        let mut error = match self.status {
            409 => key_in_use(),
            429 if self.code.as_deref() == Some("lock_timeout") => ApiError::validation(
                "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. \
                 If you see this error intermittently, retry the request.",
            )
            .with_status(429),
            429 => ApiError::validation("Request rate limit exceeded.")
                .with_status(429)
                .with_code("rate_limit"),
            402 => ApiError::card_declined("generic_decline"),
            status @ 400..=499 => {
                ApiError::invalid("This request was refused on demand.").with_status(status)
            }
            status => ApiError::invalid("An unknown error occurred.")
                .with_status(status)
                .with_kind(ErrorType::Api),
        };
        if let Some(code) = &self.code {
            error = error.with_code(code);
        }
        let mut reply = Reply::error(&error);
        if let Some(body) = &self.body {
            reply.body = body.clone();
        }
        // A lock on an object is the one 429 that Stripe sends without a reason.
        if self.status == 429 && self.code.as_deref() != Some("lock_timeout") {
            let reason = self.reason.map_or("global-rate", Reason::name);
            reply.header("stripe-rate-limited-reason", reason);
        }
        for (name, value) in &self.headers {
            reply.header(name, value);
        }
        reply
    }

    /// Whether the answer of a status fault is kept under the idempotency key.
    pub(crate) fn keeps_answer(&self) -> bool {
        self.stored && idempotency::keeps(&ApiError::invalid("").with_status(self.status))
    }

    /// How long a timeout lasts.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// The fault that hits this request, which is thereby used up by one.
pub(crate) fn take(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<Fault> {
    for index in 0..faults.len() {
        let Some(fault) = faults
            .get_mut(index)
            .filter(|fault| fault.hits(method, path))
        else {
            continue;
        };
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times = fault.times.saturating_sub(1);
        let hit = fault.clone();
        if fault.times == 0 {
            faults.remove(index);
        }
        return Some(hit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Fault, take};
    use serde_json::json;

    #[test]
    fn a_fault_skips_hits_and_is_used_up() {
        let fault: Fault = serde_json::from_value(json!({"method": "post", "path": "/v1/customers/{id}", "fault": "status", "skip": 1, "times": 2})).unwrap();
        let mut faults = vec![fault];
        let mut hit = |method, path| take(&mut faults, method, path).is_some();
        assert!(!hit("GET", "/v1/customers/cus_1"));
        assert!(!hit("POST", "/v1/customers"));
        let hits: Vec<bool> = (0..4).map(|_| hit("POST", "/v1/customers/cus_1")).collect();
        assert_eq!(hits, [false, true, true, false]);
    }

    #[test]
    fn a_rate_limit_names_its_reason_and_a_lock_does_not() {
        let reply = |code: Option<&str>| {
            let fault: Fault = serde_json::from_value(json!({"path": "/v1/x", "fault": "status", "status": 429, "code": code, "headers": {"Stripe-Should-Retry": "true"}})).unwrap();
            fault.reply()
        };
        assert!(
            reply(None)
                .headers
                .iter()
                .any(|(name, _)| name == "stripe-rate-limited-reason")
        );
        assert!(
            !reply(Some("lock_timeout"))
                .headers
                .iter()
                .any(|(name, _)| name == "stripe-rate-limited-reason")
        );
        assert!(
            reply(None)
                .headers
                .contains(&("Stripe-Should-Retry".to_owned(), "true".to_owned()))
        );
    }
}
