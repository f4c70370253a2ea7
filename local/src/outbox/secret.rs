//! What proves to a receiver that an event is from here.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use perennial_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::keys::{SecretError, kept_secret};

/// The secret that events are signed with.
#[derive(Debug, Clone)]
pub(crate) struct EventsSecret(SecretString);

impl EventsSecret {
    /// The one of an earlier run, or a new one that is kept.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, SecretError> {
        Ok(Self(kept_secret(path, "pevsec_")?))
    }

    /// The text that a receiver needs.
    pub(crate) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// The header `Perennial-Signature` of a body that is sent at this moment.
    pub(crate) fn header(&self, body: &[u8], now: Timestamp) -> String {
        let time = now.unix();
        // A key of any length is taken, so there is nothing to fail.
        let signature = Hmac::<Sha256>::new_from_slice(self.text().as_bytes()).map(|mut mac| {
            mac.update(time.to_string().as_bytes());
            mac.update(b".");
            mac.update(body);
            hex::encode(mac.finalize().into_bytes())
        });
        format!("t={time},v1={}", signature.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_same_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events-secret");
        let first = EventsSecret::load(Some(&path)).unwrap();
        let second = EventsSecret::load(Some(&path)).unwrap();
        assert_eq!(first.text(), second.text());
        assert!(first.text().starts_with("pevsec_"));
        assert_ne!(EventsSecret::load(None).unwrap().text(), first.text());
    }

    #[test]
    fn the_signature_is_the_one_that_the_documentation_computes() {
        // printf '1795550424.{"id":"pev_1"}' | openssl dgst -sha256 -hmac pevsec_example
        let secret = EventsSecret("pevsec_example".to_owned().into());
        assert_eq!(
            secret.header(br#"{"id":"pev_1"}"#, Timestamp::from_unix(1_795_550_424)),
            "t=1795550424,v1=0f94fc671991bbb1f78128324c52636a6d330c0170cc9daf54ec6c5d09c102a8"
        );
    }
}
