//! Finding unfinished checkouts and actions, unapplied or missed events, pauses that are over, charges of which the
//! shop has to be told, and read models that differ from Stripe.
//!
//! Every sweep works in slices: it stops when its time is up and goes on from there the next time.
//! Two runs at once do no harm, since each step is one that several may take.

mod actions;
mod checkouts;
mod inbox;
mod lost_setups;
mod missed_events;
mod pauses;
mod reminders;
mod spans;
mod subscriptions;

pub use actions::SweptActions;
pub use checkouts::SweptCheckouts;
pub use inbox::SweptInbox;
pub use lost_setups::SweptSetups;
pub use missed_events::SweptEvents;
pub use pauses::SweptPauses;
pub use reminders::SweptReminders;
pub use subscriptions::ComparedSubscriptions;

use futures_util::stream::{self, StreamExt as _};
use perennial_store::Due;

use crate::{Context, SweepBudget};

/// Whether a slice of a sweep that goes through a list may begin it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It goes on where the last slice stopped, and begins the list if that came to its end.
    Always,
    /// It goes on, and does nothing if the list came to its end.
    Never,
}

/// The sweeps.
#[derive(Debug)]
pub struct Sweeps<'a> {
    cx: &'a Context,
}

impl<'a> Sweeps<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// How many overdue items are read at once.
const PAGE: i32 = 25;

/// How many of them are worked on side by side, where there may be thousands: enough to take all turns with Stripe that
/// the pace of the function has.
const AT_ONCE: usize = 8;

/// Looks at each that is due, some side by side. Those that are left when the slice is over are due still.
async fn side_by_side<'d, T, F: Future>(
    due: &'d [Due<T>],
    slice: SweepBudget,
    look: impl Fn(&'d Due<T>) -> F,
) -> Vec<F::Output> {
    let look = &look;
    let mut looks = Vec::with_capacity(due.len());
    for due in due {
        looks.push(async move {
            if slice.is_over() {
                return None;
            }
            Some(look(due).await)
        });
    }
    // All of them, since one that fails must not stop another half way.
    let looked = stream::iter(looks).buffer_unordered(AT_ONCE);
    let looked: Vec<Option<F::Output>> = looked.collect().await;
    looked.into_iter().flatten().collect()
}
