//! What can go wrong with one outside call.

use super::call::{Call, Service};

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The process dies before the call leaves.
    DieBefore,
    /// The process dies after the effect, before it has the answer.
    DieAfter,
    /// The connection is lost before the effect.
    LostBefore,
    /// The connection is lost after the effect.
    LostAfter,
    /// Nothing is answered until the caller gives up, and nothing is done.
    HangBefore,
    /// Nothing is answered until the caller gives up, and it is done.
    HangAfter,
    /// It is done, and the answer breaks off in its middle.
    Severed,
    /// A 500, and nothing is done.
    ErrorBefore,
    /// A 500, and it is done.
    ErrorAfter,
    /// Stripe: a 500 that is stored under the key, and nothing is done.
    StoredBefore,
    /// Stripe: a 500 that is stored under the key, and it is done.
    StoredAfter,
    /// Stripe: 409 `idempotency_key_in_use`.
    KeyInUse,
    /// Stripe: 429.
    Limited,
    /// Stripe: 429 with `Stripe-Should-Retry: true`.
    LimitedRetry,
    /// `DynamoDB`: the table's throughput is exceeded.
    Throttled,
    /// `DynamoDB`: the account's request rate is exceeded.
    Throttling,
    /// `DynamoDB`: the transaction collides with another.
    Conflict,
}

/// The status, the body and further headers of an answer.
type Made = (u16, String, Vec<(&'static str, String)>);

/// How often the same call goes wrong while one invocation lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Often {
    /// The first time.
    Once,
    /// Each time that the client tries it again.
    EveryTry,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::DieBefore,
        Self::DieAfter,
        Self::LostBefore,
        Self::LostAfter,
        Self::HangBefore,
        Self::HangAfter,
        Self::Severed,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::StoredBefore,
        Self::StoredAfter,
        Self::KeyInUse,
        Self::Limited,
        Self::LimitedRetry,
        Self::Throttled,
        Self::Throttling,
        Self::Conflict,
    ];

    /// Its name in the id of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::DieBefore => "die-before",
            Self::DieAfter => "die-after",
            Self::LostBefore => "lost-before",
            Self::LostAfter => "lost-after",
            Self::HangBefore => "hang-before",
            Self::HangAfter => "hang-after",
            Self::Severed => "severed",
            Self::ErrorBefore => "500-before",
            Self::ErrorAfter => "500-after",
            Self::StoredBefore => "500-stored-before",
            Self::StoredAfter => "500-stored-after",
            Self::KeyInUse => "409-in-use",
            Self::Limited => "429",
            Self::LimitedRetry => "429-retry",
            Self::Throttled => "throughput",
            Self::Throttling => "throttling",
            Self::Conflict => "conflict",
        }
    }

    /// The fault of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether this can happen to that call.
    pub fn can_hit(self, service: Service, name: &str, changes: bool) -> bool {
        let stripe = service == Service::Stripe;
        match self {
            Self::DieBefore
            | Self::DieAfter
            | Self::LostBefore
            | Self::HangBefore
            | Self::Severed
            | Self::ErrorBefore => true,
            // Without an effect there is no difference to the same fault before it.
            Self::LostAfter | Self::HangAfter | Self::ErrorAfter => changes,
            Self::StoredBefore | Self::StoredAfter | Self::KeyInUse => stripe && changes,
            Self::Limited | Self::LimitedRetry => stripe,
            Self::Throttled | Self::Throttling => !stripe,
            Self::Conflict => !stripe && name.starts_with("TransactWriteItems"),
        }
    }

    /// Whether the service gets to see the call.
    pub(super) fn has_effect(self) -> bool {
        matches!(
            self,
            Self::DieAfter
                | Self::LostAfter
                | Self::HangAfter
                | Self::Severed
                | Self::ErrorAfter
                | Self::StoredAfter
        )
    }

    /// Whether Stripe repeats it under the same key for a day.
    pub(crate) fn is_stored(self) -> bool {
        matches!(self, Self::StoredBefore | Self::StoredAfter)
    }

    /// The status, the body and further headers of an answer that the service never gave.
    pub(super) fn answer(self, call: &Call) -> Option<Made> {
        let stripe = |kind: &str, code: Option<&str>, message: &str| {
            let code = code
                .map(|code| format!(r#""code":"{code}","#))
                .unwrap_or_default();
            format!(r#"{{"error":{{{code}"message":"{message}","type":"{kind}"}}}}"#)
        };
        let dynamodb = |kind: &str| {
            format!(
                r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"on purpose"}}"#
            )
        };
        let told = |status, body| Some((status, body, Vec::new()));
        match (self, call.service) {
            (Self::ErrorBefore | Self::ErrorAfter, Service::Stripe) => {
                told(500, stripe("api_error", None, "An unknown error occurred."))
            }
            (Self::ErrorBefore | Self::ErrorAfter, Service::DynamoDb) => {
                told(500, dynamodb("InternalServerError"))
            }
            (Self::StoredBefore | Self::StoredAfter, _) => Some((
                500,
                stripe("api_error", None, "An unknown error occurred."),
                vec![("idempotent-replayed", "true".to_owned())],
            )),
            (Self::KeyInUse, _) => told(
                409,
                stripe(
                    "idempotency_error",
                    Some("idempotency_key_in_use"),
                    "There is currently another in-progress request using this idempotent key.",
                ),
            ),
            (Self::Limited, _) => told(
                429,
                stripe("invalid_request_error", Some("rate_limit"), "Request rate limit exceeded."),
            ),
            (Self::LimitedRetry, _) => Some((
                429,
                stripe("invalid_request_error", Some("rate_limit"), "Request rate limit exceeded."),
                vec![("stripe-should-retry", "true".to_owned())],
            )),
            (Self::Throttled, _) => told(400, dynamodb("ProvisionedThroughputExceededException")),
            (Self::Throttling, _) => told(400, dynamodb("ThrottlingException")),
            (Self::Conflict, _) => told(
                400,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled [TransactionConflict]","CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}]}"#.to_owned(),
            ),
            _ => None,
        }
    }
}
