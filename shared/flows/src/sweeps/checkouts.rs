//! Checkouts that were not brought to an end: the browser never came back, or its finisher died.

use perennial_store::Due;
use perennial_types::{Attempt, AttemptId, UserId};
use serde::Serialize;

use super::{PAGE, Sweeps};
use crate::{Checkouts, Finish, FlowError, SweepBudget};

/// What a sweep over the checkouts has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptCheckouts {
    /// Brought to a subscription.
    pub subscribed: u32,
    /// Brought to an end without one.
    pub ended: u32,
    /// Still open, to be looked at later.
    pub pending: u32,
    /// Could not be asked about, to be looked at later.
    pub failed: u32,
    /// Whether all that were due have been looked at.
    pub complete: bool,
}

const NOT_SWEPT: &str = "a checkout could not be swept";

/// After a failure, the next look.
const AFTER_FAILURE_SECONDS: i64 = 5 * 60;
/// What this version cannot read is still there for another one; until then, it is told each hour.
pub(super) const AFTER_UNREADABLE_SECONDS: i64 = 3600;
/// The shortest pause between two looks at the same checkout.
const SHORTEST_PAUSE_SECONDS: i64 = 5 * 60;

impl Sweeps<'_> {
    /// Finishes the checkouts that have been open for too long.
    pub async fn checkouts(&self, slice: SweepBudget) -> Result<SweptCheckouts, FlowError> {
        let mut swept = SweptCheckouts::default();
        while !slice.is_over() {
            let due = self
                .cx
                .table
                .due_checkouts(self.cx.clock.now(), PAGE)
                .await?;
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
                if let Err(error) = self.look_at(&due, &mut swept).await {
                    swept.failed += 1;
                    self.say_not_swept(&due, &error).await?;
                }
                slice.pause().await;
            }
        }
        Ok(swept)
    }

    async fn look_at(
        &self,
        due: &Due<(UserId, AttemptId)>,
        swept: &mut SweptCheckouts,
    ) -> Result<(), FlowError> {
        let Some((user, id)) = &due.of else {
            return Err(FlowError::UnknownCheckout);
        };
        let cx = self.cx.for_one_object();
        let finish = Checkouts::of(&cx).finish(user, id).await?;
        self.look_later(due, user, id).await?;
        match finish {
            Finish::Subscribed { .. } => swept.subscribed += 1,
            // Or refused at the wallet, and open for another try.
            Finish::Failed { .. } => swept.ended += 1,
            Finish::Pending { .. } => swept.pending += 1,
        }
        Ok(())
    }

    async fn say_not_swept(
        &self,
        due: &Due<(UserId, AttemptId)>,
        error: &FlowError,
    ) -> Result<(), FlowError> {
        let (checkout, chain) = (due.name(), error.chain());
        // Its shopper is at it this very moment.
        if error.is_busy() {
            tracing::warn!(checkout, error = chain, "{NOT_SWEPT}");
            return Ok(());
        }
        tracing::error!(checkout, error = chain, "{NOT_SWEPT}");
        if error.is_unreadable() || due.of.is_none() {
            let later = self.cx.clock.now().plus_seconds(AFTER_UNREADABLE_SECONDS);
            self.cx.table.postpone(due, later).await?;
        }
        Ok(())
    }

    /// The older an open checkout is, the less likely it is that its shopper is still at it, so
    /// each pause is as long as all before it; and the last look is at its expiry. One that has ended
    /// is looked at no more.
    async fn look_later(
        &self,
        due: &Due<(UserId, AttemptId)>,
        user: &UserId,
        id: &AttemptId,
    ) -> Result<(), FlowError> {
        let attempt = self.cx.table.attempt(user, id).await?;
        let Some(attempt) = attempt.filter(Attempt::is_open) else {
            if self.cx.table.rest(due).await? {
                tracing::warn!(checkout = %id, "a checkout that has ended was still to be swept");
            }
            return Ok(());
        };
        let now = self.cx.clock.now();
        let age = now.unix().saturating_sub(attempt.created.unix());
        let next = now.plus_seconds(age.max(SHORTEST_PAUSE_SECONDS));
        let expiry = attempt.open_until.plus_seconds(1);
        let next = if now < expiry { next.min(expiry) } else { next };
        self.cx.table.postpone(due, next).await?;
        Ok(())
    }
}
