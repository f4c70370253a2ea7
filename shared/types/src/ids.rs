//! Identifiers that carry their kind, checked once where they come in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Timestamp, chance};

/// Why a string is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not {expected}")]
pub struct IdError {
    /// What a right one looks like.
    pub expected: &'static str,
}

/// Stripe allows ids of up to 255 characters and advises to allow for that.
const LONGEST_ID: usize = 255;

fn has_form(text: &str, prefix: &str) -> bool {
    text.len() <= LONGEST_ID
        && text.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if has_form(text, $prefix) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

prefixed_id!(
    /// A Stripe Customer, `cus_...`.
    CustomerId, "cus_", "a Stripe customer id (cus_...)"
);
prefixed_id!(
    /// A Stripe SetupIntent, `seti_...`.
    SetupIntentId, "seti_", "a Stripe SetupIntent id (seti_...)"
);
prefixed_id!(
    /// A Stripe PaymentIntent, `pi_...`.
    PaymentIntentId, "pi_", "a Stripe PaymentIntent id (pi_...)"
);
prefixed_id!(
    /// A Stripe PaymentMethod, `pm_...`.
    PaymentMethodId, "pm_", "a Stripe PaymentMethod id (pm_...)"
);
prefixed_id!(
    /// A Stripe Subscription, `sub_...`.
    SubscriptionId, "sub_", "a Stripe subscription id (sub_...)"
);
prefixed_id!(
    /// A Stripe Price, `price_...`.
    PriceId, "price_", "a Stripe price id (price_...)"
);
prefixed_id!(
    /// A promotion code of Stripe, `promo_...`: what a shopper types in to redeem a coupon.
    PromotionCodeId, "promo_", "a Stripe promotion code id (promo_...)"
);
prefixed_id!(
    /// A Stripe Event, `evt_...`.
    EventId, "evt_", "a Stripe event id (evt_...)"
);
prefixed_id!(
    /// One shopper's attempt to subscribe, `chk_...`; the shop's page knows it as the checkout.
    AttemptId, "chk_", "a checkout id (chk_...)"
);

impl AttemptId {
    /// A new id, in the order of `now` to the second and random below it.
    pub fn generate(now: Timestamp) -> Self {
        Self(format!("chk_{}", chance::ulid(now).to_ascii_lowercase()))
    }

    /// No attempt of `time` or later has a lower id.
    pub fn earliest(time: Timestamp) -> Self {
        let millis = u64::try_from(time.unix()).unwrap_or(0).saturating_mul(1000);
        let id = ulid::Ulid::from_parts(millis, 0).to_string();
        Self(format!("chk_{}", id.to_ascii_lowercase()))
    }
}

/// The shop's own user: the `sub` of the verified token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// `OpenID` Connect limits `sub` to 255 ASCII characters (Core 1.0, section 2).
const LONGEST_USER: usize = 255;

impl UserId {
    /// The user as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // A space at either end is not seen by whoever compares two names, so `alice ` is refused and
        // not a second user beside `alice`.
        let fits = !text.is_empty() && text.trim() == text && text.len() <= LONGEST_USER;
        if fits && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                expected: "a user id (1 to 255 printable ASCII characters, with no space at either end)",
            })
        }
    }
}

impl TryFrom<String> for UserId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> String {
        id.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused() {
        for (text, right) in [
            ("cus_123", true),
            ("cus_", false),
            ("sub_123", false),
            ("cus_12 3", false),
            ("cus_1\u{e9}", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<CustomerId>().is_ok(), right, "{text:?}");
        }
        assert!(
            format!("cus_{}", "a".repeat(252))
                .parse::<CustomerId>()
                .is_err()
        );
    }

    #[test]
    fn a_user_is_printable_and_bounded() {
        assert!("auth0|5f7c".parse::<UserId>().is_ok());
        assert!("alice of example".parse::<UserId>().is_ok());
        for text in [
            "",
            "   ",
            "a\nb",
            "\u{202e}alice",
            "alice ",
            " alice",
            "alice\t",
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text:?}");
        }
        assert!("a".repeat(256).parse::<UserId>().is_err());
    }

    #[test]
    fn attempts_sort_by_their_time() {
        let time = Timestamp::from_unix(1_790_000_000);
        let (before, at) = (
            AttemptId::generate(time.plus_seconds(-1)),
            AttemptId::generate(time),
        );
        let earliest = AttemptId::earliest(time);
        assert!(before < earliest && earliest <= at);
        assert_eq!(earliest.as_str().parse::<AttemptId>().unwrap(), earliest);
    }

    #[test]
    fn generated_attempts_are_well_formed_and_differ() {
        let now = Timestamp::from_unix(1_790_000_000);
        let (a, b) = (AttemptId::generate(now), AttemptId::generate(now));
        assert_ne!(a, b);
        assert_eq!(a.as_str().parse::<AttemptId>().unwrap(), a);
    }
}
