//! A webhook endpoint.

use super::merge_metadata;
use crate::error::{ApiError, Result};
use crate::state::{Fields, World};
use serde_json::{Value, json};

/// An endpoint that is enabled and signs with this secret.
pub(crate) fn new(world: &World, id: &str, params: &Value, secret: &str) -> Result<Value> {
    let mut endpoint = json!({
        "id": id,
        "object": "webhook_endpoint",
        "api_version": params.at("api_version"),
        "application": null,
        "created": world.now(),
        "description": params.at("description"),
        "enabled_events": params.at("enabled_events"),
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": checked_url(params.text("url").unwrap_or_default())?,
        "_secrets": [{"secret": secret, "until": null}],
    });
    merge_metadata(&mut endpoint, params);
    Ok(endpoint)
}

/// An address that events can be sent to.
pub(crate) fn checked_url(url: &str) -> Result<String> {
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Ok(url.to_owned())
        }
        _ => Err(ApiError::validation(
            "Invalid URL: webhook endpoints need an http or https address.",
        )
        .with_code("url_invalid")
        .with_param("url")),
    }
}

/// The secrets that sign now, the newest first.
pub(crate) fn secrets(endpoint: &Value, now: i64) -> Vec<String> {
    endpoint
        .list("_secrets")
        .iter()
        .filter(|secret| secret.int("until").is_none_or(|until| until > now))
        .filter_map(|secret| secret.owned("secret"))
        .collect()
}
