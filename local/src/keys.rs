//! What lets a developer in and no other account of the machine: a random secret for each data folder,
//! and a key for each purpose that is made of it.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::data_dir;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// It cannot be kept.
    #[error("a secret cannot be kept in the data folder")]
    Io(#[from] std::io::Error),
}

/// The secret in a file, which is made the first time; a passing one without a file.
pub(crate) fn kept_secret(path: Option<&Path>, prefix: &str) -> Result<SecretString, SecretError> {
    if let Some(path) = path {
        let kept = data_dir::read(path)?.and_then(|kept| String::from_utf8(kept).ok());
        if let Some(kept) = kept.filter(|kept| !kept.trim().is_empty()) {
            return Ok(kept.trim().to_owned().into());
        }
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| SecretError::Random)?;
    let secret = format!("{prefix}{}", hex::encode(random));
    if let Some(path) = path {
        data_dir::replace(path, secret.as_bytes())?;
    }
    Ok(secret.into())
}

/// The keys of one data folder. None of them tells anything about another.
#[derive(Debug, Clone)]
pub(crate) struct Keys(SecretString);

impl Keys {
    /// Those of the folder; passing ones without it.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, SecretError> {
        Ok(Self(kept_secret(path, "")?))
    }

    /// Lets a developer ask for tokens, sweeps and events, and signs as the shop's servers.
    pub(crate) fn developer(&self) -> String {
        self.derived("developer")
    }

    /// The access key of the table.
    pub(crate) fn table(&self) -> String {
        self.derived("table")
    }

    /// The secret key of the Stripe sandbox.
    pub(crate) fn stripe(&self) -> String {
        format!("sk_test_{}", self.derived("stripe"))
    }

    /// What links are signed with.
    pub(crate) fn links(&self) -> String {
        format!("link_test_{}", self.derived("links"))
    }

    /// 128 bits, as many as nobody can try.
    fn derived(&self, purpose: &str) -> String {
        // A key of any length is taken, so there is nothing to fail.
        let made =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).map(|mut mac| {
                mac.update(purpose.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            });
        let mut made = made.unwrap_or_default();
        made.truncate(32);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_keys_of_its_own_which_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let all = |keys: &Keys| [keys.developer(), keys.table(), keys.stripe(), keys.links()];
        let first = all(&Keys::load(Some(&path)).unwrap());
        assert_eq!(all(&Keys::load(Some(&path)).unwrap()), first);
        let other = all(&Keys::load(None).unwrap());
        let mut parts: Vec<&str> = first
            .iter()
            .chain(&other)
            .map(|key| key.rsplit('_').next().unwrap())
            .collect();
        assert!(parts.iter().all(|part| part.len() == 32), "{parts:?}");
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), 8);
    }
}
