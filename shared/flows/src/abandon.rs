//! Attempts that nobody will come back to.

use perennial_stripe::{CancellationReason, IdempotencyKey, SetupIntentStatus, StripeError};
use perennial_types::{Attempt, AttemptState, FailureReason};

use crate::{FlowError, Flows};

impl Flows {
    /// Closes an attempt that nobody will come back to, and its SetupIntent with it. False when
    /// Stripe will not cancel it, because it has succeeded or is being decided.
    pub(crate) async fn abandon(
        &self,
        attempt: &Attempt,
        why: CancellationReason,
    ) -> Result<bool, FlowError> {
        if attempt.state == AttemptState::Confirming {
            return self.abandon_subscription(attempt).await;
        }
        if !self.cancel_setup(attempt, why).await? {
            return Ok(false);
        }
        let declined = FailureReason::TooManyDeclines;
        let (state, reason) = if attempt.reason == Some(declined) {
            (AttemptState::Failed, declined)
        } else if attempt.open_until <= self.clock.now() {
            (AttemptState::Expired, FailureReason::Expired)
        } else {
            (AttemptState::Canceled, FailureReason::Canceled)
        };
        self.close(attempt, state, reason).await?;
        Ok(true)
    }

    /// Cancels an attempt's SetupIntent, if it has one. False when Stripe will not, because it has
    /// succeeded or is being decided.
    pub(crate) async fn cancel_setup(
        &self,
        attempt: &Attempt,
        why: CancellationReason,
    ) -> Result<bool, FlowError> {
        let Some(id) = &attempt.setup_intent else {
            return Ok(true);
        };
        let key = IdempotencyKey::new(&format!("cancel:{}", attempt.id))?;
        match self.stripe.cancel_setup_intent(id, why, &key).await {
            Ok(_) => Ok(true),
            Err(StripeError::Invalid { .. }) => {
                let intent = self.stripe.retrieve_setup_intent(id).await?.value;
                Ok(intent.status == SetupIntentStatus::Canceled)
            }
            Err(error) => Err(error.into()),
        }
    }
}
