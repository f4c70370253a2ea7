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
    ApiError::new(400, code, format!("The body has a mistake: {text}."))
}
