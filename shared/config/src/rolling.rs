//! A secret that may be replaced while a function runs.

use std::fmt;
use std::sync::Arc;

use perennial_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use crate::{Secret, StartError, secrets, secrets::Source};
use perennial_process::chain;

/// How often a copy of a function asks Secrets Manager again at most, whatever it is refused:
/// anyone can send a wrong signature.
const PAUSE_SECONDS: u64 = 60;

/// What a secret is read as. It is read again from Secrets Manager when it is refused, so that
/// replacing it needs no deployment. One that stands in a variable has nowhere to be read from.
#[derive(Clone)]
pub struct Rolling<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    secret: Secret<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    text: SecretString,
    value: Arc<T>,
    asked: Option<Timestamp>,
}

impl<T> Secret<T> {
    /// Brings the secret from where it is.
    pub async fn fetch(self) -> Result<Rolling<T>, StartError> {
        let text = secrets::fetch(&self.source).await?;
        let value = Arc::new((self.read)(&text)?);
        let state = State {
            text,
            value,
            asked: None,
        };
        Ok(Rolling {
            shared: Arc::new(Shared {
                secret: self,
                state: Mutex::new(state),
            }),
        })
    }
}

impl<T> Rolling<T> {
    /// What it is now, as far as this copy of the function knows.
    pub async fn current(&self) -> Arc<T> {
        Arc::clone(&self.shared.state.lock().await.value)
    }

    /// Another value than the one that was refused, if there is one: what another call has read
    /// meanwhile, or what Secrets Manager says now. It is asked at most once a minute, by one call
    /// at a time.
    pub async fn after_refusal(&self, refused: &Arc<T>, now: Timestamp) -> Option<Arc<T>> {
        let mut state = self.shared.state.lock().await;
        if !Arc::ptr_eq(&state.value, refused) {
            return Some(Arc::clone(&state.value));
        }
        let source = &self.shared.secret.source;
        let Source::Stored(stored) = source else {
            return None;
        };
        let too_soon = |asked: Timestamp| now.unix().abs_diff(asked.unix()) < PAUSE_SECONDS;
        if state.asked.is_some_and(too_soon) {
            return None;
        }
        state.asked = Some(now);
        let secret = stored.arn.as_str();
        let text = match secrets::fetch(source).await {
            Ok(text) => text,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(secret, error, "a secret could not be read again");
                return None;
            }
        };
        if text.expose_secret() == state.text.expose_secret() {
            return None;
        }
        match (self.shared.secret.read)(&text) {
            Ok(value) => {
                tracing::info!(secret, "a secret has changed, and is in use");
                state.text = text;
                state.value = Arc::new(value);
                Some(Arc::clone(&state.value))
            }
            Err(problems) => {
                let error = problems.to_string();
                tracing::error!(secret, error, "a secret has changed, and is not usable");
                None
            }
        }
    }
}

impl<T> fmt::Debug for Rolling<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rolling").finish_non_exhaustive()
    }
}
