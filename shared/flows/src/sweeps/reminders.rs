//! Charges that come, of which the shop is told ahead.

use perennial_store::Due;
use perennial_types::{SubscriptionId, UserId};
use serde::Serialize;

use super::{PAGE, Sweeps, side_by_side};
use crate::{FlowError, SweepBudget, subscriptions::Subscriptions};

/// What a sweep over the reminders has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptReminders {
    /// The shop was told of the next charge.
    pub told: u32,
    /// There is nothing to tell, or not yet.
    pub pending: u32,
    /// Could not be looked at now, to be tried later.
    pub failed: u32,
    /// Whether all that were due have been looked at.
    pub complete: bool,
}

/// After a failure, the next look: a reminder has days, and Stripe may be out of order for all of them.
const AFTER_FAILURE_SECONDS: i64 = 15 * 60;

enum Looked {
    Told,
    Pending,
    Failed,
}

impl Sweeps<'_> {
    /// Tells the shop of the charges that are near.
    pub async fn reminders(&self, slice: SweepBudget) -> Result<SweptReminders, FlowError> {
        let mut swept = SweptReminders::default();
        while !slice.is_over() {
            let now = self.cx.clock.now();
            let due = self.cx.table.due_reminders(now, PAGE).await?;
            if due.is_empty() {
                swept.complete = true;
                break;
            }
            // A million monthly subscriptions have 33,000 reminders a day, and each takes two calls of Stripe.
            let look = |due| Box::pin(self.look_at_reminder(due));
            for done in side_by_side(&due, slice, look).await {
                match done? {
                    Looked::Told => swept.told += 1,
                    Looked::Pending => swept.pending += 1,
                    Looked::Failed => swept.failed += 1,
                }
            }
            slice.pause().await;
        }
        Ok(swept)
    }

    async fn look_at_reminder(
        &self,
        due: &Due<(UserId, SubscriptionId)>,
    ) -> Result<Looked, FlowError> {
        // First, so that this sweep is past it whatever it is and whatever becomes of it.
        let later = self.cx.clock.now().plus_seconds(AFTER_FAILURE_SECONDS);
        self.cx.table.postpone(due, later).await?;
        Ok(match self.remind(due).await {
            Ok(true) => Looked::Told,
            Ok(false) => Looked::Pending,
            Err(error) => {
                let (subscription, chain) = (due.name(), error.chain());
                if error.is_busy() {
                    tracing::warn!(subscription, error = chain, "{LATER}");
                } else {
                    tracing::error!(subscription, error = chain, "{LATER}");
                }
                Looked::Failed
            }
        })
    }

    async fn remind(&self, due: &Due<(UserId, SubscriptionId)>) -> Result<bool, FlowError> {
        let lacking = FlowError::ItemLacks("a subscription in its key");
        let (user, id) = due.of.as_ref().ok_or(lacking)?;
        let cx = self.cx.for_one_object();
        let Some(customer) = cx.table.known_customer(user).await? else {
            // It was deleted, and its subscriptions with it.
            cx.table.rest(due).await?;
            return Ok(false);
        };
        Box::pin(Subscriptions::of(&cx).remind(user, &customer, id)).await
    }
}

const LATER: &str = "the shop is told of a charge later";
