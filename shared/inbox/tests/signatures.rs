//! Of any secret, body and time: what was signed holds, and no change of it does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hmac::{Hmac, KeyInit as _, Mac};
use perennial_inbox::{SignatureError, TOLERANCE_SECONDS, verify};
use perennial_types::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;
use sha2::Sha256;

/// A delivery as Stripe signs it.
#[derive(Debug, Clone)]
struct Delivery {
    secret: String,
    time: i64,
    body: Vec<u8>,
}

impl Delivery {
    fn signature(&self) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("{}.", self.time).as_bytes());
        mac.update(&self.body);
        mac.finalize().into_bytes().into()
    }

    fn header(&self) -> String {
        format!("t={},v1={}", self.time, hex::encode(self.signature()))
    }

    fn check(&self, header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let secrets = [SecretString::from(self.secret.clone())];
        verify(body, header, &secrets, Timestamp::from_unix(now))
    }
}

fn deliveries() -> impl Strategy<Value = Delivery> {
    let bodies = prop::collection::vec(any::<u8>(), 1..200);
    ("whsec_[!-~]{0,80}", 0_i64..253_402_300_799, bodies)
        .prop_map(|(secret, time, body)| Delivery { secret, time, body })
}

proptest! {
    #[test]
    fn what_was_signed_holds_within_the_tolerance_and_is_stale_beyond(
        it in deliveries(),
        within in -TOLERANCE_SECONDS..=TOLERANCE_SECONDS,
        beyond in TOLERANCE_SECONDS + 1..i64::MAX / 2,
    ) {
        let header = it.header();
        prop_assert_eq!(it.check(&header, &it.body, it.time + within), Ok(()));
        for now in [it.time - beyond, it.time + beyond] {
            prop_assert_eq!(it.check(&header, &it.body, now), Err(SignatureError::Stale));
        }
    }

    #[test]
    fn a_changed_byte_of_the_body_does_not_hold(
        it in deliveries(),
        place in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut body = it.body.clone();
        body[place.index(it.body.len())] ^= change;
        prop_assert_eq!(it.check(&it.header(), &body, it.time), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_body_that_is_cut_or_longer_does_not_hold(it in deliveries(), more in any::<u8>()) {
        let cut = &it.body[..it.body.len() - 1];
        let longer = [&*it.body, &[more]].concat();
        for body in [cut, &longer] {
            prop_assert_eq!(it.check(&it.header(), body, it.time), Err(SignatureError::Wrong));
        }
    }

    #[test]
    fn a_changed_time_does_not_hold(
        it in deliveries(),
        offset in prop_oneof![-TOLERANCE_SECONDS..0, 1..=TOLERANCE_SECONDS],
    ) {
        let moved = it.time + offset;
        let header = format!("t={moved},v1={}", hex::encode(it.signature()));
        prop_assert_eq!(it.check(&header, &it.body, moved), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_changed_bit_of_the_signature_does_not_hold(
        it in deliveries(),
        place in 0_usize..32,
        bit in 0_u8..8,
    ) {
        let mut signature = it.signature();
        signature[place] ^= 1 << bit;
        let header = format!("t={},v1={}", it.time, hex::encode(signature));
        prop_assert_eq!(it.check(&header, &it.body, it.time), Err(SignatureError::Wrong));
    }

    #[test]
    fn the_signature_of_another_secret_does_not_hold(it in deliveries(), more in "[!-~]{1,8}") {
        let secret = format!("{}{more}", it.secret);
        let other = Delivery { secret, ..it.clone() };
        prop_assert_eq!(other.check(&it.header(), &it.body, it.time), Err(SignatureError::Wrong));
        prop_assert_eq!(it.check(&other.header(), &it.body, it.time), Err(SignatureError::Wrong));
    }

    #[test]
    fn elements_of_other_schemes_and_secrets_change_nothing(
        it in deliveries(),
        strange in "[^,]{0,20}",
        other in any::<[u8; 32]>(),
    ) {
        let header = format!("{strange},v1={},{},v0={strange}", hex::encode(other), it.header());
        prop_assert_eq!(it.check(&header, &it.body, it.time), Ok(()));
    }

    #[test]
    fn no_header_that_was_not_signed_holds(
        it in deliveries(),
        header in prop_oneof![any::<String>(), "(t=[0-9]{0,20}|v1=[0-9a-f]{0,64}|[tv=,1]{1,4}|,){0,12}"],
    ) {
        prop_assert!(it.check(&header, &it.body, it.time).is_err());
    }
}
