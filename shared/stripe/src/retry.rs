//! When a call is made again, and after which pause.
//!
//! The rules are those of Stripe's own libraries. A 429 is not among the repeats: whoever meets a
//! limit makes it worse by insisting, and the caller knows better what can wait.

use std::time::Duration;

use perennial_types::chance;

/// Stripe's libraries never wait longer than this between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether the same request is worth sending again.
///
/// `status` is absent when no complete answer came; `asked` is Stripe's own wish.
pub(crate) fn is_worthwhile(status: Option<u16>, asked: Option<bool>) -> bool {
    match (status, asked) {
        (None, _) => true,
        (Some(_), Some(asked)) => asked,
        (Some(status), None) => status == 409 || status >= 500,
    }
}

/// The pause before retry number `retry`, from 1, with `jitter` between 0 and 1.
pub(crate) fn pause(base: Duration, retry: u32, jitter: f64) -> Duration {
    let doubled = base.saturating_mul(
        1_u32
            .checked_shl(retry.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    let longest = LONGEST_PAUSE.max(base);
    let full = doubled.min(longest);
    full.mul_f64(0.5 * (1.0 + jitter.clamp(0.0, 1.0))).max(base)
}

/// A random number between 0 and 1.
pub(crate) fn jitter() -> f64 {
    let bits = u32::try_from(chance::draw() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_follows_stripes_libraries() {
        for (status, asked, expected) in [
            (None, None, true),
            (Some(409), None, true),
            (Some(500), None, true),
            (Some(503), None, true),
            (Some(429), None, false),
            (Some(400), None, false),
            (Some(402), None, false),
            (Some(200), None, false),
            (Some(429), Some(true), true),
            (Some(500), Some(false), false),
            (Some(409), Some(false), false),
        ] {
            assert_eq!(
                is_worthwhile(status, asked),
                expected,
                "{status:?} {asked:?}"
            );
        }
    }

    #[test]
    fn pauses_double_up_to_five_seconds_and_are_never_shorter_than_the_base() {
        let base = Duration::from_millis(500);
        for (retry, jitter, expected_ms) in [
            (1, 0.0, 500),
            (1, 1.0, 500),
            (2, 0.0, 500),
            (2, 1.0, 1000),
            (3, 0.5, 1500),
            (4, 1.0, 4000),
            (5, 1.0, 5000),
            (40, 1.0, 5000),
            (0, 1.0, 500),
        ] {
            assert_eq!(
                pause(base, retry, jitter),
                Duration::from_millis(expected_ms),
                "retry {retry}, jitter {jitter}"
            );
        }
    }

    #[test]
    fn jitter_is_a_fraction() {
        assert!((0..100).map(|_| jitter()).all(|j| (0.0..=1.0).contains(&j)));
    }
}
