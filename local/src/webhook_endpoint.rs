//! The sandbox's webhook endpoint, which leads to this gateway.

use std::path::{Path, PathBuf};

use perennial_inbox::EVENT_TYPES;
use perennial_stripe::{CreateWebhookEndpoint, IdempotencyKey, Stripe, StripeError};
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
/// The endpoint of the last run is kept, because deliveries that are still owed belong to it; only
/// its address follows the port.
pub(crate) async fn lead_to(
    stripe: &Stripe,
    url: &str,
    file: Option<&Path>,
) -> Result<SecretString, WebhookError> {
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
        if let Some(endpoint) = endpoint.filter(|e| has_all_events(&e.enabled_events)) {
            if endpoint.url != url {
                stripe
                    .update_webhook_endpoint_url(&kept.id, url, &new_key()?)
                    .await
                    .map_err(WebhookError::Stripe)?;
            }
            return Ok(kept.secret.into());
        }
    }
    let request = CreateWebhookEndpoint {
        url,
        enabled_events: &EVENT_TYPES,
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

fn has_all_events(enabled: &[String]) -> bool {
    EVENT_TYPES
        .iter()
        .all(|event| enabled.iter().any(|name| name == event))
}

/// The endpoint of an earlier run must not be replayed, so each request has a key of its own.
fn new_key() -> Result<IdempotencyKey, WebhookError> {
    IdempotencyKey::new(&format!("webhook:{}", ulid::Ulid::new())).map_err(|_| WebhookError::Random)
}
