//! How the client reaches Stripe, and how long it may take.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use perennial_https::{HttpsError, Trust};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::Transport;

/// Creating a subscription charges a wallet, which takes seconds. An attempt that is cut short gains
/// nothing: the next one meets `idempotency_key_in_use`.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// A Lambda has 15 s and has to store what Stripe answered, too.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);

/// The first try and two more, as in Stripe's own libraries.
const ATTEMPTS: u32 = 3;

/// The shortest pause before a repeat in Stripe's own libraries.
const BACKOFF: Duration = Duration::from_millis(500);

/// Finds another key for the one that Stripe has refused, if there is one by now.
pub type NewKey = Arc<
    dyn Fn(SecretString) -> Pin<Box<dyn Future<Output = Option<SecretString>> + Send>>
        + Send
        + Sync,
>;

/// What a [`Stripe`](crate::Stripe) client is built from.
#[derive(Clone)]
pub struct Settings {
    /// `sk_...` or `rk_...`.
    pub secret_key: SecretString,
    /// Where another key comes from when Stripe refuses the one in use; nowhere unless set.
    pub new_key: Option<NewKey>,
    /// `https://api.stripe.com`, or a sandbox on a loopback address.
    pub base: Url,
    /// The longest that one attempt may take, its answer included.
    pub attempt_timeout: Duration,
    /// The longest that a call may take, all attempts and pauses included.
    pub total_timeout: Duration,
    /// How many attempts there are at most; 0 counts as one.
    pub attempts: u32,
    /// The shortest pause between two attempts; the pauses after it grow.
    pub backoff: Duration,
    /// Which certificates are trusted; the public ones unless set.
    pub trust: Option<Trust>,
    /// What carries each attempt; the network unless set.
    pub transport: Option<Arc<dyn Transport>>,
}

impl Settings {
    /// The limits that production uses.
    pub fn new(secret_key: SecretString, base: Url) -> Self {
        Self {
            secret_key,
            new_key: None,
            base,
            attempt_timeout: ATTEMPT_TIMEOUT,
            total_timeout: TOTAL_TIMEOUT,
            attempts: ATTEMPTS,
            backoff: BACKOFF,
            trust: None,
            transport: None,
        }
    }

    /// The same, with a way to another key when Stripe refuses this one.
    #[must_use]
    pub fn with_new_key(self, new_key: NewKey) -> Self {
        Self {
            new_key: Some(new_key),
            ..self
        }
    }

    /// The same, with something else than the network between the client and Stripe.
    #[must_use]
    pub fn over(self, transport: Arc<dyn Transport>) -> Self {
        Self {
            transport: Some(transport),
            ..self
        }
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let key = self.secret_key.expose_secret();
        if !is_key(key) {
            return Err(BuildError::SecretKey);
        }
        match self.base.scheme() {
            "https" => Ok(()),
            "http" if self.is_loopback() => Ok(()),
            "http" if self.is_outside_of_container() && is_of_test_mode(key) => Ok(()),
            _ => Err(BuildError::Insecure {
                host: self.base.host_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// This machine, as Docker names it to a container. Nothing keeps the name from leading
    /// elsewhere, so no key goes there that could move money.
    fn is_outside_of_container(&self) -> bool {
        self.base.host() == Some(Host::Domain("host.docker.internal"))
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

fn is_of_test_mode(key: &str) -> bool {
    key.starts_with("sk_test_") || key.starts_with("rk_test_")
}

/// Whether it has the form of a secret or restricted key.
fn is_key(key: &str) -> bool {
    let known = key.starts_with("sk_") || key.starts_with("rk_");
    known && key.bytes().all(|b| b.is_ascii_graphic())
}

/// The header that proves who calls; nothing if the key has not the form of one.
pub(crate) fn bearer(key: &SecretString) -> Option<HeaderValue> {
    let key = Some(key.expose_secret()).filter(|key| is_key(key))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The key is not a secret or restricted key.
    #[error("the Stripe key must begin with sk_ or rk_ and consist of visible characters")]
    SecretKey,
    /// The key would travel in clear text.
    #[error("the Stripe address must be https, or http on a loopback address, not on \"{host}\"")]
    Insecure {
        /// The host of the address.
        host: String,
    },
    /// The HTTP client refused its settings.
    #[error("the HTTP client for Stripe could not be set up")]
    Https(#[from] HttpsError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, base: &str) -> Result<(), BuildError> {
        Settings::new(SecretString::from(key), Url::parse(base).unwrap()).check()
    }

    #[test]
    fn a_key_never_leaves_the_machine_in_clear_text() {
        assert!(check("sk_test_1", "https://api.stripe.com").is_ok());
        for loopback in [
            "http://127.0.0.1:9002",
            "http://localhost:9002",
            "http://[::1]:9002",
        ] {
            assert!(check("sk_test_1", loopback).is_ok(), "{loopback}");
        }
        for other in [
            "http://api.stripe.com",
            "ftp://localhost",
            "http://10.0.0.1",
        ] {
            assert!(
                matches!(check("sk_test_1", other), Err(BuildError::Insecure { .. })),
                "{other}"
            );
        }
    }

    #[test]
    fn only_a_secret_or_restricted_key_is_taken() {
        assert!(check("rk_live_1", "https://api.stripe.com").is_ok());
        for bad in ["", " ", "pk_test_1", "sk_test_1\n", "sk_test 1"] {
            assert!(
                matches!(
                    check(bad, "https://api.stripe.com"),
                    Err(BuildError::SecretKey)
                ),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn settings_do_not_show_the_key() {
        let settings = Settings::new(
            SecretString::from("sk_test_hidden"),
            Url::parse("https://api.stripe.com").unwrap(),
        );
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}
