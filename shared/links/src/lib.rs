//! Links that prove by themselves whom they are for, so that nobody has to sign in to follow them.
//!
//! Apple shows one beside a subscription for as long as it lives, and a mail to a shopper holds one
//! that leads to a payment which waits for them. A link is `v1.<claims>.<signature>`: the claims say
//! what the link is good for, so that a link of one purpose does not open another.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac};
use perennial_config::{Secret, StartError};
use perennial_types::{AgreedEnd, PaymentIntentId, SubscriptionId, Timestamp, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::IgnoredAny};
use sha2::Sha256;
use thiserror::Error;
use url::Url;

/// Signs links, and reads those that were signed.
#[derive(Clone)]
pub struct SignedLinks {
    /// The first one signs, and all of them are accepted.
    keys: Vec<Hmac<Sha256>>,
}

/// What a link is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// To see and change one's subscriptions.
    Manage {
        /// Whose.
        user: UserId,
        /// Which of the user's links it is of; those of a lower number than the user's have been
        /// revoked.
        number: u64,
        /// Whether it belongs to a saved payment method and not to a subscription.
        saved: bool,
    },
    /// To agree to a payment.
    Authorize {
        /// Whose.
        user: UserId,
        /// Which one.
        payment: PaymentIntentId,
    },
    /// To cancel a subscription, and to take that back.
    Cancel {
        /// Whose.
        user: UserId,
        /// Which one.
        subscription: SubscriptionId,
        /// Which of the user's links it is of, as with [`Self::Manage`].
        number: u64,
    },
    /// To give a subscription another payment method, while it needs one.
    Repair {
        /// Whose.
        user: UserId,
        /// Which one.
        subscription: SubscriptionId,
    },
}

/// Why a link opens nothing. The holder is not told which of these it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not a link of this version.
    #[error("the link is malformed")]
    Malformed,
    /// Not signed with this secret, or changed since.
    #[error("the signature of the link is wrong")]
    Signature,
    /// Too late.
    #[error("the link expired at {0}")]
    Expired(Timestamp),
}

/// The claims as they are signed; the names are short because the link stands in a mail.
#[derive(Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case", deny_unknown_fields)]
enum Claims<C> {
    Manage {
        user: UserId,
        /// Absent in links that were signed before there was one.
        #[serde(default, skip_serializing_if = "is_zero")]
        number: u64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        saved: bool,
    },
    Authorize {
        user: UserId,
        payment: PaymentIntentId,
        until: i64,
    },
    Cancel {
        user: UserId,
        subscription: SubscriptionId,
        #[serde(default, skip_serializing_if = "is_zero")]
        number: u64,
    },
    Repair {
        user: UserId,
        subscription: SubscriptionId,
        until: i64,
    },
    Change {
        change: C,
    },
    End {
        end: Box<AgreedEnd>,
    },
}

/// Those of an address.
type NoChange = Claims<()>;

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// As long as the link to a payment that waits: a bill is tried for about as long.
pub const REPAIR_LINK_SECONDS: i64 = 7 * 24 * 3600;

/// A later form can be told from this one, and is signed apart from it.
const VERSION: &str = "v1";

impl SignedLinks {
    /// Brings the secret, once: links that are signed with an older one are still accepted.
    pub async fn fetch(secret: Secret<SecretString>) -> Result<Self, StartError> {
        let secret = secret.fetch().await?.current().await;
        Ok(Self::new(&secret))
    }

    /// Signs with the first of the secrets in `LINK_SECRET`, which are separated by commas while one
    /// is being replaced; see [`perennial_config::link_secret`].
    pub fn new(secret: &SecretString) -> Self {
        let secrets = secret.expose_secret().split(',').map(str::trim);
        // HMAC takes a key of any length.
        let keys = secrets.filter_map(|key| Hmac::new_from_slice(key.as_bytes()).ok());
        Self {
            keys: keys.collect(),
        }
    }

    /// The address below `base` where the user manages their subscriptions. It does not expire,
    /// because Apple keeps it for as long as the subscription lives; it opens nothing once the user's
    /// number is another than `number`.
    pub fn manage(&self, base: &Url, user: &UserId, number: u64) -> Url {
        let claims = NoChange::Manage {
            user: user.clone(),
            number,
            saved: false,
        };
        self.address(base, "/manage", &claims)
    }

    /// The same for a payment method that is saved without a subscription.
    pub fn manage_saved(&self, base: &Url, user: &UserId, number: u64) -> Url {
        let claims = NoChange::Manage {
            user: user.clone(),
            number,
            saved: true,
        };
        self.address(base, "/manage", &claims)
    }

    /// The address below `base` where the user agrees to a payment, until `until`, that moment included.
    pub fn authorize(
        &self,
        base: &Url,
        user: &UserId,
        payment: &PaymentIntentId,
        until: Timestamp,
    ) -> Url {
        let claims = NoChange::Authorize {
            user: user.clone(),
            payment: payment.clone(),
            until: until.unix(),
        };
        self.address(base, "/authorize", &claims)
    }

    /// The address below `base` where the user cancels a subscription. It does not expire, because it stands in
    /// mails that are kept; it opens nothing once the user's number is another than `number`.
    pub fn cancel(
        &self,
        base: &Url,
        user: &UserId,
        subscription: &SubscriptionId,
        number: u64,
    ) -> Url {
        let claims = NoChange::Cancel {
            user: user.clone(),
            subscription: subscription.clone(),
            number,
        };
        self.address(base, "/cancel", &claims)
    }

    /// The address below `base` where the user gives a subscription another payment method, until `until`,
    /// that moment included.
    pub fn repair(
        &self,
        base: &Url,
        user: &UserId,
        subscription: &SubscriptionId,
        until: Timestamp,
    ) -> Url {
        let claims = NoChange::Repair {
            user: user.clone(),
            subscription: subscription.clone(),
            until: until.unix(),
        };
        self.address(base, "/repair", &claims)
    }

    /// A change as it was shown, by which it is agreed to. When that is too late is in it.
    pub fn change(&self, change: &impl Serialize) -> String {
        self.sign(&Claims::Change { change })
    }

    /// Reads a change that was signed.
    pub fn read_change<C: DeserializeOwned>(&self, text: &str) -> Result<C, LinkError> {
        match self.claims(text)? {
            Claims::Change { change } => Ok(change),
            _ => Err(LinkError::Malformed),
        }
    }

    /// An end at once as it was shown, by which it is agreed to.
    pub fn end(&self, end: &AgreedEnd) -> String {
        self.sign(&NoChange::End {
            end: Box::new(end.clone()),
        })
    }

    /// Reads an end that was signed.
    pub fn read_end(&self, text: &str) -> Result<AgreedEnd, LinkError> {
        match self.claims::<IgnoredAny>(text)? {
            Claims::End { end } => Ok(*end),
            _ => Err(LinkError::Malformed),
        }
    }

    /// Reads the `link` parameter of such an address.
    pub fn read(&self, link: &str, now: Timestamp) -> Result<Link, LinkError> {
        match self.claims::<IgnoredAny>(link)? {
            Claims::Manage {
                user,
                number,
                saved,
            } => Ok(Link::Manage {
                user,
                number,
                saved,
            }),
            Claims::Authorize {
                user,
                payment,
                until,
            } => {
                in_time(until, now)?;
                Ok(Link::Authorize { user, payment })
            }
            Claims::Cancel {
                user,
                subscription,
                number,
            } => Ok(Link::Cancel {
                user,
                subscription,
                number,
            }),
            Claims::Repair {
                user,
                subscription,
                until,
            } => {
                in_time(until, now)?;
                Ok(Link::Repair { user, subscription })
            }
            Claims::Change { .. } | Claims::End { .. } => Err(LinkError::Malformed),
        }
    }

    /// What a text says that was signed with one of the secrets.
    fn claims<C: DeserializeOwned>(&self, link: &str) -> Result<Claims<C>, LinkError> {
        let (signed, signature) = link.rsplit_once('.').ok_or(LinkError::Malformed)?;
        let claims = signed
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('.'))
            .ok_or(LinkError::Malformed)?;
        let signature = decode(signature)?;
        let is_signed_with = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(signed.as_bytes());
            mac.verify_slice(&signature).is_ok()
        };
        if !self.keys.iter().any(is_signed_with) {
            return Err(LinkError::Signature);
        }
        serde_json::from_slice(&decode(claims)?).map_err(|_| LinkError::Malformed)
    }

    fn address(&self, base: &Url, path: &str, claims: &NoChange) -> Url {
        let mut address = base.clone();
        let prefix = base.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{prefix}{path}"));
        address.set_fragment(None);
        address
            .query_pairs_mut()
            .clear()
            .append_pair("link", &self.sign(claims));
        address
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        // The claims are texts and a number, which JSON takes; an empty text would open nothing.
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        let signed = format!("{VERSION}.{}", URL_SAFE_NO_PAD.encode(claims));
        // There is always a first one, since splitting a text gives at least one part.
        let mac = self.keys.first().cloned().map(|mut mac| {
            mac.update(signed.as_bytes());
            mac.finalize().into_bytes()
        });
        let signature = URL_SAFE_NO_PAD.encode(mac.unwrap_or_default());
        format!("{signed}.{signature}")
    }
}

impl fmt::Debug for SignedLinks {
    /// The key stays out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedLinks").finish_non_exhaustive()
    }
}

fn in_time(until: i64, now: Timestamp) -> Result<(), LinkError> {
    let until = Timestamp::from_unix(until);
    if now > until {
        return Err(LinkError::Expired(until));
    }
    Ok(())
}

fn decode(text: &str) -> Result<Vec<u8>, LinkError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| LinkError::Malformed)
}
