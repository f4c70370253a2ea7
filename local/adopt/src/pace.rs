//! How many calls a second.

use std::time::Duration;

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// A turn for each call, evenly apart, and a pause for all after a refusal for too many.
#[derive(Debug)]
pub(crate) struct Pace {
    apart: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// So many a second, at least one in ten seconds.
    pub(crate) fn of(a_second: f64) -> Self {
        Self {
            apart: Duration::from_secs_f64(1.0 / a_second.max(0.1)),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) {
        let mut next = self.next.lock().await;
        let at = (*next).max(Instant::now());
        *next = at + self.apart;
        drop(next);
        sleep_until(at).await;
    }

    /// Lets nobody have a turn for this long.
    pub(crate) async fn pause(&self, length: Duration) {
        let mut next = self.next.lock().await;
        *next = (*next).max(Instant::now() + length);
    }
}
