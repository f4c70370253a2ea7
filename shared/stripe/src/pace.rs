//! How fast background work calls Stripe.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// However often Stripe refuses, a call goes out after this long. Ten that wait for each other still have
/// their turn within the time of a request.
const LONGEST_GAP: Duration = Duration::from_millis(500);

/// At most so many attempts a second from all that share it, and fewer for a while after Stripe has
/// answered 429. An account may make 100 calls a second with a live key, and shoppers need some of them
/// (<https://docs.stripe.com/rate-limits>).
#[derive(Debug)]
pub struct Pace {
    shortest: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next attempt may go out.
    next: Option<Instant>,
    gap: Duration,
}

impl Pace {
    /// At most this many a second.
    pub fn per_second(attempts: NonZeroU32) -> Self {
        let shortest = Duration::from_secs(1) / attempts.get();
        let state = State {
            next: None,
            gap: shortest,
        };
        Self {
            shortest,
            state: Mutex::new(state),
        }
    }

    /// Waits until it is this attempt's turn. False, and at once, if that is not before `latest`: a turn
    /// that cannot be used would only keep the others waiting.
    pub(crate) async fn turn(&self, latest: Instant) -> bool {
        let at = {
            let mut state = self.state();
            let now = Instant::now();
            let at = state.next.map_or(now, |next| next.max(now));
            if at > latest {
                return false;
            }
            state.next = Some(at + state.gap);
            at
        };
        tokio::time::sleep_until(at).await;
        true
    }

    /// What Stripe has answered an attempt. A refusal for the number of calls halves the pace, and each
    /// other answer gives a part of it back.
    pub(crate) fn learn(&self, is_too_fast: bool) {
        let mut state = self.state();
        let gap = if is_too_fast {
            (state.gap * 2).min(LONGEST_GAP)
        } else {
            state.gap.mul_f64(15.0 / 16.0)
        };
        state.gap = gap.max(self.shortest);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn takes(pace: &Pace, turns: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..turns {
            assert!(pace.turn(began + Duration::from_mins(1)).await);
        }
        began.elapsed()
    }

    fn ten_a_second() -> Pace {
        Pace::per_second(NonZeroU32::new(10).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn eleven_attempts_take_a_second_at_ten_a_second() {
        assert_eq!(takes(&ten_a_second(), 11).await, Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_without_attempts_is_not_made_up_for() {
        let pace = ten_a_second();
        takes(&pace, 1).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(takes(&pace, 11).await, Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_comes_too_late_is_not_taken_from_the_others() {
        let pace = ten_a_second();
        let latest = Instant::now() + Duration::from_millis(150);
        assert!(pace.turn(latest).await);
        let began = Instant::now();
        let late = began + Duration::from_millis(50);
        assert!(!pace.turn(late).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(pace.turn(latest).await);
        assert_eq!(began.elapsed(), Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_slow_it_down_to_a_limit_and_answers_speed_it_up_again() {
        let pace = ten_a_second();
        pace.learn(true);
        takes(&pace, 1).await;
        assert_eq!(takes(&pace, 1).await, Duration::from_millis(200));
        for _ in 0..20 {
            pace.learn(true);
        }
        assert_eq!(pace.state().gap, LONGEST_GAP);
        for _ in 0..100 {
            pace.learn(false);
        }
        assert_eq!(pace.state().gap, Duration::from_millis(100));
    }
}
