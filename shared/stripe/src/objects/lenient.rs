//! Readers for fields that may be null, or of a kind that is not ours.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// Null reads as the default.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What cannot be read as `T` reads as nothing.
///
/// An account that is older than Perennial may hold what Perennial never creates, such as a card
/// (`card_...`) where a PaymentMethod is usual, and a subscription with one must still be readable.
pub(crate) fn or_nothing<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// A text that is never printed.
pub(crate) fn secret<'de, D>(deserializer: D) -> Result<Option<SecretString>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
