//! Finding what nobody has finished, and what nobody has been told.
//!
//! Every sweep works in slices: it stops when its time is up and goes on from there the next time.
//! Two runs at once do no harm, since each step is one that several may take.

mod checkouts;
mod inbox;
mod lost_setups;
mod missed_events;
mod subscriptions;

use std::time::Duration;

pub use checkouts::SweptCheckouts;
pub use inbox::SweptInbox;
pub use lost_setups::SweptSetups;
pub use missed_events::SweptEvents;
pub use subscriptions::ComparedSubscriptions;
use tokio::time::Instant;

use crate::Context;

/// The sweeps.
#[derive(Debug)]
pub struct Sweeps<'a> {
    pub(crate) cx: &'a Context,
}

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

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    async fn pause(&self) {
        tokio::time::sleep(self.pace).await;
    }
}

/// How many overdue items are read at once.
const PAGE: i32 = 25;
