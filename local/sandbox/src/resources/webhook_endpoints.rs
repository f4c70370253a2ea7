//! Webhook endpoints.

use super::{Answer, Call, merge_metadata};
use crate::error::{ApiError, Result};
use crate::list::page;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// `POST /v1/webhook_endpoints`: the only answer that shows the secret.
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let secret = format!("whsec_{}", ids::random(32));
    let endpoint = new_endpoint(world, &ids::id("we"), params, &secret)?;
    world.save(&endpoint);
    let mut answer = endpoint;
    answer.set("secret", secret);
    Ok(answer)
}

fn new_endpoint(world: &World, id: &str, params: &Value, secret: &str) -> Result<Value> {
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

fn checked_url(url: &str) -> Result<String> {
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

/// The listener of a local machine, like the one of `stripe listen`: every event, and a secret of the caller's own.
pub(crate) fn listen(world: &mut World, url: &str, secret: &str) -> Answer {
    const LISTENER: &str = "we_perennial_listener";
    let params = json!({"url": url, "enabled_events": ["*"], "api_version": null, "description": "Local listener"});
    let endpoint = new_endpoint(world, LISTENER, &params, secret)?;
    world.save(&endpoint);
    Ok(endpoint)
}

/// Gives an endpoint a new secret; the old one signs beside it for a while.
pub(crate) fn roll(world: &mut World, id: &str, seconds: i64) -> Answer {
    let mut endpoint = world.at_path(Kind::WebhookEndpoint, id)?;
    let secret = format!("whsec_{}", ids::random(32));
    let now = world.now();
    let mut secrets = vec![json!({"secret": secret, "until": null})];
    for old in endpoint.list("_secrets") {
        let until = old
            .int("until")
            .map_or(now + seconds, |until| until.min(now + seconds));
        secrets.push(json!({"secret": old.at("secret"), "until": until}));
    }
    endpoint.set("_secrets", secrets);
    world.save(&endpoint);
    endpoint.set("secret", secret);
    Ok(endpoint)
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

/// `POST /v1/webhook_endpoints/{id}`; the API version cannot be changed.
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut endpoint = world.at_path(Kind::WebhookEndpoint, &call.id)?;
    for field in ["description", "enabled_events"] {
        if let Some(value) = params.get(field) {
            endpoint.set(field, value.clone());
        }
    }
    if let Some(url) = params.text("url") {
        endpoint.set("url", checked_url(url)?);
    }
    if let Some(disabled) = params.at("disabled").as_bool() {
        endpoint.set("status", if disabled { "disabled" } else { "enabled" });
    }
    merge_metadata(&mut endpoint, params);
    world.save(&endpoint);
    Ok(endpoint)
}

/// `GET /v1/webhook_endpoints/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::WebhookEndpoint, &call.id)
}

/// `GET /v1/webhook_endpoints`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    page(
        world,
        Kind::WebhookEndpoint,
        "/v1/webhook_endpoints",
        &call.params,
        |_| true,
    )
}

/// `DELETE /v1/webhook_endpoints/{id}`
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let endpoint = world.at_path(Kind::WebhookEndpoint, &call.id)?;
    world.store.remove(Kind::WebhookEndpoint, endpoint.id());
    Ok(json!({"id": endpoint.id(), "object": "webhook_endpoint", "deleted": true}))
}
