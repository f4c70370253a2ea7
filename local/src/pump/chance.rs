//! What AWS leaves open, decided by a number, so that it can be decided the same way again.

/// A sequence of choices. Without a seed, each is the first one.
#[derive(Debug, Clone)]
pub(super) struct Chance(Option<u64>);

impl Chance {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(seed)
    }

    /// A number below `limit`, which is at least 1.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let Some(state) = &mut self.0 else {
            return 0;
        };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(mixed(*state) % limit).unwrap_or_default()
    }
}

/// Which of `places` a name belongs to, always the same for the same seed.
pub(super) fn place(seed: Option<u64>, name: &str, places: usize) -> usize {
    let start = seed.unwrap_or_default();
    let hash = name
        .bytes()
        .fold(start, |hash, byte| mixed(hash ^ u64::from(byte)));
    let places = u64::try_from(places.max(1)).unwrap_or(u64::MAX);
    usize::try_from(hash % places).unwrap_or_default()
}

/// The finalizer of `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
