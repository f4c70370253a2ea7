//! What a caller has left half done that has died. The next request about the subscription brings it to its end,
//! and if there is none, the sweep.

use perennial_store::{ActionLog, ActionOutcome, ActiveAction, ClaimedStep, Offers, Steps};
use perennial_stripe::{CancellationDetails, CreateSchedule, Expandable, SetEnd, StripeError};
use perennial_types::{By, Claim, SetupIntentId, Subscription, SubscriptionId, UserId};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    change_plan::{Made, change_of, is_made, is_scheduled, ours, waits},
    claim::is_ended_first,
    discount::is_of_discounts,
    pausing::{is_pause, is_resumption},
    refund::is_refund,
    trial_time::is_of_trial,
};
use crate::{FlowError, subscriptions::Refreshed};

/// For so long an action whose caller has died is gone on with; afterwards it is only looked for.
pub(super) const STILL_MEANT_SECONDS: i64 = 30 * 60;

/// What a sweep has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its caller, or another one, is at it.
    NotYet,
    /// It has come to its end, whichever that is.
    Now,
}

impl SubscriptionActions<'_> {
    /// Brings to its end what is half done to a subscription, if its caller is no longer alive.
    pub(crate) async fn finish_due(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
    ) -> Result<Ended, ActionError> {
        let seen = self.cx.table.actions(user, subscription).await?;
        let Some(active) = &seen.active else {
            return Ok(Ended::Now);
        };
        if active.lease.until > self.cx.clock.now() {
            return Ok(Ended::NotYet);
        }
        let asked = AskedAction {
            user: user.clone(),
            subscription: subscription.clone(),
            by: By::Server,
            key: None,
        };
        let of = match self.target_of_due(&asked, active).await {
            Ok(of) => of,
            // Its customer is gone from Stripe, and everything with it.
            Err(ActionError::Refused(_)) => {
                self.give_up(user, subscription, &seen).await?;
                return Ok(Ended::Now);
            }
            Err(error) => return Err(error),
        };
        if active.steps == Some(Steps::PaymentMethod) {
            self.finish_method_of(&of, &seen, active).await?;
            return Ok(Ended::Now);
        }
        if is_ended_first(active) && self.end_abandoned(&of, &seen, active).await? {
            return Ok(Ended::Now);
        }
        Ok(Ended::NotYet)
    }

    /// Money that is owed goes back even if its subscription is no longer where the others are.
    async fn target_of_due<'t>(
        &self,
        asked: &'t AskedAction,
        active: &ActiveAction,
    ) -> Result<Target<'t>, ActionError> {
        if active.owed.is_none() {
            return self.target(asked).await;
        }
        let customer = self.cx.table.known_customer(&asked.user).await?;
        Ok(Target {
            user: &asked.user,
            customer: customer.ok_or(FlowError::ItemLacks("the customer who is owed"))?,
            id: &asked.subscription,
            by: asked.by,
            offers: Offers::default(),
        })
    }

    async fn finish_method_of(
        &self,
        of: &Target<'_>,
        seen: &ActionLog,
        active: &ActiveAction,
    ) -> Result<(), ActionError> {
        let setup: Option<SetupIntentId> = active.id.parse().ok();
        match setup.filter(|_| self.is_still_meant(active)) {
            Some(setup) => {
                Box::pin(self.finish_method_for_event(&setup)).await?;
                Ok(())
            }
            None => self.give_up(of.user, of.id, seen).await,
        }
    }

    async fn give_up(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        seen: &ActionLog,
    ) -> Result<(), ActionError> {
        let now = self.cx.clock.now();
        let table = &self.cx.table;
        table
            .end_action(user, subscription, seen, None, now)
            .await?;
        Ok(())
    }

    fn is_still_meant(&self, active: &ActiveAction) -> bool {
        let age = self.cx.clock.now().unix() - active.frozen_at.unix();
        age <= STILL_MEANT_SECONDS
    }

    /// Takes over what a caller has left that has died, and brings it to its end; false when another one is at it.
    pub(super) async fn end_abandoned(
        &self,
        of: &Target<'_>,
        seen: &ActionLog,
        active: &ActiveAction,
    ) -> Result<bool, ActionError> {
        let lease = self.cx.lease();
        let step = ClaimedStep::Action(of.user, of.id);
        let table = &self.cx.table;
        if !table.take_over(step, &active.lease, &lease).await? {
            return Ok(false);
        }
        let outcome = match (&active.owed, active.request.clone()) {
            (Some(owed), _) => {
                let finished = self.finish_owed(of, owed, (&lease, active.frozen_at));
                Some(Box::pin(finished).await?)
            }
            (None, Some(request)) => {
                let claim = Claim {
                    lease,
                    frozen_at: active.frozen_at,
                    request,
                };
                if is_pause(&claim.request) {
                    Box::pin(self.finish_abandoned_pause(of, &claim)).await?
                } else if is_resumption(&claim.request) {
                    Box::pin(self.finish_abandoned_resumption(of, &claim)).await?
                } else if is_of_trial(&claim.request) {
                    Box::pin(self.finish_abandoned_trial(of, &claim)).await?
                } else if is_of_discounts(&claim.request) {
                    Box::pin(self.finish_abandoned_discount(of, &claim)).await?
                } else if is_refund(&claim.request) {
                    Box::pin(self.finish_abandoned_refund(of, &claim)).await?
                } else {
                    Box::pin(self.finish_change(of, &claim)).await?
                }
            }
            (None, None) => self.finish_cancel(of, active).await?,
        };
        let now = self.cx.clock.now();
        table.end_action(of.user, of.id, seen, outcome, now).await?;
        Ok(true)
    }

    /// Lets a subscription end whose change to come may have been given up for that, or takes the change back.
    async fn finish_cancel(
        &self,
        of: &Target<'_>,
        active: &ActiveAction,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let seen = self.read(of).await?;
        // Without a key nobody comes back for what became of it.
        let done = (!active.fingerprint.is_empty()).then_some(ActionOutcome::DONE);
        let withdraws = active.steps == Some(Steps::WithdrawChange);
        // What was just read is in the table by now.
        if withdraws && ours(&seen).is_none() {
            return Ok(done);
        }
        if !withdraws && (seen.model.status.is_terminal() || seen.model.planned_end().is_some()) {
            return Ok(done);
        }
        if !self.is_still_meant(active) {
            return Ok(None);
        }
        if withdraws {
            self.release_schedule_of(&seen).await?;
            self.look(of).await?;
            return Ok(done);
        }
        // What the shopper says about it is in their request alone.
        let nothing = CancellationDetails::default();
        let end = match active.steps {
            Some(Steps::CancelAt(at)) => SetEnd::At(at.unix()),
            _ => SetEnd::WithPeriod,
        };
        match self.release_and_end(of, &seen, end, &nothing).await {
            Ok(_) => Ok(done),
            // Stripe will not have it, now or later.
            Err(
                ActionError::Refused(_)
                | ActionError::Flow(FlowError::Stripe(StripeError::Invalid { .. })),
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Brings to its end a change that another caller has frozen before it died. Nothing comes of a change of which
    /// Stripe knows nothing and that was meant long ago.
    async fn finish_change(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let seen = self.read(of).await?;
        let change = change_of(&claim.request);
        let settled = |settled: Result<Subscription, ActionError>| match settled {
            Ok(_) => Ok(Some(ActionOutcome::DONE)),
            Err(ActionError::Refused(refusal)) => {
                let refusal = serde_json::to_string(&refusal.why).map_err(FlowError::KeptAnswer)?;
                Ok(Some(ActionOutcome::Refused { refusal }))
            }
            Err(error) => Err(error),
        };
        // Only the answer was lost: a repeat of the first half would be answered as if there were no second.
        if is_scheduled(&seen, change) {
            return Ok(Some(ActionOutcome::DONE));
        }
        if claim.request.path == CreateSchedule::PATH {
            if self.cx.key_is_forgotten(claim.frozen_at) {
                return self.release_half_a_schedule(&seen).await;
            }
        } else if self.cx.clock.now().unix() - claim.frozen_at.unix() > STILL_MEANT_SECONDS {
            let outdated = ActionErrorCode::PreviewOutdated;
            return settled(match &seen.read {
                Some(read) if is_made(read, change) => Ok(seen.model),
                // However late it is, it must not be paid for in the end.
                Some(read) if waits(read, change) => self.settle_change(of, read).await,
                _ => Err(ActionError::refused(outdated, &seen.model)),
            });
        }
        match self.send(of, claim, &seen).await {
            Ok(Made::Changed(changed)) => settled(self.settle_change(of, &changed).await),
            // Half of it was done: it holds the subscription fast and changes nothing. Whoever asks for the
            // change once more gets another schedule.
            Ok(Made::Scheduled(schedule)) if schedule.phases.len() < 2 => {
                self.release(&schedule.id).await?;
                Ok(None)
            }
            Ok(Made::Scheduled(_)) => Ok(Some(ActionOutcome::DONE)),
            Err(error) => settled(Err(error)),
        }
    }

    /// Releases a schedule that says nothing yet and was made long ago, when its key is forgotten and does not
    /// tell which one it was.
    async fn release_half_a_schedule(
        &self,
        seen: &Refreshed,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let schedule = seen.read.as_ref().and_then(|read| read.schedule.as_ref());
        let half = schedule.and_then(Expandable::object);
        let half = half.filter(|it| it.phases.len() < 2 && it.metadata.is_empty());
        if let Some(half) = half {
            self.release(&half.id).await?;
        }
        Ok(ours(seen).map(|_| ActionOutcome::DONE))
    }
}
