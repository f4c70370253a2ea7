//! Webhook endpoints: created, changed, deleted.

use crate::error::ApiError;
use crate::objects::{merge_metadata, webhook_endpoint};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::json;

/// As many endpoints as Stripe lets an account have (<https://docs.stripe.com/webhooks>).
const MOST_ENDPOINTS: usize = 16;

/// The endpoint that [`listen`] makes, which Stripe does not count.
const LISTENER: &str = "we_perennial_listener";

/// `POST /v1/webhook_endpoints`: the only answer that shows the secret.
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let secret = format!("whsec_{}", ids::random(32));
    webhook_endpoint::checked_url(world, params.text("url").unwrap_or_default())?;
    let others = world.store.oldest_first(Kind::WebhookEndpoint);
    if others.filter(|other| other.id() != LISTENER).count() >= MOST_ENDPOINTS {
        let message =
            format!("You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints.");
        return Err(ApiError::invalid(message));
    }
    let endpoint = webhook_endpoint::new(world, &ids::id("we"), params, &secret);
    world.save(&endpoint);
    let mut answer = endpoint;
    answer.set("secret", secret);
    Ok(answer)
}

/// The listener of a local machine, like the one of `stripe listen`: every event, and a secret of the caller's own.
pub(crate) fn listen(world: &mut World, url: &str, secret: &str) -> Answer {
    if url::Url::parse(url).ok().is_none_or(|url| !url.has_host()) {
        return Err(ApiError::validation("The listener's address is none.").with_param("url"));
    }
    let params = json!({"url": url, "enabled_events": ["*"], "api_version": null, "description": "Local listener"});
    let endpoint = webhook_endpoint::new(world, LISTENER, &params, secret);
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
        endpoint.set("url", webhook_endpoint::checked_url(world, url)?);
    }
    if let Some(disabled) = params.at("disabled").as_bool() {
        endpoint.set("status", if disabled { "disabled" } else { "enabled" });
    }
    merge_metadata(&mut endpoint, params);
    world.save(&endpoint);
    Ok(endpoint)
}

/// `DELETE /v1/webhook_endpoints/{id}`
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let endpoint = world.at_path(Kind::WebhookEndpoint, &call.id)?;
    world.store.remove(Kind::WebhookEndpoint, endpoint.id());
    Ok(json!({"id": endpoint.id(), "object": "webhook_endpoint", "deleted": true}))
}
