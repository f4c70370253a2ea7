//! Stripe's signature (<https://docs.stripe.com/webhooks#verify-manually>).

use hmac::{Hmac, KeyInit as _, Mac};
use perennial_types::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

/// How far the clock of the signature may be from ours, in either direction. Stripe's libraries
/// allow 300 seconds into the past; nothing honest comes from the future.
pub const TOLERANCE_SECONDS: i64 = 300;

/// More signatures than Stripe sends while a secret is rolled; each costs a hash.
const MOST_SIGNATURES: usize = 16;

/// Why a signature does not hold. None of the texts helps in making one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// No header.
    #[error("the Stripe-Signature header is missing")]
    Missing,
    /// No timestamp, or no `v1`.
    #[error("the Stripe-Signature header has no timestamp or no v1 signature")]
    Malformed,
    /// Too old, or from the future.
    #[error("the signature's timestamp is more than 300 seconds from now")]
    Stale,
    /// Not ours.
    #[error("the signature is not one of this endpoint's secrets over this body")]
    Wrong,
}

/// Checks the header against every secret, over the bytes as they came. `v1` alone counts: `v0` is
/// a signature that Stripe fakes for tests.
pub fn verify(
    body: &[u8],
    header: &str,
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if header.trim().is_empty() {
        return Err(SignatureError::Missing);
    }
    let mut timestamp = None;
    let mut signatures: Vec<[u8; 32]> = Vec::new();
    for element in header.split(',') {
        let Some((scheme, value)) = element.trim().split_once('=') else {
            continue;
        };
        match scheme {
            "t" => timestamp = Some(value),
            "v1" if signatures.len() < MOST_SIGNATURES => {
                let mut bytes = [0; 32];
                if hex::decode_to_slice(value, &mut bytes).is_ok() {
                    signatures.push(bytes);
                }
            }
            _ => {}
        }
    }
    let (Some(text), false) = (timestamp, signatures.is_empty()) else {
        return Err(SignatureError::Malformed);
    };
    let seconds: i64 = text.parse().map_err(|_| SignatureError::Malformed)?;
    if now.unix().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    let mut matches = Choice::from(0);
    for secret in secrets {
        let expected = sign(secret, text, body);
        for signature in &signatures {
            matches |= expected.ct_eq(signature);
        }
    }
    if bool::from(matches) {
        Ok(())
    } else {
        Err(SignatureError::Wrong)
    }
}

/// The key is the whole secret, with `whsec_`, as Stripe's libraries use it.
fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let key = secret.expose_secret().as_bytes();
    // A key of any length is allowed, so this cannot fail; an error would match nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = "{\"id\":\"evt_1\",\"name\":\"J\u{f6}rg\"}".as_bytes();
    const NOW: i64 = 1_793_000_000;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    fn v1(key: &str, at: i64, body: &[u8]) -> String {
        hex::encode(sign(&secret(key), &at.to_string(), body))
    }

    fn check(header: &str, secrets: &[&str]) -> Result<(), SignatureError> {
        let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
        verify(BODY, header, &secrets, Timestamp::from_unix(NOW))
    }

    #[test]
    fn the_signature_is_the_one_that_hmac_sha256_gives() {
        // printf '1793000000.{}' | openssl dgst -sha256 -hmac whsec_test_secret
        let expected = "96c958acc778614711059687d2f0d9feed8943d7ab7ae29fddf2a7c5caa4f9f3";
        assert_eq!(v1("whsec_test_secret", NOW, b"{}"), expected);
    }

    #[test]
    fn any_secret_may_match_any_v1() {
        let (old, new) = ("whsec_old_secret", "whsec_new_secret");
        let (a, b) = (v1(old, NOW, BODY), v1(new, NOW, BODY));
        let rolled = format!("t={NOW},v1={a},v1={b}");
        assert_eq!(check(&rolled, &[old]), Ok(()));
        assert_eq!(check(&rolled, &[new]), Ok(()));
        assert_eq!(check(&format!("t={NOW},v1={a}"), &[new, old]), Ok(()));
        let strange = format!("t={NOW},nonsense,v2=x,v1=zz,v1={a}");
        assert_eq!(check(&strange, &[old]), Ok(()));
    }

    #[test]
    fn no_more_signatures_are_compared_than_stripe_sends() {
        let key = "whsec_test_secret";
        let (wrong, right) = ("0".repeat(64), v1(key, NOW, BODY));
        let after = |others: usize| {
            format!(
                "t={NOW}{},v1={right}",
                format!(",v1={wrong}").repeat(others)
            )
        };
        assert_eq!(check(&after(MOST_SIGNATURES - 1), &[key]), Ok(()));
        assert_eq!(
            check(&after(MOST_SIGNATURES), &[key]),
            Err(SignatureError::Wrong)
        );
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        let key = "whsec_test_secret";
        let good = v1(key, NOW, BODY);
        for (header, expected) in [
            (String::new(), SignatureError::Missing),
            ("   ".to_owned(), SignatureError::Missing),
            (format!("v1={good}"), SignatureError::Malformed),
            (format!("t={NOW}"), SignatureError::Malformed),
            (format!("t=now,v1={good}"), SignatureError::Malformed),
            (format!("t={NOW},v0={good}"), SignatureError::Malformed),
            (
                format!("t={NOW},v1={}", v1("whsec_other_one", NOW, BODY)),
                SignatureError::Wrong,
            ),
            (
                format!("t={NOW},v1={}", v1(key, NOW, b"{}")),
                SignatureError::Wrong,
            ),
            (format!("t={},v1={good}", NOW - 1), SignatureError::Wrong),
            (
                format!("t={NOW},v1={}", good.get(..62).unwrap()),
                SignatureError::Malformed,
            ),
        ] {
            assert_eq!(check(&header, &[key]), Err(expected), "{header}");
        }
    }

    #[test]
    fn the_clock_may_differ_by_five_minutes_either_way() {
        let key = "whsec_test_secret";
        for (offset, expected) in [
            (-300, Ok(())),
            (300, Ok(())),
            (-301, Err(SignatureError::Stale)),
            (301, Err(SignatureError::Stale)),
            (i64::MIN / 2, Err(SignatureError::Stale)),
        ] {
            let at = NOW.saturating_add(offset);
            let header = format!("t={at},v1={}", v1(key, at, BODY));
            assert_eq!(check(&header, &[key]), expected, "{offset}");
        }
    }

    #[test]
    fn without_a_secret_nothing_holds() {
        let header = format!("t={NOW},v1={}", v1("", NOW, BODY));
        assert_eq!(check(&header, &[]), Err(SignatureError::Wrong));
    }
}
