//! Everything that can go wrong with a call, sorted by what the caller has to do about it.

use std::{fmt, time::Duration};

/// The code of a 409 whose key belongs to a request that is still being worked on.
pub(crate) const KEY_IN_USE: &str = "idempotency_key_in_use";

/// A failed call. Nothing in it holds a parameter, a secret or personal data.
///
/// See <https://docs.stripe.com/api/errors> and <https://docs.stripe.com/error-low-level>.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// The payment was refused. The key now replays this answer, so another try needs another key.
    #[error("Stripe declined the payment{}", Details(&[code, decline_code], request_id))]
    Declined {
        /// Such as `card_declined` or `payment_method_provider_decline`.
        code: Option<String>,
        /// The bank's or wallet's reason, such as `insufficient_funds`.
        decline_code: Option<String>,
        /// The PaymentIntent (`pi_...`) or SetupIntent (`seti_...`) that exists nevertheless.
        intent: Option<String>,
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// The request is wrong, or its object does not exist. Sending it again changes nothing.
    #[error(
        "Stripe refused the request with status {status}{}{}",
        Details(&[code, param], request_id),
        Message(message)
    )]
    Invalid {
        /// The HTTP status, or 0 if the request was refused here, before it was sent.
        status: u16,
        /// Such as `resource_missing`.
        code: Option<String>,
        /// The name of the parameter that is at fault.
        param: Option<String>,
        /// Stripe's sentence, for logs only, without anything that looks like a secret.
        message: Option<String>,
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// The key was used before with other parameters: a mistake in the caller.
    #[error("the idempotency key was used with other parameters{}", Details(&[], request_id))]
    IdempotencyMismatch {
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// A request with this key is being worked on. Ask again later, with the same key.
    #[error("a request with the same idempotency key is in progress{}", Details(&[], request_id))]
    KeyInUse {
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// Too many requests, or the object is locked. Nothing happened.
    #[error("Stripe limits the rate of requests{}", Details(&[code, reason], request_id))]
    RateLimited {
        /// `rate_limit` or `lock_timeout`.
        code: Option<String>,
        /// Which limit it was, such as `endpoint-rate`.
        reason: Option<String>,
        /// The pause that the answer asked for.
        retry_after: Option<Duration>,
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// The key is not, or no longer, valid.
    #[error("Stripe does not know the API key{}", Details(&[], request_id))]
    Unauthenticated {
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// The key lacks a permission.
    #[error("the Stripe API key lacks a permission{}", Details(&[code], request_id))]
    Forbidden {
        /// Such as `more_permissions_required`.
        code: Option<String>,
        /// Stripe's id of the request.
        request_id: Option<String>,
    },
    /// There is no usable answer.
    #[error("no usable answer from Stripe: {cause}, {effect}{}", Details(&[code], request_id))]
    Unavailable {
        /// Whether the request may have been carried out nevertheless.
        effect: Effect,
        /// Whether this is the stored answer of an earlier request with the same key. If it is,
        /// the key will go on to give this answer until it is forgotten, after 24 hours or more.
        replayed: bool,
        /// What happened.
        cause: Cause,
        /// Stripe's code, if there was an answer with one.
        code: Option<String>,
        /// The pause that the answer asked for.
        retry_after: Option<Duration>,
        /// Stripe's id of the request.
        request_id: Option<String>,
        /// The error of the HTTP client, without the address.
        #[source]
        source: Option<reqwest::Error>,
    },
}

/// What a failure says about the request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It was not carried out. The same bytes may be sent again.
    Nothing,
    /// It may have been carried out. The same bytes may be sent again under the same key, and nothing
    /// else before their outcome is known.
    Unknown,
    /// Stripe or the bank has refused it. The same bytes will be refused again.
    Refused,
    /// Its key will repeat, for 24 hours or more, an answer that does not say whether it was carried
    /// out. Only Stripe's own objects tell.
    Spent,
}

/// Whether a failed call may have changed something at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It has not.
    None,
    /// It may have: look before anything is created under another key.
    Unknown,
}

/// Why there is no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No connection came about.
    Connect,
    /// The answer did not come in time.
    Timeout,
    /// The connection broke before the answer was complete.
    Severed,
    /// The answer was a success that could not be read, at this place of its JSON.
    Unreadable {
        /// Line, from 1; 0 if unknown.
        line: usize,
        /// Column.
        column: usize,
    },
    /// The answer had this status.
    Status(u16),
    /// The caller's deadline left no time for an attempt.
    OutOfTime,
}

/// How long to wait when Stripe does not say; its limits count by the second.
const USUAL_PAUSE: Duration = Duration::from_secs(2);

impl StripeError {
    /// Stripe's id of the request, for its Dashboard and its support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Declined { request_id, .. }
            | Self::Invalid { request_id, .. }
            | Self::IdempotencyMismatch { request_id }
            | Self::KeyInUse { request_id }
            | Self::RateLimited { request_id, .. }
            | Self::Unauthenticated { request_id }
            | Self::Forbidden { request_id, .. }
            | Self::Unavailable { request_id, .. } => request_id.as_deref(),
        }
    }

    /// Stripe's code, such as `card_declined`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Declined { code, .. }
            | Self::Invalid { code, .. }
            | Self::RateLimited { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Unavailable { code, .. } => code.as_deref(),
            Self::KeyInUse { .. } => Some(KEY_IN_USE),
            Self::IdempotencyMismatch { .. } | Self::Unauthenticated { .. } => None,
        }
    }

    /// How long to wait before the same request is worth sending again, with the same key;
    /// nothing if it never is.
    pub fn retry_after_hint(&self) -> Option<Duration> {
        match self {
            // A stored answer comes again however long one waits.
            Self::Unavailable { replayed: true, .. }
            | Self::Declined { .. }
            | Self::Invalid { .. }
            | Self::IdempotencyMismatch { .. }
            | Self::Unauthenticated { .. }
            | Self::Forbidden { .. } => None,
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(retry_after.unwrap_or(USUAL_PAUSE))
            }
            Self::KeyInUse { .. } => Some(USUAL_PAUSE),
        }
    }

    /// What the failure says about the request that was sent, and so what may be sent next.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Declined { .. } | Self::Invalid { .. } => Failure::Refused,
            Self::IdempotencyMismatch { .. } | Self::Unavailable { replayed: true, .. } => {
                Failure::Spent
            }
            Self::KeyInUse { .. } => Failure::Unknown,
            Self::Unavailable { effect, .. } if *effect == Effect::Unknown => Failure::Unknown,
            Self::Unavailable { .. }
            | Self::RateLimited { .. }
            | Self::Unauthenticated { .. }
            | Self::Forbidden { .. } => Failure::Nothing,
        }
    }

    /// Whether something may have been created or changed under this key.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Unavailable { effect, .. } => *effect,
            Self::KeyInUse { .. } | Self::IdempotencyMismatch { .. } => Effect::Unknown,
            Self::Declined { .. }
            | Self::Invalid { .. }
            | Self::RateLimited { .. }
            | Self::Unauthenticated { .. }
            | Self::Forbidden { .. } => Effect::None,
        }
    }

    /// The same failure, seen after an attempt whose outcome is unknown.
    ///
    /// A refusal at the door, such as a 429, says nothing about what that attempt did, so it must
    /// not be reported as if nothing had happened.
    pub(crate) fn after_unknown_outcome(self) -> Self {
        let status = match &self {
            Self::RateLimited { .. } => 429,
            Self::Unauthenticated { .. } => 401,
            Self::Forbidden { .. } => 403,
            Self::Unavailable { .. } => 0,
            _ => return self,
        };
        match self {
            Self::Unavailable {
                replayed,
                cause,
                code,
                retry_after,
                request_id,
                source,
                ..
            } => {
                let effect = Effect::Unknown;
                Self::Unavailable {
                    effect,
                    replayed,
                    cause,
                    code,
                    retry_after,
                    request_id,
                    source,
                }
            }
            other => Self::Unavailable {
                effect: Effect::Unknown,
                replayed: false,
                cause: Cause::Status(status),
                code: other.code().map(str::to_owned),
                retry_after: other.retry_after_hint(),
                request_id: other.request_id().map(str::to_owned),
                source: None,
            },
        }
    }

    /// A short, fixed name for logs.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Declined { .. } => "declined",
            Self::Invalid { .. } => "invalid",
            Self::IdempotencyMismatch { .. } => "idempotency_mismatch",
            Self::KeyInUse { .. } => "key_in_use",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::Unavailable { cause, .. } => match cause {
                Cause::Connect => "no_connection",
                Cause::Timeout => "timeout",
                Cause::Severed => "severed",
                Cause::Unreadable { .. } => "unreadable",
                Cause::Status(_) => "unavailable",
                Cause::OutOfTime => "out_of_time",
            },
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nothing happened",
            Self::Unknown => "its effect is unknown",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("no connection"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Severed => f.write_str("the connection broke"),
            Self::Unreadable { line, column } => {
                write!(f, "unreadable answer at line {line}, column {column}")
            }
            Self::Status(status) => write!(f, "status {status}"),
            Self::OutOfTime => f.write_str("no time left for an attempt"),
        }
    }
}

/// The parts of a message that are there, in brackets.
struct Details<'a, const N: usize>(&'a [&'a Option<String>; N], &'a Option<String>);

impl<const N: usize> fmt::Display for Details<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.iter().filter_map(|word| word.as_deref());
        let mut all: Vec<String> = words.map(str::to_owned).collect();
        all.extend(self.1.as_ref().map(|id| format!("request {id}")));
        if all.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", all.join(", "))
    }
}

struct Message<'a>(&'a Option<String>);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}
