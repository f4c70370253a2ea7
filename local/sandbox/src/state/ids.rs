//! Random ids and secrets in Stripe's form.

use std::cell::Cell;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

thread_local! {
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From here on, the ids that this thread makes come of the seed, so that a trial can repeat them.
pub(crate) fn seed(seed: u64) {
    SEEDED.set(Some(seed));
}

/// Letters and digits from the system's random source, or of the seed.
pub(crate) fn random(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    if let Some(state) = SEEDED.get() {
        SEEDED.set(Some(fill(state, &mut bytes)));
    } else {
        // Without randomness two ids would collide, which is worse than a sandbox that stops.
        #[expect(
            clippy::expect_used,
            reason = "there is no safe way on without a random source"
        )]
        getrandom::fill(&mut bytes).expect("the system has a random source");
    }
    bytes
        .iter()
        .map(|byte| char::from(*ALPHABET.get(usize::from(*byte) % 62).unwrap_or(&b'0')))
        .collect()
}

/// `SplitMix64`; gives the state after it.
fn fill(mut state: u64, bytes: &mut [u8]) -> u64 {
    for part in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        for (byte, random) in part.iter_mut().zip(mixed.to_le_bytes()) {
            *byte = random;
        }
    }
    state
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
