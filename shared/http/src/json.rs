//! JSON bodies, with an answer for each way in which one can be wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ApiError, Request};

/// No body that these functions take comes near this.
const LARGEST_BODY: usize = 64 * 1024;

/// Reads the body as a JSON object. `T` should refuse fields that it does not know.
pub fn read_json<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    if request.body.len() > LARGEST_BODY {
        return Err(ApiError::new(
            413,
            "body_too_large",
            "The body must be at most 64 KiB.",
        ));
    }
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            415,
            "unsupported_content_type",
            "Send the body as JSON, with Content-Type: application/json.",
        ));
    }
    let value: Value = serde_json::from_slice(&request.body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ApiError::new(
            400,
            "malformed_json",
            format!("The body is not JSON: see {place}."),
        )
    })?;
    if !value.is_object() {
        return Err(ApiError::new(
            400,
            "malformed_json",
            "The body must be a JSON object.",
        ));
    }
    read_value(value)
}

/// Reads a part of a body whose form depends on the rest. `T` should refuse fields that it does not
/// know.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| field_error(&error.to_string()))
}

fn field_error(text: &str) -> ApiError {
    let code = if text.starts_with("unknown field") {
        "unknown_field"
    } else if text.starts_with("missing field") {
        "missing_field"
    } else {
        "invalid_field"
    };
    let text = without_text(text);
    ApiError::new(400, code, format!("The body has a mistake: {text}."))
}

/// The sentence without a text that stood where something else was expected: it may be of a person, and is as long as
/// the body.
fn without_text(sentence: &str) -> String {
    for kind in ["invalid type: string", "invalid value: string"] {
        let told = sentence.strip_prefix(kind);
        let told = told.filter(|told| told.starts_with(" \""));
        if let Some((_, expected)) = told.and_then(|told| told.rsplit_once(", expected ")) {
            return format!("{kind}, expected {expected}");
        }
    }
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only what is refused is looked at")]
    struct Ask {
        many: Vec<u8>,
    }

    #[test]
    fn what_was_sent_in_place_of_something_else_is_not_repeated() {
        for (many, expected) in [
            (
                json!("alice@example.com, expected nobody"),
                "The body has a mistake: invalid type: string, expected a sequence.",
            ),
            (
                json!({"alice@example.com": 1}),
                "The body has a mistake: invalid type: map, expected a sequence.",
            ),
            (
                json!(["alice@example.com"]),
                "The body has a mistake: invalid type: string, expected u8.",
            ),
            (
                json!(null),
                "The body has a mistake: invalid type: null, expected a sequence.",
            ),
        ] {
            let error = read_value::<Ask>(json!({ "many": many })).unwrap_err();
            assert_eq!(error.message, expected);
        }
    }
}
