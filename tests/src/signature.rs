//! Signing a webhook as Stripe does, written from Stripe's documents and not with our own code.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The `Stripe-Signature` header of a body, as of now and some seconds.
#[allow(clippy::disallowed_methods, reason = "Stripe has a clock of its own")]
pub fn sign(secret: &str, body: &[u8], seconds_from_now: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    let at = i64::try_from(now.as_secs()).expect("it is before the end of time") + seconds_from_now;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}
