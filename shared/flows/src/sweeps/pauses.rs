//! Pauses whose end has come, and pauses of which nobody has said whether they were carried out.

use perennial_store::Due;
use perennial_types::{SubscriptionId, UserId};
use serde::Serialize;

use super::{PAGE, Sweeps, checkouts::AFTER_UNREADABLE_SECONDS};
use crate::{
    FlowError, SweepBudget,
    actions::{ActionError, EndedPause, SubscriptionActions},
};

/// What a sweep over the pauses has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptPauses {
    /// Over: the subscription runs.
    pub over: u32,
    /// Their new period could not be charged, which the shop was told.
    pub declined: u32,
    /// Not to be ended yet, or here.
    pub pending: u32,
    /// Could not be ended now, to be tried later.
    pub failed: u32,
    /// Whether all that were due have been looked at.
    pub complete: bool,
}

/// After a failure, the next look.
const AFTER_FAILURE_SECONDS: i64 = 5 * 60;

impl Sweeps<'_> {
    /// Resumes the subscriptions whose pause is over.
    pub async fn pauses(&self, slice: SweepBudget) -> Result<SweptPauses, FlowError> {
        let mut swept = SweptPauses::default();
        while !slice.is_over() {
            let due = self.cx.table.due_pauses(self.cx.clock.now(), PAGE).await?;
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
                match self.end_pause(&due).await {
                    Ok(EndedPause::Over) => swept.over += 1,
                    Ok(EndedPause::Declined) => swept.declined += 1,
                    Ok(EndedPause::NothingToDo) => swept.pending += 1,
                    Err(error) => {
                        swept.failed += 1;
                        self.say_not_ended(&due, &error).await?;
                    }
                }
                slice.pause().await;
            }
        }
        Ok(swept)
    }

    async fn end_pause(
        &self,
        due: &Due<(UserId, SubscriptionId)>,
    ) -> Result<EndedPause, ActionError> {
        let Some((user, id)) = &due.of else {
            return Err(FlowError::ItemLacks("a subscription in its key").into());
        };
        let cx = self.cx.for_one_object();
        Box::pin(SubscriptionActions::of(&cx).end_pause(user, id)).await
    }

    /// A shopper who was told when it goes on waits for that, so each failure is an error.
    async fn say_not_ended(
        &self,
        due: &Due<(UserId, SubscriptionId)>,
        error: &ActionError,
    ) -> Result<(), FlowError> {
        let subscription = due.name();
        match error {
            // Somebody is at it this very moment.
            ActionError::Flow(error) if error.is_busy() => {
                tracing::warn!(subscription, "a pause is ended later");
            }
            ActionError::Flow(error) => {
                let error = error.chain();
                tracing::error!(subscription, error, "a pause could not be ended");
            }
            ActionError::Refused(refusal) => {
                let code = refusal.why.code();
                tracing::error!(subscription, code, "a pause could not be ended");
                let later = self.cx.clock.now().plus_seconds(AFTER_UNREADABLE_SECONDS);
                self.cx.table.postpone(due, later).await?;
            }
        }
        Ok(())
    }
}
