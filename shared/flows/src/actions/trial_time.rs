//! A free trial that goes on for longer, or ends now.

use perennial_store::{ActionOutcome, ClaimedStep};
use perennial_stripe::{ChangeTrial, StripeError};
use perennial_types::{
    Claim, FrozenRequest, IdempotencyKey, Subscription, SubscriptionStatus, Timestamp,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    abandoned::STILL_MEANT_SECONDS,
    change_plan::{change_of, is_made, ours},
    claim::{Held, Turn},
    pausing::ended,
};
use crate::{FlowError, claimed_step::Sent, subscriptions::Refreshed};

/// Stripe allows no later end (<https://docs.stripe.com/billing/subscriptions/trials>).
const LONGEST_SECONDS: i64 = 730 * 24 * 3600;
/// Stripe is about to end it by itself, and a request that arrives after that would begin another period, or
/// another trial.
const ENDS_BY_ITSELF_SECONDS: i64 = 60;
/// By this, whoever takes a claim over knows what was frozen.
const KEY_END: &str = ":trial";

/// When a free trial is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialEnd {
    /// At once, with the first paid period.
    Now,
    /// Then, earlier or later than it would.
    At(Timestamp),
}

impl TrialEnd {
    fn of(request: &FrozenRequest) -> Self {
        let at = ChangeTrial::ends_at(request);
        at.map_or(Self::Now, |at| Self::At(Timestamp::from_unix(at)))
    }
}

impl SubscriptionActions<'_> {
    /// Gives a free trial another end, and answers with the subscription as it is then.
    pub async fn change_trial(
        &self,
        asked: &AskedAction,
        end: TrialEnd,
    ) -> Result<Subscription, ActionError> {
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = Box::pin(self.change_trial_held(&of, &mut held, end)).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn change_trial_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        end: TrialEnd,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        self.check_trial(&seen, end)?;
        // It is what was asked for.
        if let TrialEnd::At(at) = end
            && seen.model.trial_end == Some(at)
        {
            return Ok(seen.model);
        }
        let request = IdempotencyKey::drawn().to_string();
        let key = IdempotencyKey::new(&format!("act:{request}{KEY_END}"));
        let change = ChangeTrial {
            subscription: of.id,
            ends_at: match end {
                TrialEnd::Now => None,
                TrialEnd::At(at) => Some(at.unix()),
            },
            request: &request,
        };
        let frozen = change.freeze(key.map_err(FlowError::from)?);
        let claim = self.freeze(of, held, frozen).await?;
        self.send_trial(of, &claim, &seen).await
    }

    /// Whether a subscription is in a free trial whose end may be set here.
    fn check_trial(&self, seen: &Refreshed, end: TrialEnd) -> Result<(), ActionError> {
        let model = &seen.model;
        let now = self.told_at(seen);
        let schedule = seen.read.as_ref().and_then(|read| read.schedule.as_ref());
        let waits = seen
            .read
            .as_ref()
            .is_some_and(|read| read.pending_update.is_some());
        let last = now.plus_seconds(ENDS_BY_ITSELF_SECONDS);
        let runs = model.status == SubscriptionStatus::Trialing
            && model.trial_end.is_some_and(|ends| ends > last);
        let why = if model.status.is_terminal() {
            ActionErrorCode::Ended
        } else if model.awaits_shopper() {
            ActionErrorCode::NotConfirmed
        } else if !runs {
            ActionErrorCode::NoTrialRuns
        } else if model.planned_end().is_some() {
            ActionErrorCode::Canceling
        } else if model.pause.is_some() {
            ActionErrorCode::Paused
        } else if ours(seen).is_some() {
            ActionErrorCode::ChangeScheduled
        } else if schedule.is_some() {
            ActionErrorCode::Scheduled
        } else if waits {
            ActionErrorCode::PaymentOpen
        } else {
            match end {
                // Stripe would end or pause it instead, as its settings say.
                TrialEnd::Now if model.needs_payment_method() || model.payment_method.is_none() => {
                    ActionErrorCode::MethodMissing
                }
                TrialEnd::At(at) if at <= now => ActionErrorCode::TrialEndPast,
                TrialEnd::At(at) if at > now.plus_seconds(LONGEST_SECONDS) => {
                    ActionErrorCode::TrialTooLong
                }
                TrialEnd::Now | TrialEnd::At(_) => return Ok(()),
            }
        };
        Err(ActionError::refused(why, model))
    }

    /// Sends what is frozen. A first period that cannot be charged is refused as a whole, so the trial goes on.
    async fn send_trial(
        &self,
        of: &Target<'_>,
        claim: &Claim,
        seen: &Refreshed,
    ) -> Result<Subscription, ActionError> {
        let stripe = &self.cx.stripe;
        let change = change_of(&claim.request);
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| {
                Box::pin(async move { Ok(stripe.change_subscription(of.id, frozen).await?.value) })
            },
            || {
                Box::pin(async move {
                    let read = stripe.retrieve_subscription(of.id).await?.value;
                    Ok::<_, ActionError>(is_made(&read, change).then_some(read))
                })
            },
        );
        match sent.await? {
            Sent::Made(_) | Sent::Found(_) => self.settle_trial(of).await,
            Sent::Refused(StripeError::Declined { .. }) => Err(ActionError::refused(
                ActionErrorCode::TrialDeclined,
                &seen.model,
            )),
            Sent::Refused(error) => {
                let now = self.read(of).await?;
                // It may be another one than was looked at.
                self.check_trial(&now, TrialEnd::of(&claim.request))?;
                let why = if is_after_anchor(&error) {
                    ActionErrorCode::TrialTooLong
                } else {
                    ActionErrorCode::ChangeRefused
                };
                Err(ActionError::refused(why, &now.model))
            }
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// A method that was detached a moment ago lets Stripe end or pause the subscription with its trial.
    async fn settle_trial(&self, of: &Target<'_>) -> Result<Subscription, ActionError> {
        let now = self.look(of).await?;
        let why = match &now.status {
            status if status.is_terminal() => ActionErrorCode::Ended,
            SubscriptionStatus::Paused => ActionErrorCode::MethodMissing,
            _ => return Ok(now),
        };
        Err(ActionError::refused(why, &now))
    }

    /// Brings to its end what another caller has frozen before it died. Nothing comes of what was asked for long
    /// ago, and of which Stripe knows nothing.
    pub(super) async fn finish_abandoned_trial(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let seen = self.read(of).await?;
        let change = change_of(&claim.request);
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        let is_known = |read: &perennial_stripe::Subscription| is_made(read, change);
        let done = if seen.read.as_ref().is_some_and(is_known) {
            self.settle_trial(of).await
        } else if age > STILL_MEANT_SECONDS {
            Err(ActionError::refused(ActionErrorCode::Changed, &seen.model))
        } else {
            match self.check_trial(&seen, TrialEnd::of(&claim.request)) {
                Ok(()) => self.send_trial(of, claim, &seen).await,
                Err(refusal) => Err(refusal),
            }
        };
        ended(done)
    }
}

/// Whether what was frozen here gives a trial another end.
pub(super) fn is_of_trial(request: &FrozenRequest) -> bool {
    request.idempotency_key.as_str().ends_with(KEY_END)
}

/// Whether Stripe has refused an end after the billing cycle anchor, where that was set for later than the trial.
fn is_after_anchor(error: &StripeError) -> bool {
    let StripeError::Invalid { code, .. } = error else {
        return false;
    };
    code.as_deref() == Some("subscription_update_trial_after_billing_cycle_anchor")
}
