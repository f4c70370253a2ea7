//! The secret that signs links, as a function keeps it: one that is replaced is noticed.

use perennial_config::{Rolling, Secret, StartError};
use perennial_http::ApiError;
use perennial_types::Timestamp;
use secrecy::SecretString;

use crate::{Link, LinkError, SignedLinks};

/// Signs links, and opens those that come in a request.
#[derive(Debug, Clone)]
pub struct LinkKeys(Rolling<SecretString>);

impl LinkKeys {
    /// Brings the secret.
    pub async fn fetch(secret: Secret<SecretString>) -> Result<Self, StartError> {
        Ok(Self(secret.fetch().await?))
    }

    /// What signs, and reads what needs no second look at the secret.
    pub async fn signer(&self) -> SignedLinks {
        SignedLinks::new(&*self.0.current().await)
    }

    /// What a link is good for.
    pub async fn open(&self, text: &str, now: Timestamp) -> Result<Link, ApiError> {
        let known = self.0.current().await;
        let mut link = SignedLinks::new(&known).read(text, now);
        if link == Err(LinkError::Signature) {
            // It may be signed with a secret that was put there since this copy started.
            if let Some(secret) = self.0.after_refusal(&known, now).await {
                link = SignedLinks::new(&secret).read(text, now);
            }
        }
        link.map_err(|error| unknown_link().because(error))
    }
}

/// The same words whether the link was never signed, was changed, has expired or is about something
/// that is not there.
pub fn unknown_link() -> ApiError {
    ApiError::new(
        404,
        "unknown_link",
        "This link is invalid or has expired. Ask the shop for another one.",
    )
}
