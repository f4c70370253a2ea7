//! Checkouts that nobody has brought to an end: the browser never came back, or its finisher died.

use perennial_types::{AttemptId, UserId};
use serde::Serialize;

use super::{PAGE, Slice};
use crate::{Finish, FlowError, Flows};

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
/// The shortest pause between two looks at the same checkout.
const SHORTEST_PAUSE_SECONDS: i64 = 5 * 60;

impl Flows {
    /// Finishes the checkouts that have been open for too long.
    pub async fn sweep_checkouts(&self, slice: Slice) -> Result<SweptCheckouts, FlowError> {
        let mut swept = SweptCheckouts::default();
        while !slice.is_over() {
            let due = self.table.due_checkouts(self.clock.now(), PAGE).await?;
            if due.is_empty() {
                swept.complete = true;
                break;
            }
            for (user, id) in due {
                if slice.is_over() {
                    return Ok(swept);
                }
                self.look_at(&user, &id, &mut swept).await?;
                slice.pause().await;
            }
        }
        Ok(swept)
    }

    async fn look_at(
        &self,
        user: &UserId,
        id: &AttemptId,
        swept: &mut SweptCheckouts,
    ) -> Result<(), FlowError> {
        match self.for_one_object().finish_checkout(user, id).await {
            Ok(Finish::Subscribed { .. }) => swept.subscribed += 1,
            Ok(Finish::Failed { .. }) => {
                swept.ended += 1;
                // Refused at the wallet, and open for another try.
                self.look_later(user, id).await?;
            }
            Ok(Finish::Pending { .. }) => {
                swept.pending += 1;
                self.look_later(user, id).await?;
            }
            Err(error) => {
                swept.failed += 1;
                let chain = error.chain();
                // Its shopper is at it this very moment.
                if error.is_busy() {
                    tracing::warn!(checkout = %id, error = chain, "{NOT_SWEPT}");
                } else {
                    tracing::error!(checkout = %id, error = chain, "{NOT_SWEPT}");
                }
                let later = self.clock.now().plus_seconds(AFTER_FAILURE_SECONDS);
                self.table.postpone_checkout(user, id, later).await?;
            }
        }
        Ok(())
    }

    /// The older an open checkout is, the less likely it is that its shopper is still at it, so
    /// each pause is as long as all before it; and the last look is at its expiry.
    async fn look_later(&self, user: &UserId, id: &AttemptId) -> Result<(), FlowError> {
        let Some(attempt) = self.table.attempt(user, id).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let age = now.unix().saturating_sub(attempt.created.unix());
        let next = now.plus_seconds(age.max(SHORTEST_PAUSE_SECONDS));
        let expiry = attempt.open_until.plus_seconds(1);
        let next = if now < expiry { next.min(expiry) } else { next };
        self.table.postpone_checkout(user, id, next).await?;
        Ok(())
    }
}
