//! By what a repeated request of the shop's servers is known.

use perennial_http::{ApiError, Request};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// As long as Stripe allows for its own.
const LONGEST_KEY: usize = 255;

/// The idempotency key, hashed, since the shop may have put a name in it. The caller is in the hash:
/// the keys of one AWS identity say nothing about those of another.
pub fn request_key(request: &Request) -> Result<String, ApiError> {
    let key = request.header("idempotency-key").unwrap_or_default().trim();
    if key.is_empty() && !request.headers.contains_key("idempotency-key") {
        return Err(ApiError::new(
            400,
            "idempotency_key_required",
            "Send an Idempotency-Key header: a text of your own that is the same when this request is repeated, such as the id of the order.",
        ));
    }
    let fits = (1..=LONGEST_KEY).contains(&key.len());
    if !fits || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ApiError::new(
            400,
            "invalid_idempotency_key",
            "An Idempotency-Key is 1 to 255 visible ASCII characters.",
        ));
    }
    // Otherwise a signature that was overheard could be sent again under another key.
    if request.signature_covers("idempotency-key") == Some(false) {
        return Err(ApiError::new(
            400,
            "idempotency_key_unsigned",
            "The signature does not cover the Idempotency-Key: add it to the signed headers of AWS Signature Version 4.",
        ));
    }
    let caller = request.caller().unwrap_or_default();
    Ok(hash(&[caller.as_bytes(), key.as_bytes()]))
}

/// What is asked for, and of which `subject`, hashed. It is made of what was understood, so that spaces do not
/// matter.
pub fn request_fingerprint(
    request: &Request,
    subject: &str,
    ask: &impl Serialize,
) -> Result<String, ApiError> {
    let body = serde_json::to_vec(ask).map_err(|error| {
        ApiError::new(
            500,
            "unreadable_request",
            "The request cannot be told apart from others.",
        )
        .because(error)
    })?;
    Ok(hash(&[request.route.as_bytes(), subject.as_bytes(), &body]))
}

/// What is said of an id of Stripe that has not its form.
pub fn not_an_id(name: &str, form: &str) -> ApiError {
    let why = format!("\"{name}\" is an id of Stripe, {form}.");
    ApiError::new(400, "invalid_field", why)
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps the end of one part from being the beginning of the next.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
