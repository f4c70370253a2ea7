//! Events that were stored and never applied: the stream gave up on them, or was not there.

use serde::Serialize;

use super::{PAGE, Slice};
use crate::{FlowError, Flows};

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

impl Flows {
    /// Applies the events that have waited for too long.
    pub async fn sweep_inbox(&self, slice: Slice) -> Result<SweptInbox, FlowError> {
        let mut swept = SweptInbox::default();
        while !slice.is_over() {
            let due = self.table.due_events(self.clock.now(), PAGE).await?;
            if due.is_empty() {
                swept.complete = true;
                break;
            }
            for (customer, id) in due {
                if slice.is_over() {
                    return Ok(swept);
                }
                let Some(event) = self.table.read_event(customer.as_ref(), &id).await? else {
                    continue;
                };
                let results = self.apply_events(std::slice::from_ref(&event)).await;
                if results.iter().all(Result::is_ok) {
                    swept.settled += 1;
                } else {
                    swept.failed += 1;
                    let later = self.clock.now().plus_seconds(AFTER_FAILURE_SECONDS);
                    self.table
                        .postpone_event(customer.as_ref(), &id, later)
                        .await?;
                }
                slice.pause().await;
            }
        }
        Ok(swept)
    }
}
