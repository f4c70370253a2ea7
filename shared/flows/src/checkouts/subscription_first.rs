//! From a click to a subscription that waits for its shopper.

use perennial_store::UserItems;
use perennial_stripe::PaidBy;
use perennial_types::{Attempt, Confirming, FailureReason, First, Phase};
use secrecy::SecretString;

use super::{
    Again, Checkouts, Finish, IssueCheckout, Issued, OpenCheckout, Outcome, Step, ToConfirm,
    issue::return_url,
};
use crate::FlowError;

impl Checkouts<'_> {
    /// Brings an open attempt whose subscription comes first to where its shopper confirms it.
    pub(super) async fn start_subscription(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        items: &UserItems,
        created: bool,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        if let Phase::Confirming(confirming) = &open.phase {
            return self.resume_subscription(ask, open, confirming).await;
        }
        let saved = ask.again.as_ref().and_then(Again::saved);
        let paid_by = match (saved, open.wallet) {
            (Some(method), _) => Some(PaidBy::Method(method)),
            (None, Some(wallet)) => Some(PaidBy::Shopper(wallet)),
            (None, None) => ask.plan.trial_without_payment_method.map(PaidBy::Nothing),
        };
        let issued = match Box::pin(self.subscribe(open, items, paid_by)).await? {
            Step::Done(Outcome::Confirm {
                attempt,
                subscription,
            }) => {
                let checkout = self.to_confirm(ask, *attempt, &subscription).await?;
                if created {
                    Issued::Created(checkout)
                } else {
                    Issued::Resumed(checkout)
                }
            }
            Step::Done(Outcome::Finished(Finish::Failed {
                reason: FailureReason::AlreadySubscribed,
            }))
            | Step::LookAgain => return Ok(Step::LookAgain),
            Step::Done(Outcome::Finished(Finish::Subscribed { subscription, .. }))
                if ask.asks_nobody() && !subscription.status.is_terminal() =>
            {
                Issued::Subscribed(subscription)
            }
            Step::Done(Outcome::Finished(finish)) => answer(open, finish),
            Step::Wait => return Ok(Step::Wait),
            Step::FinishFirst(other) => return Ok(Step::FinishFirst(other)),
        };
        Ok(Step::Done(Box::new(issued)))
    }

    async fn resume_subscription(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        confirming: &Confirming,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        let issued = match self.look_at_confirmation(open, confirming).await? {
            Step::Done(Outcome::Confirm { subscription, .. }) => {
                let attempt = self.reopen(ask, open).await?;
                Issued::Resumed(self.to_confirm(ask, attempt, &subscription).await?)
            }
            // Another click begins anew.
            Step::Done(Outcome::Finished(Finish::Failed { .. })) | Step::LookAgain => {
                return Ok(Step::LookAgain);
            }
            Step::Done(Outcome::Finished(finish)) => answer(open, finish),
            Step::Wait => return Ok(Step::Wait),
            Step::FinishFirst(other) => return Ok(Step::FinishFirst(other)),
        };
        Ok(Step::Done(Box::new(issued)))
    }

    /// What the page gets to see of a subscription that waits for its shopper.
    async fn to_confirm(
        &self,
        ask: &IssueCheckout,
        attempt: Attempt,
        subscription: &perennial_stripe::Subscription,
    ) -> Result<Box<OpenCheckout>, FlowError> {
        let secret = if let Some(secret) = client_secret(subscription) {
            secret
        } else {
            // A list does not hold it.
            let read = self
                .cx
                .stripe
                .retrieve_subscription(&subscription.id)
                .await?;
            let lacking = FlowError::AnswerLacks("the client secret of a subscription");
            client_secret(&read.value).ok_or(lacking)?
        };
        let confirm = if attempt.setup_intent().is_some() {
            ToConfirm::Setup
        } else {
            ToConfirm::Payment
        };
        Ok(Box::new(OpenCheckout {
            return_url: return_url(ask, &attempt),
            attempt,
            confirm,
            client_secret: secret,
            status: subscription.status.as_str().to_owned(),
            redirect_url: None,
        }))
    }

    /// Finishes an attempt that began with something else than what is asked for now, and that
    /// cannot be given up in between.
    pub(super) async fn finish_other(
        &self,
        open: &Attempt,
        asked: First,
    ) -> Result<Step<Box<Issued>>, FlowError> {
        tracing::info!(checkout = %open.id, ?asked, "finishing what began otherwise");
        Ok(match self.finish_from(open.clone(), None).await? {
            Finish::Pending { .. } => Step::Wait,
            Finish::Failed { .. } => Step::LookAgain,
            finish @ Finish::Subscribed { .. } => Step::Done(Box::new(answer(open, finish))),
        })
    }
}

/// What an attempt has come to, as the answer to a click. One whose subscription has ended again is
/// told first, since its shopper may have paid; the next click begins anew.
pub(super) fn answer(open: &Attempt, finish: Finish) -> Issued {
    match finish {
        Finish::Subscribed { subscription, .. } if !subscription.status.is_terminal() => {
            Issued::AlreadySubscribed(subscription)
        }
        finish => Issued::Undecided {
            checkout: open.id.clone(),
            finish,
        },
    }
}

fn client_secret(subscription: &perennial_stripe::Subscription) -> Option<SecretString> {
    if subscription.pending_setup_intent_id().is_some() {
        return subscription.pending_setup()?.client_secret.clone();
    }
    let invoice = subscription.newest_invoice()?;
    invoice.confirmation_secret.as_ref()?.client_secret.clone()
}
