//! What is half done to a subscription, or to a user who is erased, and for which nobody has asked again.

use perennial_store::{Due, DueAction};
use perennial_stripe::StripeError;
use perennial_types::UserId;
use serde::Serialize;

use super::{PAGE, Sweeps, checkouts::AFTER_UNREADABLE_SECONDS, side_by_side};
use crate::{
    Context, EraseError, Erasures, FlowError, SweepBudget,
    actions::{ActionError, Ended, SubscriptionActions},
};

/// What a sweep over the actions has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptActions {
    /// Brought to an end.
    pub ended: u32,
    /// Somebody is at it this very moment; to be looked at later.
    pub pending: u32,
    /// Could not be brought to an end now, to be tried later.
    pub failed: u32,
    /// Whether all that were due have been looked at.
    pub complete: bool,
}

const NOT_SWEPT: &str = "an action could not be swept";
const AFTER_FAILURE_SECONDS: i64 = 5 * 60;

impl Sweeps<'_> {
    /// Brings to an end what is half done.
    pub async fn actions(&self, slice: SweepBudget) -> Result<SweptActions, FlowError> {
        let mut swept = SweptActions::default();
        while !slice.is_over() {
            let now = self.cx.clock.now();
            let due = self.cx.table.due_actions(now, PAGE).await?;
            if due.is_empty() {
                swept.complete = true;
                break;
            }
            // A server that erases one user after another leaves the last pass of each to this.
            let look = |due| Box::pin(self.look_at_action(due));
            for done in side_by_side(&due, slice, look).await {
                match done? {
                    Some(Ended::Now) => swept.ended += 1,
                    Some(Ended::NotYet) => swept.pending += 1,
                    None => swept.failed += 1,
                }
            }
            slice.pause().await;
        }
        Ok(swept)
    }

    /// None if it could not be brought to an end now.
    async fn look_at_action(&self, due: &Due<DueAction>) -> Result<Option<Ended>, FlowError> {
        // First, so that this sweep is past it whatever it is and whatever becomes of it.
        let later = self.cx.clock.now().plus_seconds(AFTER_FAILURE_SECONDS);
        self.cx.table.postpone(due, later).await?;
        match self.finish_action(due).await {
            Ok(ended) => Ok(Some(ended)),
            Err(error) => {
                self.say_action_not_swept(due, &error).await?;
                Ok(None)
            }
        }
    }

    async fn finish_action(&self, due: &Due<DueAction>) -> Result<Ended, FlowError> {
        let cx = self.cx.for_one_object();
        let (user, subscription) = match &due.of {
            Some(DueAction::Subscription(user, subscription)) => (user, subscription),
            Some(DueAction::Erasure(user)) => return Box::pin(finish_erasure(&cx, user)).await,
            None => return Err(FlowError::ItemLacks("a readable key")),
        };
        let actions = SubscriptionActions::of(&cx);
        match Box::pin(actions.finish_due(user, subscription)).await {
            Ok(ended) => Ok(ended),
            // It was found to be refused, and is over.
            Err(ActionError::Refused(_)) => Ok(Ended::Now),
            Err(ActionError::Flow(error)) => Err(error),
        }
    }

    async fn say_action_not_swept(
        &self,
        due: &Due<DueAction>,
        error: &FlowError,
    ) -> Result<(), FlowError> {
        let (action, chain) = (due.name(), error.chain());
        // Another request is at it this very moment.
        if error.is_busy() {
            tracing::warn!(action, error = chain, "{NOT_SWEPT}");
            return Ok(());
        }
        tracing::error!(action, error = chain, "{NOT_SWEPT}");
        let is_refused = matches!(error, FlowError::Stripe(StripeError::Invalid { .. }));
        if error.is_unreadable() || due.of.is_none() || is_refused {
            let later = self.cx.clock.now().plus_seconds(AFTER_UNREADABLE_SECONDS);
            self.cx.table.postpone(due, later).await?;
        }
        Ok(())
    }
}

async fn finish_erasure(cx: &Context, user: &UserId) -> Result<Ended, FlowError> {
    match Erasures::of(cx).resume(user).await {
        Ok(erased) if erased.complete_at.is_none() => Ok(Ended::Now),
        Ok(_) => Ok(Ended::NotYet),
        Err(EraseError::Refused { why, .. }) => {
            let code = why.code();
            tracing::warn!(
                code,
                "the erasure of a user was taken back, since they have come back meanwhile"
            );
            Ok(Ended::Now)
        }
        Err(EraseError::Flow(error)) => Err(error),
    }
}
