//! Which crate of the workspace a function of the template is.

use serde_json::Value;

/// The name of the function's crate, such as `client-secret`.
///
/// The build's binary says it best; a folder of its own says it too; the logical id comes last.
pub(super) fn name(id: &str, resource: &Value) -> String {
    let binary = resource
        .pointer("/Metadata/BuildProperties/Binary")
        .and_then(Value::as_str);
    let folder = resource
        .pointer("/Properties/CodeUri")
        .and_then(Value::as_str)
        .and_then(|uri| uri.trim_end_matches('/').rsplit('/').next())
        .filter(|name| !name.is_empty() && !name.starts_with('.'));
    binary.or(folder).map_or_else(
        || kebab(id.strip_suffix("Function").unwrap_or(id)),
        str::to_owned,
    )
}

fn kebab(id: &str) -> String {
    let mut name = String::with_capacity(id.len() + 2);
    for letter in id.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// Seconds after which Lambda ends the function, which are 3 when the template is silent.
pub(super) fn timeout(globals: &Value, properties: &Value) -> u64 {
    const LAMBDA_DEFAULT: u64 = 3;
    properties
        .get("Timeout")
        .or_else(|| globals.pointer("/Function/Timeout"))
        .and_then(Value::as_u64)
        .unwrap_or(LAMBDA_DEFAULT)
}
