//! Resuming a subscription, when it is asked for or when its pause ends.

use perennial_store::{ActionOutcome, ClaimedStep};
use perennial_stripe::{Failure, ResumeSubscription, StripeError};
use perennial_types::{
    By, Claim, IdempotencyKey, PauseReason, PaymentState, Subscription, SubscriptionId,
    SubscriptionStatus, Timestamp, UserId,
};

use super::{
    ActionError, ActionErrorCode, ActionRefusal, AskedAction, SubscriptionActions, Target,
    abandoned::STILL_MEANT_SECONDS,
    claim::{Held, Turn},
    pausing::ended,
    preview::balance_after,
};
use crate::{FlowError, claimed_step::Sent, subscriptions::Refreshed};

/// What is asked of a paused subscription.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resume {
    /// What was shown to be charged at once, in the currency's smallest unit. Any other amount is refused.
    pub due_now: Option<i64>,
}

/// What a resumption would charge at once.
pub(super) struct DueNow {
    pub(super) amount: i64,
    /// The end of the period that is paid with it, if it is known.
    pub(super) until: Option<Timestamp>,
    /// The customer's balance after it; below 0 for what is left for later charges.
    pub(super) balance: i64,
}

/// Why a subscription is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody has asked for it, and is told at once if it cannot be paid.
    Asked,
    /// Its pause is over, and nobody is there to be told.
    Due,
}

impl Why {
    /// A part of the idempotency key, by which whoever takes over knows it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "resume",
            Self::Due => "resume-due",
        }
    }

    fn of(claim: &Claim) -> Self {
        if claim
            .request
            .idempotency_key
            .as_str()
            .ends_with(":resume-due")
        {
            Self::Due
        } else {
            Self::Asked
        }
    }
}

/// What has become of a pause whose end had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedPause {
    /// It is over: the subscription runs.
    Over,
    /// Its new period could not be charged.
    Declined,
    /// It is no longer one that ends here, or not yet.
    NothingToDo,
}

impl SubscriptionActions<'_> {
    /// Resumes a subscription, and answers with it as it is then.
    pub async fn resume(
        &self,
        asked: &AskedAction,
        resume: Resume,
    ) -> Result<Subscription, ActionError> {
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = Box::pin(self.resume_held(&of, &mut held, resume)).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn resume_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        resume: Resume,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        let refuse = |why| ActionError::refused(why, &seen.model);
        let now = self.cx.clock.now();
        if let Some(reason) = seen
            .model
            .actions(By::Server, now, &self.cx.plans)
            .resume
            .reason
        {
            return Err(refuse(reason.into()));
        }
        if let Some(shown) = resume.due_now
            && self.due_now(of, &seen).await?.amount != shown
        {
            return Err(refuse(ActionErrorCode::PreviewOutdated));
        }
        if seen.model.status != SubscriptionStatus::Paused {
            let resumed = self.cx.stripe.resume_collection(of.id);
            return self.changed(of, resumed).await;
        }
        self.begin_period(of, held, &seen, Why::Asked).await
    }

    /// What a resumption charges at once.
    pub(super) async fn due_now(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
    ) -> Result<DueNow, ActionError> {
        if seen.model.status != SubscriptionStatus::Paused {
            return Ok(DueNow {
                amount: 0,
                until: seen.model.current_period_end,
                balance: 0,
            });
        }
        let read = seen.read.as_ref();
        if let Some(open) = read.and_then(|read| read.resumption_invoice()) {
            return Ok(DueNow {
                amount: open.amount_due,
                until: None,
                balance: 0,
            });
        }
        let resume = ResumeSubscription {
            subscription: of.id,
        };
        let preview = self.cx.stripe.preview_resume(resume).await?.value;
        let ends = preview.lines.data.iter().map(|line| line.period.end).max();
        Ok(DueNow {
            amount: preview.amount_due,
            until: ends.map(Timestamp::from_unix),
            balance: balance_after(&preview),
        })
    }

    /// Begins a new period, which is paid with it.
    async fn begin_period(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        seen: &Refreshed,
        why: Why,
    ) -> Result<Subscription, ActionError> {
        let read = seen.read.as_ref();
        if let Some(open) = read.and_then(|read| read.resumption_invoice()) {
            return self.pay_resumption(of, seen, &open.id).await;
        }
        let request = ResumeSubscription {
            subscription: of.id,
        };
        let key = format!("act:{}:{}", IdempotencyKey::drawn(), why.as_str());
        let key = IdempotencyKey::new(&key).map_err(FlowError::from)?;
        let claim = self.freeze(of, held, request.freeze(key)).await?;
        self.send_resumption(of, &claim).await
    }

    /// An earlier resumption was declined, and is paid by its invoice.
    async fn pay_resumption(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
        invoice: &str,
    ) -> Result<Subscription, ActionError> {
        let declined = || ActionError::refused(ActionErrorCode::ResumeDeclined, &seen.model);
        let Some(method) = seen.model.payment_method.as_ref() else {
            return Err(declined());
        };
        match self.cx.stripe.pay_invoice(invoice, method).await {
            Err(error) if error.failure() != Failure::Refused => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        let now = self.look(of).await?;
        if now.status == SubscriptionStatus::Paused {
            return Err(ActionError::refused(ActionErrorCode::ResumeDeclined, &now));
        }
        Ok(now)
    }

    async fn send_resumption(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Subscription, ActionError> {
        let stripe = &self.cx.stripe;
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| Box::pin(async move { Ok(stripe.pause_or_resume(frozen).await?.value) }),
            || {
                Box::pin(async move {
                    let read = stripe.retrieve_subscription(of.id).await?.value;
                    let is_made = read.status != SubscriptionStatus::Paused
                        || read.resumption_invoice().is_some();
                    Ok::<_, ActionError>(is_made.then_some(read))
                })
            },
        );
        let why = Why::of(claim);
        match sent.await? {
            Sent::Made(read) | Sent::Found(read) => {
                self.settle_resumption(of, Some(read), why).await
            }
            // Whether Stripe keeps its invoice, only a reading tells.
            Sent::Refused(_) => self.settle_resumption(of, None, why).await,
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// What could not be paid leaves an open invoice at Stripe, and the subscription paused. Who has asked is told
    /// so, and the invoice is given up, so that nothing is charged hours later. At the end of a pause it stays
    /// open: Stripe tries it again if it can, and the shopper's next payment method pays it.
    async fn settle_resumption(
        &self,
        of: &Target<'_>,
        answer: Option<perennial_stripe::Subscription>,
        why: Why,
    ) -> Result<Subscription, ActionError> {
        let answer = match answer {
            Some(answer) => answer,
            None => self.cx.stripe.retrieve_subscription(of.id).await?.value,
        };
        let unpaid = answer.resumption_invoice();
        match (unpaid, why) {
            (Some(invoice), Why::Asked) => match self.cx.stripe.void_invoice(&invoice.id).await {
                // It was voided by an earlier caller, or paid in this moment.
                Ok(_) | Err(StripeError::Invalid { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            // Its end has been tried, and Stripe holds it from now on.
            (Some(_), Why::Due) => self.forget(of).await?,
            (None, _) => {}
        }
        let now = self.look(of).await?;
        if now.status != SubscriptionStatus::Paused {
            return Ok(now);
        }
        let lacks_method = now.payment.state == PaymentState::MethodRequired;
        let code = if unpaid.is_some() || lacks_method {
            ActionErrorCode::ResumeDeclined
        } else {
            ActionErrorCode::ChangeRefused
        };
        Err(ActionError::refused(code, &now))
    }

    /// Brings a resumption to its end that another caller has frozen before it died.
    pub(super) async fn finish_abandoned_resumption(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let seen = self.read(of).await?;
        let why = Why::of(claim);
        let is_stale = why == Why::Asked
            && self.cx.clock.now().unix() - claim.frozen_at.unix() > STILL_MEANT_SECONDS;
        let done = match &seen.read {
            Some(read) if read.resumption_invoice().is_some() => {
                self.settle_resumption(of, Some(read.clone()), why).await
            }
            // It has been resumed, or has ended.
            _ if seen.model.status != SubscriptionStatus::Paused => Ok(seen.model),
            _ if is_stale => Err(ActionError::refused(ActionErrorCode::Changed, &seen.model)),
            _ => self.send_resumption(of, claim).await,
        };
        ended(done)
    }

    /// Ends a pause whose time has come. One of which another caller has not said whether it was carried out is
    /// brought to its end first.
    pub(crate) async fn end_pause(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
    ) -> Result<EndedPause, ActionError> {
        let asked = AskedAction {
            user: user.clone(),
            subscription: subscription.clone(),
            by: By::Server,
            key: None,
        };
        let of = self.target(&asked).await?;
        let mut held = match self.turn(&of, &asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return Ok(EndedPause::NothingToDo),
        };
        let done = Box::pin(self.end_pause_held(&of, &mut held)).await;
        self.give_back(&of, &asked, held, &done, None).await?;
        match done {
            Ok(model) if model.pause.is_none() => Ok(EndedPause::Over),
            Ok(_) => Ok(EndedPause::NothingToDo),
            Err(ActionError::Refused(refusal)) if is_declined(&refusal) => Ok(EndedPause::Declined),
            Err(error) => Err(error),
        }
    }

    async fn end_pause_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        let pause = seen.model.pause.as_ref();
        let ends = pause
            .filter(|pause| pause.reason == PauseReason::PauseRequested)
            .and_then(|pause| pause.resumes_at);
        let Some((noted, ends)) = self.noted(of).await?.zip(ends) else {
            // It was resumed, or never paused.
            self.forget(of).await?;
            return self.look(of).await;
        };
        if ends > self.told_at(&seen) {
            let table = &self.cx.table;
            table.note_pause(of.user, of.id, noted, Some(ends)).await?;
            return Ok(seen.model);
        }
        // Nobody pays for a period of what ends; should that be taken back, the pause is over by then.
        if let Some(end) = seen.model.planned_end() {
            let table = &self.cx.table;
            table.note_pause(of.user, of.id, noted, Some(end)).await?;
            return Ok(seen.model);
        }
        let resumed = self.begin_period(of, held, &seen, Why::Due).await;
        match resumed {
            Ok(model) => {
                self.forget(of).await?;
                Ok(model)
            }
            Err(ActionError::Refused(refusal)) if is_declined(&refusal) => {
                self.forget(of).await?;
                // It no longer says when it is resumed.
                self.look(of).await?;
                Err(ActionError::Refused(refusal))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_declined(refusal: &ActionRefusal) -> bool {
    refusal.why == ActionErrorCode::ResumeDeclined
}
