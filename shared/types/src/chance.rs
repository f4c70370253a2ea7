//! Chance, from one place, so that a trial can repeat it.
//!
//! Ids, the names of lease holders and the pauses between two attempts come from the system's random
//! source. A thread that was given a seed draws the same numbers in the same order each time.

use std::cell::Cell;

use time::OffsetDateTime;

use crate::Timestamp;

thread_local! {
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From here on, what this thread draws comes of the seed alone. It is for trials: whoever knows the
/// seed knows every id.
pub fn seed(seed: u64) {
    SEEDED.set(Some(seed));
}

/// 64 random bits.
pub fn draw() -> u64 {
    SEEDED.get().map_or_else(from_system, |state| {
        let (state, drawn) = next(state);
        SEEDED.set(Some(state));
        drawn
    })
}

/// A ULID of this moment. The part of the second is that of the machine's clock, so that ids of one
/// process sort by their time; with a seed it is 0.
pub fn ulid(now: Timestamp) -> String {
    let seconds = u64::try_from(now.unix()).unwrap_or(0);
    let part = SEEDED.get().map_or_else(part_of_second, |_| 0);
    let millis = seconds.saturating_mul(1000).saturating_add(part);
    let random = (u128::from(draw()) << 64) | u128::from(draw());
    ulid::Ulid::from_parts(millis, random).to_string()
}

#[allow(
    clippy::disallowed_methods,
    reason = "no decision depends on the part of a second"
)]
fn part_of_second() -> u64 {
    u64::from(OffsetDateTime::now_utc().millisecond())
}

#[expect(
    clippy::expect_used,
    reason = "two equal ids are worse than an invocation that ends"
)]
fn from_system() -> u64 {
    getrandom::u64().expect("the system has a random source")
}

/// `SplitMix64`: the next state, and the number that is drawn.
fn next(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state, mixed ^ (mixed >> 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(first: Option<u64>) -> Vec<u64> {
        std::thread::spawn(move || {
            if let Some(first) = first {
                seed(first);
            }
            (0..8).map(|_| draw()).collect()
        })
        .join()
        .unwrap()
    }

    #[test]
    fn a_seed_repeats_what_a_thread_draws_and_nothing_else_does() {
        assert_eq!(drawn(Some(7)), drawn(Some(7)));
        assert_ne!(drawn(Some(7)), drawn(Some(8)));
        assert_ne!(drawn(None), drawn(None));
    }

    #[test]
    fn ids_of_one_second_sort_by_the_machines_clock() {
        let now = Timestamp::from_unix(1_793_000_000);
        let part = || {
            std::thread::sleep(std::time::Duration::from_millis(3));
            ulid(now).parse::<ulid::Ulid>().unwrap().timestamp_ms() % 1000
        };
        let parts: std::collections::BTreeSet<u64> = (0..10).map(|_| part()).collect();
        assert!(parts.len() > 1, "{parts:?}");
    }

    /// The first numbers of its authors' program for this seed (<https://prng.di.unimi.it/splitmix64.c>).
    #[test]
    fn a_seed_draws_what_splitmix64_draws() {
        let mut state = 1_234_567;
        let drawn = std::iter::repeat_with(|| {
            let (after, drawn) = next(state);
            state = after;
            drawn
        });
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(drawn.take(5).collect::<Vec<u64>>(), expected);
    }

    #[test]
    fn an_id_has_both_numbers_that_are_drawn_for_it() {
        let ids = std::thread::spawn(|| {
            seed(7);
            let drawn = [draw(), draw()];
            seed(7);
            (drawn, ulid(Timestamp::from_unix(0)))
        });
        let ([first, second], id) = ids.join().unwrap();
        let random = id.parse::<ulid::Ulid>().unwrap().random();
        assert_eq!(random & u128::from(u64::MAX), u128::from(second));
        // An id has 80 random bits.
        assert_eq!(random >> 64, u128::from(first & 0xffff));
    }

    #[test]
    fn a_ulid_begins_with_its_time() {
        let now = Timestamp::from_unix(1_793_000_000);
        let (first, second) = (ulid(now), ulid(now));
        assert_ne!(first, second);
        for id in [first, second] {
            let id: ulid::Ulid = id.parse().unwrap();
            assert_eq!(id.timestamp_ms() / 1000, 1_793_000_000);
        }
    }
}
