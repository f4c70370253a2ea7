//! <https://docs.stripe.com/api/webhook_endpoints/object>

use secrecy::SecretString;
use serde::Deserialize;

use super::{Metadata, lenient};

/// An address that Stripe tells of events.
#[derive(Debug, Clone, Deserialize)]
pub struct WebhookEndpoint {
    /// `we_...`
    pub id: String,
    /// The address.
    pub url: String,
    /// `enabled` or `disabled`.
    #[serde(default)]
    pub status: String,
    /// The events that it is told of.
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// The version of its events, fixed at creation; the account's default if absent.
    #[serde(default)]
    pub api_version: Option<String>,
    /// What its deliveries are signed with; in the answer to its creation only.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub secret: Option<SecretString>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// Whether it is told of real events rather than tests.
    #[serde(default)]
    pub livemode: bool,
}
