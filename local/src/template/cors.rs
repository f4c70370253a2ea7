//! `CorsConfiguration` of the HTTP API.

use serde_json::Value;

use super::{Resources, of_type};

/// What a browser on another origin may send.
///
/// The origins are parameters of the deployment, so the local server decides on them by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cors {
    /// The methods, joined by commas.
    pub(crate) methods: String,
    /// The header names, joined by commas.
    pub(crate) headers: String,
    /// The names of the headers of an answer that a page may read, joined by commas.
    pub(crate) exposed: String,
}

pub(super) fn read(globals: &Value, resources: &Resources) -> Cors {
    let configuration = of_type(resources, "AWS::Serverless::HttpApi")
        .find_map(|(_, api)| api.get("CorsConfiguration"))
        .or_else(|| globals.pointer("/HttpApi/CorsConfiguration"))
        .unwrap_or(&Value::Null);
    Cors {
        methods: joined(
            configuration,
            "AllowMethods",
            "GET,POST,PATCH,DELETE,OPTIONS",
        ),
        headers: joined(configuration, "AllowHeaders", "authorization,content-type"),
        exposed: joined(configuration, "ExposeHeaders", "retry-after"),
    }
}

fn joined(configuration: &Value, key: &str, otherwise: &str) -> String {
    let names: Vec<&str> = configuration
        .get(key)
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if names.is_empty() {
        otherwise.to_owned()
    } else {
        names.join(",")
    }
}
