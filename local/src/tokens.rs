//! The tokens of the demo shop's users: what an identity provider would issue.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use perennial_types::{Timestamp, UserId};
use serde_json::{Value, json};

use crate::data_dir::{self, DataDir};

/// The issuer. It answers nowhere: the local authorizer has its key already.
pub(crate) const ISSUER: &str = "https://issuer.perennial.localhost/";
/// Whom the tokens are for.
pub(crate) const AUDIENCE: &str = "perennial-local";
/// A working day, so that nobody has to sign in twice while they try things.
const VALID_SECONDS: i64 = 12 * 60 * 60;

/// Signs tokens, as the shop's identity provider would.
#[derive(Debug)]
pub(crate) struct Issuer {
    key: KeyPair,
    kid: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// None could be made.
    #[error("no key for the tokens could be made")]
    Generate,
    /// The kept one is damaged.
    #[error("the key in {0} is damaged: delete that file")]
    Damaged(String),
    /// The kept one cannot be read or written.
    #[error("the key for the tokens cannot be kept")]
    Io(#[from] std::io::Error),
}

impl Issuer {
    /// The key of the data folder, which is made the first time; that of this process without a folder.
    pub(crate) fn load(data: Option<&DataDir>) -> Result<Self, IssuerError> {
        let Some(data) = data else {
            return Self::new(of_process()?);
        };
        let path = data.file("token-key.der");
        if let Some(kept) = data_dir::read(&path)? {
            let damaged = || IssuerError::Damaged(path.display().to_string());
            return Self::new(KeyPair::from_pkcs8(&kept).map_err(|_| damaged())?);
        }
        let key = generate()?;
        let kept = key.as_der().map_err(|_| IssuerError::Generate)?;
        data_dir::replace(&path, kept.as_ref())?;
        Self::new(key)
    }

    fn new(key: KeyPair) -> Result<Self, IssuerError> {
        // A name that follows from the key, so that a token of another key names another one.
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.public_key().as_ref());
        let kid = digest
            .as_ref()
            .get(..8)
            .map(hex::encode)
            .ok_or(IssuerError::Generate)?;
        Ok(Self { key, kid })
    }

    /// The name of the key.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, as PKCS #1.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// A token for a user, and when it ends.
    pub(crate) fn issue(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<(String, Timestamp), IssuerError> {
        let ends = now.plus_seconds(VALID_SECONDS);
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.as_str(),
            "iat": now.unix(),
            "nbf": now.unix(),
            "exp": ends.unix(),
        });
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid });
        Ok((self.sign(&header, &claims)?, ends))
    }

    fn sign(&self, header: &Value, claims: &Value) -> Result<String, IssuerError> {
        let encoded = |part: &Value| BASE64.encode(part.to_string());
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(|_| IssuerError::Generate)?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }

    /// An issuer with a key that no other has.
    #[cfg(test)]
    pub(crate) fn stranger() -> Self {
        Self::new(generate().unwrap()).unwrap()
    }

    /// A token of any form, for tests of what the authorizer refuses.
    #[cfg(test)]
    pub(crate) fn forge(&self, header: &Value, claims: &Value) -> String {
        self.sign(header, claims).unwrap()
    }
}

/// One key for every server of a process that keeps nothing, since making one takes longer than a whole test.
fn of_process() -> Result<KeyPair, IssuerError> {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return KeyPair::from_pkcs8(key).map_err(|_| IssuerError::Generate);
    }
    let key = generate()?;
    let der = key.as_der().map_err(|_| IssuerError::Generate)?;
    let der = KEY.get_or_init(|| der.as_ref().to_vec());
    KeyPair::from_pkcs8(der).map_err(|_| IssuerError::Generate)
}

fn generate() -> Result<KeyPair, IssuerError> {
    KeyPair::generate(KeySize::Rsa2048).map_err(|_| IssuerError::Generate)
}
