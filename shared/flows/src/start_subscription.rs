//! From a click to a subscription that waits for its shopper.

use perennial_store::UserItems;
use perennial_types::{Attempt, FailureReason, First};
use secrecy::SecretString;

use crate::{
    Finish, FlowError, Flows, Issued, OpenCheckout,
    confirming::Confirming,
    issue_checkout::{IssueCheckout, ToConfirm, return_url},
    subscribe::Step,
};

/// What a click goes on with.
pub(crate) enum Next {
    /// It is answered.
    Answer(Box<Issued>),
    /// Something has changed since the items were read.
    LookAgain,
    /// Somebody else is at it.
    Wait,
}

impl Flows {
    /// Brings an open attempt whose subscription comes first to where its shopper confirms it.
    pub(crate) async fn start_subscription(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
        items: &UserItems,
        created: bool,
    ) -> Result<Next, FlowError> {
        if open.subscription.is_some() {
            return self.resume_subscription(ask, open).await;
        }
        let finish = match self.subscribe(open, items, None).await? {
            Step::Confirm {
                attempt,
                subscription,
            } => {
                let checkout = self.to_confirm(ask, *attempt, &subscription).await?;
                return Ok(Next::Answer(Box::new(if created {
                    Issued::Created(checkout)
                } else {
                    Issued::Resumed(checkout)
                })));
            }
            Step::LookAgain => return Ok(Next::LookAgain),
            Step::Wait => return Ok(Next::Wait),
            Step::Answer(finish) => finish,
        };
        Ok(match finish {
            Finish::Failed {
                reason: FailureReason::AlreadySubscribed,
            } => Next::LookAgain,
            finish => Next::Answer(Box::new(answer(open, finish))),
        })
    }

    async fn resume_subscription(
        &self,
        ask: &IssueCheckout,
        open: &Attempt,
    ) -> Result<Next, FlowError> {
        let subscription = match self.look_at_confirmation(open).await? {
            Confirming::Waiting(subscription) => subscription,
            // Another click begins anew.
            Confirming::LookAgain | Confirming::Answer(Finish::Failed { .. }) => {
                return Ok(Next::LookAgain);
            }
            Confirming::Answer(finish) => return Ok(Next::Answer(Box::new(answer(open, finish)))),
        };
        let attempt = self.come_back(ask, open).await?;
        let checkout = self.to_confirm(ask, attempt, &subscription).await?;
        Ok(Next::Answer(Box::new(Issued::Resumed(checkout))))
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
            let read = self.stripe.retrieve_subscription(&subscription.id).await?;
            client_secret(&read.value).ok_or(FlowError::Mismatch {
                what: "subscription's client secret",
            })?
        };
        let confirm = if attempt.setup_intent.is_some() {
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
    pub(crate) async fn finish_other(
        &self,
        open: &Attempt,
        asked: First,
    ) -> Result<Next, FlowError> {
        tracing::info!(checkout = %open.id, ?asked, "finishing what began otherwise");
        Ok(match self.finish(&open.user, &open.id, None).await? {
            Finish::Pending { .. } => Next::Wait,
            Finish::Failed { .. } => Next::LookAgain,
            finish @ Finish::Subscribed { .. } => Next::Answer(Box::new(answer(open, finish))),
        })
    }
}

/// What an attempt has come to, as the answer to a click. One whose subscription has ended again is
/// told first, since its shopper may have paid; the next click begins anew.
pub(crate) fn answer(open: &Attempt, finish: Finish) -> Issued {
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
