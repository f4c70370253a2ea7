//! A checkout: from a click to a subscription that is paid for, or to an end without one.
//!
//! A click goes through [`issue`], which opens an attempt or goes on with the open one. What the
//! shopper has agreed to is brought to its end by [`finish`], which anybody may call at any time: the
//! return from the wallet, a page that asks, an event, a sweep. Both look at the attempt, take one step
//! and look again, so what another request has done meanwhile is seen.

mod abandon;
mod confirm_return;
mod confirming;
mod declines;
mod finish;
mod issue;
mod open;
mod slot_access;
mod subscribe;
mod subscription_first;
mod taxes;
mod wrong_method;

pub use confirm_return::{Return, ReturnedIntent};
pub use finish::Finish;
pub use issue::{Again, IssueCheckout, Issued, OpenCheckout, ServerConsent, ToConfirm};

use perennial_store::UserItems;
use perennial_types::{Attempt, AttemptId, Ending, FailureReason, UserId};

use crate::{Context, FlowError, shop_events::checkout_failed};

/// The checkouts.
#[derive(Debug)]
pub struct Checkouts<'a> {
    cx: &'a Context,
}

impl<'a> Checkouts<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// What one look at a checkout leads to.
enum Step<T> {
    /// This is the answer.
    Done(T),
    /// Something has changed since it was read.
    LookAgain,
    /// Another request is at it.
    Wait,
    /// Another checkout of the same user has to be finished first.
    FinishFirst(Box<Attempt>),
}

/// What has become of an attempt that is to have a subscription.
enum Outcome {
    /// It is decided, or undecided for now.
    Finished(Finish),
    /// The subscription came first, and waits for its shopper.
    Confirm {
        /// The attempt, as it is now.
        attempt: Box<Attempt>,
        /// With what they confirm.
        subscription: Box<perennial_stripe::Subscription>,
    },
}

impl Step<Outcome> {
    fn failed(reason: FailureReason) -> Self {
        Self::Done(Outcome::Finished(Finish::Failed { reason }))
    }
}

impl Checkouts<'_> {
    async fn attempt(&self, user: &UserId, id: &AttemptId) -> Result<Attempt, FlowError> {
        let attempt = self.cx.table.attempt(user, id).await?;
        attempt.ok_or(FlowError::UnknownCheckout)
    }

    /// An attempt that one of the user's items names, which may have begun long before they were read.
    async fn named_attempt(
        &self,
        user: &UserId,
        items: &UserItems,
        id: &AttemptId,
    ) -> Result<Option<Attempt>, FlowError> {
        match items.attempt(id) {
            Some(attempt) => Ok(Some(attempt.clone())),
            None => Ok(self.cx.table.attempt(user, id).await?),
        }
    }

    /// Ends an attempt that holds no slot. The shop is told, unless it was canceled, which is what
    /// happens to an attempt that makes room for another.
    async fn close(
        &self,
        attempt: &Attempt,
        ending: Ending,
        reason: FailureReason,
    ) -> Result<bool, FlowError> {
        let now = self.cx.clock.now();
        let told = match ending {
            Ending::Failed | Ending::Expired => Some(checkout_failed(attempt, reason, now)),
            Ending::Canceled => None,
        };
        let table = &self.cx.table;
        let closed = table.close_attempt(attempt, ending, reason, told.as_ref(), now);
        Ok(closed.await?)
    }
}
