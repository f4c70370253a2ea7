//! Attempts that are given up: expired, replaced, or declined too often.

use perennial_stripe::{CancellationReason, SetupIntentStatus, StripeError};
use perennial_types::{Attempt, Ending, FailureReason, Phase, SetupIntentId};

use super::Checkouts;
use crate::FlowError;

impl Checkouts<'_> {
    /// Closes an attempt that is given up, and cancels its SetupIntent. False when
    /// Stripe will not cancel it, because it has succeeded or is being decided.
    pub(super) async fn abandon(
        &self,
        attempt: &Attempt,
        why: CancellationReason,
    ) -> Result<bool, FlowError> {
        match &attempt.phase {
            Phase::Confirming(open) => return self.abandon_subscription(attempt, open).await,
            Phase::AwaitingSetup(id) if !self.cancel_setup(id, why).await? => {
                return Ok(false);
            }
            _ => {}
        }
        let declined = FailureReason::TooManyDeclines;
        let (ending, reason) = if attempt.reason == Some(declined) {
            (Ending::Failed, declined)
        } else if attempt.open_until <= self.cx.clock.now() {
            (Ending::Expired, FailureReason::Expired)
        } else {
            (Ending::Canceled, FailureReason::Canceled)
        };
        self.close(attempt, ending, reason).await?;
        Ok(true)
    }

    /// Gives up all that a user has opened. False when one of them is being subscribed, or its shopper was quicker.
    pub(crate) async fn abandon_all(&self, attempts: &[Attempt]) -> Result<bool, FlowError> {
        for attempt in attempts.iter().filter(|it| it.is_open()) {
            let waits = attempt.is_issued() || matches!(attempt.phase, Phase::Confirming(_));
            let why = CancellationReason::RequestedByCustomer;
            if !waits || !self.abandon(attempt, why).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Cancels a SetupIntent. False when Stripe will not, because it has succeeded or is
    /// being decided.
    pub(super) async fn cancel_setup(
        &self,
        id: &SetupIntentId,
        why: CancellationReason,
    ) -> Result<bool, FlowError> {
        match self.cx.stripe.cancel_setup_intent(id, why).await {
            Ok(_) => Ok(true),
            Err(StripeError::Invalid { .. }) => {
                let intent = self.cx.stripe.retrieve_setup_intent(id).await?.value;
                Ok(intent.status == SetupIntentStatus::Canceled)
            }
            Err(error) => Err(error.into()),
        }
    }
}
