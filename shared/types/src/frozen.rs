//! A request that is stored before it is sent, and is the same bytes each time.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chance;

/// A POST whose bytes and key never change; what a claim stores before the call.
///
/// Stripe answers a repeat under the same key with the first result, and refuses the key with
/// other parameters (<https://docs.stripe.com/api/idempotent_requests>). In the table it is one text,
/// so that a condition can compare it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrozenRequest {
    /// The path of the operation, `/v1/...`.
    pub path: String,
    /// The encoded parameters.
    pub body: String,
    /// The key that makes a repeat harmless.
    pub idempotency_key: IdempotencyKey,
}

#[derive(Deserialize)]
struct Stored {
    path: String,
    body: String,
    idempotency_key: IdempotencyKey,
}

impl FrozenRequest {
    /// The text that is stored: a JSON object.
    pub fn to_text(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        // In this order always, since stored texts are compared.
        format!(
            r#"{{"path":{},"body":{},"idempotency_key":{}}}"#,
            quoted(&self.path),
            quoted(&self.body),
            quoted(self.idempotency_key.as_str())
        )
    }
}

impl From<FrozenRequest> for String {
    fn from(request: FrozenRequest) -> Self {
        request.to_text()
    }
}

/// A stored text is not a frozen request. It says no more, since the text may hold personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frozen request is not readable")]
pub struct FrozenRequestError;

impl TryFrom<String> for FrozenRequest {
    type Error = FrozenRequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Stored {
            path,
            body,
            idempotency_key,
        } = serde_json::from_str(&text).map_err(|_| FrozenRequestError)?;
        Ok(Self {
            path,
            body,
            idempotency_key,
        })
    }
}

impl fmt::Debug for FrozenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrozenRequest")
            .field("path", &self.path)
            .field("idempotency_key", &self.idempotency_key)
            .finish_non_exhaustive()
    }
}

/// The value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

/// Stripe's limit for an idempotency key.
const LONGEST_KEY: usize = 255;

/// Why a text cannot be an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyKeyError {
    /// It is empty.
    #[error("an idempotency key must not be empty")]
    Empty,
    /// It is longer than 255 characters.
    #[error("an idempotency key has at most 255 characters")]
    TooLong,
    /// It has a character that a header cannot carry unchanged.
    #[error("an idempotency key consists of visible ASCII characters")]
    NotPrintable,
}

impl IdempotencyKey {
    /// Checks a key.
    pub fn new(key: &str) -> Result<Self, IdempotencyKeyError> {
        Self::try_from(key.to_owned())
    }

    /// A key that no call has had before: 32 hexadecimal digits.
    pub fn drawn() -> Self {
        Self(format!("{:016x}{:016x}", chance::draw(), chance::draw()))
    }

    /// The key as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = IdempotencyKeyError;

    fn try_from(key: String) -> Result<Self, IdempotencyKeyError> {
        if key.is_empty() {
            return Err(IdempotencyKeyError::Empty);
        }
        if key.len() > LONGEST_KEY {
            return Err(IdempotencyKeyError::TooLong);
        }
        if !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(IdempotencyKeyError::NotPrintable);
        }
        Ok(Self(key))
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_to_255_visible_characters() {
        assert!(IdempotencyKey::new("sub:chk_1").is_ok());
        assert!(IdempotencyKey::new(&"k".repeat(255)).is_ok());
        assert_eq!(IdempotencyKey::new(""), Err(IdempotencyKeyError::Empty));
        assert_eq!(
            IdempotencyKey::new(&"k".repeat(256)),
            Err(IdempotencyKeyError::TooLong)
        );
        for bad in ["a b", "a\n", "ü", "\u{7f}"] {
            assert_eq!(
                IdempotencyKey::new(bad),
                Err(IdempotencyKeyError::NotPrintable),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_stored_request_comes_back_the_same_and_a_bad_key_does_not() {
        let request = FrozenRequest {
            path: "/v1/customers".into(),
            body: "metadata[perennial_user]=a%20b".into(),
            idempotency_key: IdempotencyKey::new("cus:a").unwrap(),
        };
        let stored = request.to_text();
        assert_eq!(
            stored,
            r#"{"path":"/v1/customers","body":"metadata[perennial_user]=a%20b","idempotency_key":"cus:a"}"#
        );
        assert_eq!(serde_json::to_value(&request).unwrap(), stored.as_str());
        assert_eq!(FrozenRequest::try_from(stored).unwrap(), request);
        assert!(FrozenRequest::try_from("{}".to_owned()).is_err());
        assert!(serde_json::from_str::<IdempotencyKey>("\"\"").is_err());
    }

    #[test]
    fn debug_shows_no_parameters() {
        let request = FrozenRequest {
            path: "/v1/customers".into(),
            body: "ip_address=203.0.113.7".into(),
            idempotency_key: IdempotencyKey::new("k").unwrap(),
        };
        assert!(!format!("{request:?}").contains("203"));
    }
}
