//! Random ids and secrets in Stripe's form.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits from the system's random source.
pub(crate) fn random(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    // Without randomness two ids would collide, which is worse than a sandbox that stops.
    #[expect(
        clippy::expect_used,
        reason = "there is no safe way on without a random source"
    )]
    getrandom::fill(&mut bytes).expect("the system has a random source");
    bytes
        .iter()
        .map(|byte| char::from(*ALPHABET.get(usize::from(*byte) % 62).unwrap_or(&b'0')))
        .collect()
}

/// An id such as `seti_1...`; customers and products have shorter ones at Stripe, and so here.
pub(crate) fn id(prefix: &str) -> String {
    let length = if matches!(prefix, "cus" | "prod" | "si") {
        14
    } else {
        24
    };
    format!("{prefix}_{}", random(length))
}

/// The client secret of an intent, which holds the intent's id.
pub(crate) fn client_secret(intent: &str) -> String {
    format!("{intent}_secret_{}", random(25))
}
