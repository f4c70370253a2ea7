//! The sandbox's webhook endpoint, which leads to this gateway.

use std::path::{Path, PathBuf};

use perennial_inbox::EventType;
use perennial_stripe::{
    CreateWebhookEndpoint, IdempotencyKey, Stripe, StripeError, UpdateWebhookEndpoint,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::data_dir;

const DESCRIPTION: &str = "Perennial on this machine";

/// Why events would not arrive.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The sandbox refused it.
    #[error("the webhook endpoint could not be set up")]
    Stripe(#[source] StripeError),
    /// Its secret cannot be kept.
    #[error("the secret of the webhook endpoint cannot be kept in {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The address ends with a slash, which is another route of API Gateway's. Stripe would get 404 for
    /// each event, and disable the endpoint after a while.
    #[error("the address of the webhook endpoint must not end with a slash: {0}")]
    Slash(String),
    /// The sandbox created it without a secret.
    #[error("the webhook endpoint has no secret")]
    NoSecret,
    /// There is no randomness to name the request with.
    #[error("the system has no random numbers")]
    Random,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    secret: String,
}

/// Leads events to `url`, and gives the secret that they are signed with.
///
/// The endpoint of the last run is kept, because deliveries that are still owed belong to it; its
/// address follows the port, and its types follow the version of this program.
pub(crate) async fn lead_to(
    stripe: &Stripe,
    url: &str,
    file: Option<&Path>,
) -> Result<SecretString, WebhookError> {
    if url.ends_with('/') {
        return Err(WebhookError::Slash(url.to_owned()));
    }
    let types = EventType::names();
    if let Some(kept) = file.map(kept).transpose()?.flatten() {
        let known = stripe
            .list_webhook_endpoints()
            .await
            .map_err(WebhookError::Stripe)?;
        let endpoint = known
            .value
            .data
            .into_iter()
            .find(|endpoint| endpoint.id == kept.id);
        if let Some(endpoint) = endpoint {
            if endpoint.url != url || endpoint.enabled_events != types {
                let request = UpdateWebhookEndpoint {
                    url,
                    enabled_events: &types,
                };
                stripe
                    .update_webhook_endpoint(&kept.id, &request, &new_key()?)
                    .await
                    .map_err(WebhookError::Stripe)?;
            }
            return Ok(kept.secret.into());
        }
    }
    let request = CreateWebhookEndpoint {
        url,
        enabled_events: &types,
        description: DESCRIPTION,
    };
    let created = stripe
        .create_webhook_endpoint(&request.freeze(new_key()?))
        .await
        .map_err(WebhookError::Stripe)?;
    let secret = created.value.secret.ok_or(WebhookError::NoSecret)?;
    if let Some(path) = file {
        let kept = Kept {
            id: created.value.id,
            secret: secret.expose_secret().to_owned(),
        };
        let io = |source| WebhookError::Io {
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_vec(&kept).map_err(|error| io(error.into()))?;
        data_dir::replace(path, &text).map_err(io)?;
    }
    Ok(secret)
}

/// What a damaged file said is lost, and a new endpoint takes its place.
fn kept(path: &Path) -> Result<Option<Kept>, WebhookError> {
    let text = data_dir::read(path).map_err(|source| WebhookError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// The endpoint of an earlier run must not be replayed, so each request has a key of its own.
fn new_key() -> Result<IdempotencyKey, WebhookError> {
    IdempotencyKey::new(&format!("webhook:{}", ulid::Ulid::new())).map_err(|_| WebhookError::Random)
}

#[cfg(test)]
mod tests {
    use perennial_stripe::Settings;

    use super::*;

    /// Nothing listens at this address, so an answer of Stripe's would be another error.
    #[tokio::test]
    async fn an_address_with_a_slash_at_its_end_is_not_registered() {
        let nowhere = "http://127.0.0.1:9/".parse().unwrap();
        let settings = Settings::new("sk_test_1".to_owned().into(), nowhere);
        let stripe = Stripe::new(settings).unwrap();
        let url = "http://127.0.0.1:3000/webhooks/stripe/";
        let refused = lead_to(&stripe, url, None).await;
        assert!(matches!(refused, Err(WebhookError::Slash(told)) if told == url));
        let without = lead_to(&stripe, url.trim_end_matches('/'), None).await;
        assert!(matches!(without, Err(WebhookError::Stripe(_))));
    }
}
