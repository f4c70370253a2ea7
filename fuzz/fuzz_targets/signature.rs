//! `secret|time|body|header`: what the key signed holds, and nothing else does.

#![no_main]

use hmac::{Hmac, KeyInit as _, Mac};
use libfuzzer_sys::fuzz_target;
use perennial_fuzz::{fields, text};
use perennial_inbox::{SignatureError, TOLERANCE_SECONDS, verify};
use perennial_types::Timestamp;
use secrecy::SecretString;
use sha2::Sha256;

/// Stripe's rule, written a second time.
fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(&[time.as_bytes(), b".", body].concat());
    hex::encode(mac.finalize().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    let [secret, time, body, header] = fields(data);
    let (secret, header) = (&*text(secret), &*text(header));
    // Far from the ends of i64, where a moment that is too late could not be written.
    let time = text(time).parse::<i64>().unwrap_or(0) / 2;
    let check = |body: &[u8], header: &str, secrets: &[&str], now: i64| {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::from(*s)).collect();
        verify(body, header, &secrets, Timestamp::from_unix(now))
    };

    a_header_that_holds_was_signed(header, secret, body, check(body, header, &[secret], time));

    let v1 = sign(secret, &time.to_string(), body);
    let good = format!("t={time},v1={v1}");
    for now in [time, time - TOLERANCE_SECONDS, time + TOLERANCE_SECONDS] {
        assert_eq!(check(body, &good, &[secret], now), Ok(()));
    }
    for now in [time - TOLERANCE_SECONDS - 1, time + TOLERANCE_SECONDS + 1] {
        assert_eq!(
            check(body, &good, &[secret], now),
            Err(SignatureError::Stale)
        );
    }

    let wrong = Err(SignatureError::Wrong);
    let other = &format!("{secret}x");
    assert_eq!(check(body, &good, &[other, secret], time), Ok(()));
    assert_eq!(check(body, &good, &[other], time), wrong);
    assert_eq!(check(body, &good, &[], time), wrong);

    // Elements of other schemes, or of another secret, neither help nor harm.
    let strange = header.replace(',', ";");
    let rolled = format!("{strange},t={time},v1={},v1={v1}", "0".repeat(64));
    assert_eq!(check(body, &rolled, &[secret], time), Ok(()));

    for later in [time - 1, time + 1] {
        let moved = format!("t={later},v1={v1}");
        assert_eq!(check(body, &moved, &[secret], time), wrong);
    }

    let mut changed = body.to_vec();
    for place in places(body.len(), data.len()) {
        changed[place] ^= 1 << (place % 8);
        assert_eq!(check(&changed, &good, &[secret], time), wrong);
        changed[place] = body[place];
    }
    changed.push(0);
    assert_eq!(check(&changed, &good, &[secret], time), wrong);

    let mut signature = hex::decode(&v1).expect("it was just encoded");
    let place = data.len() % signature.len();
    signature[place] ^= 1 << (data.len() % 8);
    let forged = format!("t={time},v1={}", hex::encode(&signature));
    assert_eq!(check(body, &forged, &[secret], time), wrong);
});

/// The ends and a few places between, other ones for each input.
fn places(len: usize, salt: usize) -> impl Iterator<Item = usize> {
    let last = len.saturating_sub(1);
    [0, last, salt % len.max(1), (salt * 31) % len.max(1)]
        .into_iter()
        .filter(move |place| *place < len)
}

fn a_header_that_holds_was_signed(
    header: &str,
    secret: &str,
    body: &[u8],
    answer: Result<(), SignatureError>,
) {
    let has = |name: &str, value: &str| {
        header.split(',').any(|element| {
            let (scheme, found) = element.trim().split_once('=').unwrap_or_default();
            scheme == name && found.eq_ignore_ascii_case(value)
        })
    };
    let signed = header
        .split(',')
        .filter_map(|element| element.trim().strip_prefix("t="))
        .any(|time| has("v1", &sign(secret, time, body)));
    if answer.is_ok() {
        assert!(signed, "accepted without a signature: {header:?}");
    }
    if answer == Err(SignatureError::Missing) {
        assert!(header.trim().is_empty());
    }
}
