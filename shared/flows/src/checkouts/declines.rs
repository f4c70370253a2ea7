//! Declines: a checkout ends after a few of them, and each counts as much as another checkout.
//!
//! The holder of a client secret can try one card after the other with it, without asking here, so this
//! is how stolen cards are tested (<https://docs.stripe.com/disputes/prevention/card-testing>). The
//! declines are Stripe's own records of a SetupIntent or a payment, so it does not matter how many
//! events came of them, when, or in which order.

use perennial_stripe::{
    CancellationReason, ChargeStatus, PaymentIntent, SetupAttemptStatus, SetupIntent,
};
use perennial_types::{Attempt, Ending, FailureReason, Timestamp};

use super::{Checkouts, Finish, finish::PENDING, open::CHECKOUTS_AN_HOUR};
use crate::FlowError;

/// A shopper who mistypes or tries a second card needs two or three.
const DECLINES_OF_A_CHECKOUT: usize = 5;

/// What was declined.
#[derive(Clone, Copy)]
pub(super) enum Declined<'a> {
    Setup(&'a SetupIntent),
    Payment(&'a PaymentIntent),
}

impl Declined<'_> {
    /// Stripe's id of the newest try.
    fn newest(&self) -> Option<&str> {
        match self {
            Self::Setup(intent) => intent.latest_attempt.as_deref(),
            Self::Payment(intent) => intent.charge().map(|charge| charge.id.as_str()),
        }
    }
}

impl Checkouts<'_> {
    /// Counts the declines and notes why the newest try failed, which is what is returned; or that
    /// there were too many, after which the checkout is to be ended.
    pub(super) async fn count_declines(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
        declined: Declined<'_>,
    ) -> Result<FailureReason, FlowError> {
        if attempt.reason == Some(FailureReason::TooManyDeclines) {
            return Ok(FailureReason::TooManyDeclines);
        }
        let newest = declined.newest();
        if newest.is_some() && newest == attempt.counted.as_deref() {
            if attempt.reason != Some(reason) {
                self.cx.table.note_reason(attempt, reason, None).await?;
            }
            return Ok(reason);
        }
        let all = self.declines(declined).await?;
        let mut within_the_hour = 0;
        if !all.is_empty() {
            let (user, since) = (&attempt.user, self.cx.lately());
            let noted = self.cx.table.note_declines(user, &all, since).await?;
            within_the_hour = noted.len();
        }
        let too_many = all.len() >= DECLINES_OF_A_CHECKOUT || within_the_hour >= CHECKOUTS_AN_HOUR;
        let reason = if too_many {
            FailureReason::TooManyDeclines
        } else {
            reason
        };
        self.cx.table.note_reason(attempt, reason, newest).await?;
        Ok(reason)
    }

    /// Each by its time and its id, so that noting one again changes nothing.
    async fn declines(&self, declined: Declined<'_>) -> Result<Vec<String>, FlowError> {
        let name = |created: i64, id: &str| format!("{}#{id}", Timestamp::from_unix(created));
        Ok(match declined {
            Declined::Setup(intent) => {
                let tries = self
                    .cx
                    .stripe
                    .list_setup_attempts(&intent.id)
                    .await?
                    .value
                    .data;
                let failed = tries
                    .iter()
                    .filter(|it| it.status == SetupAttemptStatus::Failed);
                failed.map(|it| name(it.created, &it.id)).collect()
            }
            Declined::Payment(intent) => {
                let listed = self.cx.stripe.list_charges_of_payment(&intent.id).await?;
                let charges = listed.value.data;
                let failed = charges
                    .iter()
                    .filter(|it| it.status == ChargeStatus::Failed);
                failed.map(|it| name(it.created, &it.id)).collect()
            }
        })
    }

    /// Ends a checkout whose SetupIntent was declined too often.
    pub(super) async fn end_declined_setup(
        &self,
        attempt: &Attempt,
        declined: &SetupIntent,
    ) -> Result<Finish, FlowError> {
        let why = CancellationReason::Abandoned;
        if !self.cancel_setup(&declined.id, why).await? {
            // The last try has succeeded, or is being decided.
            return Ok(PENDING);
        }
        let reason = FailureReason::TooManyDeclines;
        self.close(attempt, Ending::Failed, reason).await?;
        Ok(Finish::Failed { reason })
    }
}
