//! Events that were stored and never applied: the stream gave up on them, or was not there.

use perennial_store::Due;
use serde::Serialize;

use super::{PAGE, Sweeps, checkouts::AFTER_UNREADABLE_SECONDS};
use crate::{Events, FlowError, SweepBudget};

/// What a sweep over the inbox has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptInbox {
    /// Settled.
    pub settled: u32,
    /// Could not be applied now, to be tried later.
    pub failed: u32,
    /// Whether all that were due have been tried.
    pub complete: bool,
}

const AFTER_FAILURE_SECONDS: i64 = 30 * 60;

impl Sweeps<'_> {
    /// Applies the events that have waited for too long.
    pub async fn inbox(&self, slice: SweepBudget) -> Result<SweptInbox, FlowError> {
        let mut swept = SweptInbox::default();
        while !slice.is_over() {
            let due = self.cx.table.due_events(self.cx.clock.now(), PAGE).await?;
            if due.is_empty() {
                swept.complete = true;
                break;
            }
            for due in due {
                if slice.is_over() {
                    return Ok(swept);
                }
                // First, so that this sweep is past it whatever it is and whatever becomes of it.
                let later = self.cx.clock.now().plus_seconds(AFTER_FAILURE_SECONDS);
                self.cx.table.postpone(&due, later).await?;
                match self.apply_due(&due).await {
                    Ok(()) => swept.settled += 1,
                    Err(error) => {
                        swept.failed += 1;
                        self.say_unreadable(&due, &error).await?;
                    }
                }
                slice.pause().await;
            }
        }
        Ok(swept)
    }

    async fn apply_due(&self, due: &Due<()>) -> Result<(), FlowError> {
        let event = self.cx.table.due_event(due).await?;
        let results = Events::of(self.cx).apply_all(event.as_slice()).await;
        results.into_iter().collect()
    }

    /// What has to wait is told where it is applied.
    async fn say_unreadable(&self, due: &Due<()>, error: &FlowError) -> Result<(), FlowError> {
        if !error.is_unreadable() {
            return Ok(());
        }
        let (event, error) = (due.name(), error.chain());
        tracing::error!(event, error, "an event of the inbox cannot be read");
        let later = self.cx.clock.now().plus_seconds(AFTER_UNREADABLE_SECONDS);
        self.cx.table.postpone(due, later).await?;
        Ok(())
    }
}
