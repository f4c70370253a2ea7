//! The `Stripe-Signature` header.
//!
//! <https://docs.stripe.com/webhooks#verify-manually>

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

/// The header for a body that is sent at this time: one `v1` for each secret that is valid now.
///
/// The key is the whole secret with its `whsec_`, as Stripe's libraries use it.
pub fn header(secrets: &[String], seconds: i64, body: &[u8]) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        // An HMAC takes a key of any length, so there is no error to report.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            continue;
        };
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        header.push_str(",v1=");
        header.push_str(&hex::encode(mac.finalize().into_bytes()));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn each_secret_signs_the_time_and_the_body() {
        // Computed with: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91,v1=2a630fb62d83c712b7c3b6fc1dec6df3ef803228a2223a912c109f39e17c6983";
        let secrets = ["whsec_test".to_owned(), "whsec_old".to_owned()];
        assert_eq!(header(&secrets, 1_700_000_000, b"{}"), expected);
    }
}
