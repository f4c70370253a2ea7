//! The time of a sweep.

use std::time::Duration;

use tokio::time::Instant;

/// How long a sweep may take, and how quickly it may ask Stripe.
#[derive(Debug, Clone, Copy)]
pub struct SweepBudget {
    /// When to stop.
    pub until: Instant,
    /// The least time between two objects that are asked for.
    pub pace: Duration,
}

impl SweepBudget {
    /// Ten objects a second cost at most a fifth of Stripe's limit of 100 requests a second
    /// (<https://docs.stripe.com/rate-limits>), and leave shoppers the rest.
    pub const PACE: Duration = Duration::from_millis(100);

    /// A slice of this length, at the usual pace.
    pub fn of(length: Duration) -> Self {
        Self {
            until: Instant::now() + length,
            pace: Self::PACE,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    pub(crate) async fn pause(&self) {
        tokio::time::sleep(self.pace).await;
    }
}
