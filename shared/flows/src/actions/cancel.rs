//! Canceling a subscription, and taking that back.

use perennial_store::Steps;
use perennial_stripe::{CancellationDetails, Reply, SetEnd, StripeError};
use perennial_types::{AgreedEnd, CancelWhen, GivenBack, NotNow, Plans, Subscription, Timestamp};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    change_plan::ours,
    claim::{Held, Turn},
};
use crate::{
    FlowError,
    subscriptions::{Refreshed, Subscriptions},
};

/// What is asked of a subscription that is to end.
#[derive(Clone, Default)]
pub struct Cancel {
    /// When it ends: with the period that is paid for, or at once where none is, if nothing is said.
    pub when: Option<CancelWhen>,
    /// The date, where one is named.
    pub at: Option<Timestamp>,
    /// Whether the unused time goes back without a preview, which only a server may ask for.
    pub prorated: bool,
    /// The end at once that was shown.
    pub agreed: Option<AgreedEnd>,
    /// What the shopper says about it.
    pub details: CancellationDetails,
}

/// A subscription that ends or has ended.
#[derive(Debug)]
pub struct Canceled {
    /// The subscription.
    pub subscription: Subscription,
    /// What went back with it; none if no refund was agreed to.
    pub given_back: Option<GivenBack>,
}

impl Canceled {
    /// What a repeat is answered with.
    pub(super) fn note(&self) -> Result<Option<String>, ActionError> {
        let note = self.given_back.as_ref().map(serde_json::to_string);
        Ok(note.transpose().map_err(FlowError::KeptAnswer)?)
    }
}

impl From<Subscription> for Canceled {
    fn from(subscription: Subscription) -> Self {
        Self {
            subscription,
            given_back: None,
        }
    }
}

/// Both of Stripe's fields may hold an end, and each is cleared by itself.
const LOOKS: usize = 2;

impl SubscriptionActions<'_> {
    /// Cancels a subscription, and answers with it as it is then.
    pub async fn cancel(
        &self,
        asked: &AskedAction,
        cancel: &Cancel,
    ) -> Result<Canceled, ActionError> {
        if let Some(agreed) = &cancel.agreed
            && (&agreed.user, &agreed.subscription) != (&asked.user, &asked.subscription)
        {
            return Err(ActionErrorCode::InvalidPreview.into());
        }
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(note) => {
                return Ok(Canceled {
                    subscription: self.look(&of).await?,
                    given_back: note.and_then(|note| serde_json::from_str(&note).ok()),
                });
            }
        };
        let done = Box::pin(self.cancel_held(&of, &mut held, asked, cancel)).await;
        let note = done.as_ref().ok().map(Canceled::note);
        let note = note.transpose()?.flatten();
        self.give_back(&of, asked, held, &done, note).await?;
        done
    }

    async fn cancel_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        asked: &AskedAction,
        cancel: &Cancel,
    ) -> Result<Canceled, ActionError> {
        let details = &cancel.details;
        if let Some(agreed) = &cancel.agreed {
            return self
                .end_as_agreed(of, held, asked.by, agreed, details)
                .await;
        }
        if cancel.prorated {
            let agreed = self.agree_now(asked, of).await?;
            return self.end_now(of, held, &agreed, details).await;
        }
        let canceled = self.cancel_now_or_later(of, held, asked, cancel).await?;
        Ok(canceled.into())
    }

    /// Takes a cancellation back that has not taken effect, and answers with the subscription as it is then.
    pub async fn withdraw_cancellation(
        &self,
        asked: &AskedAction,
    ) -> Result<Subscription, ActionError> {
        let of = self.target(asked).await?;
        let held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = self.keep(&of, asked).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn cancel_now_or_later(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        asked: &AskedAction,
        cancel: &Cancel,
    ) -> Result<Subscription, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let seen = subscriptions.refresh(of.user, &of.customer, of.id).await?;
        let model = &seen.model;
        let may = self.may(asked.by, model).cancel;
        // Asked for once more, it is the end that is set: an end at once has to be named.
        let planned = model.planned_end().map(|_| CancelWhen::PeriodEnd);
        let usual = planned.or(may.when.first().copied());
        let wanted = cancel.when.or(usual);
        match (may.reason, wanted) {
            // It is what was asked for.
            (Some(NotNow::Canceling), None | Some(CancelWhen::PeriodEnd)) => {
                return self.say_why(of, seen, cancel).await;
            }
            (Some(NotNow::Canceling), Some(CancelWhen::Now)) => {
                return Err(ActionError::refused(ActionErrorCode::PeriodIsPaid, model));
            }
            (Some(reason), _) => return Err(ActionError::refused(reason.into(), model)),
            (None, Some(when)) if !may.when.contains(&when) => {
                if when == CancelWhen::PeriodEnd && model.planned_end().is_some() {
                    return self.say_why(of, seen, cancel).await;
                }
                if when == CancelWhen::Date
                    && cancel.at.is_some()
                    && model.planned_end() == cancel.at
                {
                    return Ok(seen.model);
                }
                let why = match when {
                    CancelWhen::Now => ActionErrorCode::PeriodIsPaid,
                    CancelWhen::Date if model.planned_end().is_some() => ActionErrorCode::Canceling,
                    CancelWhen::PeriodEnd | CancelWhen::Date => ActionErrorCode::NoPeriodRuns,
                };
                return Err(ActionError::refused(why, model));
            }
            (None, _) => {}
        }
        let stripe = &self.cx.stripe;
        if wanted == Some(CancelWhen::Now) {
            // Who loses what is paid for does so with its price in view.
            let now = self.cx.clock.now();
            let without = model.actions(asked.by, now, &Plans::default()).cancel;
            if !without.when.contains(&CancelWhen::Now) {
                return Err(ActionError::refused(
                    ActionErrorCode::PreviewRequired,
                    model,
                ));
            }
            let canceled = stripe.cancel_subscription(of.id, &cancel.details);
            return self.changed(of, canceled).await;
        }
        let (end, steps) = match wanted {
            Some(CancelWhen::Date) => {
                let at = self.date_of(&seen, cancel.at)?;
                (SetEnd::At(at.unix()), Steps::CancelAt(at))
            }
            _ => (SetEnd::WithPeriod, Steps::Cancel),
        };
        if ours(&seen).is_some() {
            self.mark_steps(of, held, steps).await?;
        }
        self.release_and_end(of, &seen, end, &cancel.details).await
    }

    /// Gives a change to come up, and lets the subscription end.
    pub(super) async fn release_and_end(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
        end: SetEnd,
        details: &CancellationDetails,
    ) -> Result<Subscription, ActionError> {
        self.release_schedule_of(seen).await?;
        let set = self.cx.stripe.set_end(of.id, end, details);
        self.changed(of, set).await
    }

    /// A page asks why once it is canceled. Stripe keeps that beside an end that is set once more, which must
    /// be the same one.
    async fn say_why(
        &self,
        of: &Target<'_>,
        seen: Refreshed,
        cancel: &Cancel,
    ) -> Result<Subscription, ActionError> {
        let details = &cancel.details;
        let with_period = seen.read.as_ref().is_some_and(|it| it.cancel_at_period_end);
        if !with_period || (details.feedback.is_none() && details.comment.is_none()) {
            return Ok(seen.model);
        }
        let set = self.cx.stripe.set_end(of.id, SetEnd::WithPeriod, details);
        self.changed(of, set).await
    }

    async fn keep(
        &self,
        of: &Target<'_>,
        asked: &AskedAction,
    ) -> Result<Subscription, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let mut seen = subscriptions.refresh(of.user, &of.customer, of.id).await?;
        for _ in 0..LOOKS {
            let may = self.may(asked.by, &seen.model).withdraw_cancellation;
            match may.reason {
                // It is what was asked for.
                Some(NotNow::NotCanceling) => return Ok(seen.model),
                Some(reason) => return Err(ActionError::refused(reason.into(), &seen.model)),
                None => {}
            }
            self.release_schedule_of(&seen).await?;
            let with_period = seen.read.as_ref().is_some_and(|it| it.cancel_at_period_end);
            let end = if with_period {
                SetEnd::NotWithPeriod
            } else {
                SetEnd::AtNoTime
            };
            let nothing = CancellationDetails::default();
            let set = self.cx.stripe.set_end(of.id, end, &nothing);
            let changed = subscriptions.refresh_by(of.user, &of.customer, of.id, set);
            seen = changed.await?;
        }
        if seen.model.planned_end().is_some() {
            return Err(ActionError::refused(ActionErrorCode::Changed, &seen.model));
        }
        Ok(seen.model)
    }

    /// Changes the subscription at Stripe and writes down what that has answered.
    pub(super) async fn changed(
        &self,
        of: &Target<'_>,
        change: impl Future<Output = Result<Reply<perennial_stripe::Subscription>, StripeError>>,
    ) -> Result<Subscription, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let changed = subscriptions.refresh_by(of.user, &of.customer, of.id, change);
        let error = match changed.await {
            Ok(changed) => return Ok(changed.model),
            Err(error) => error,
        };
        // It may have ended since it was looked at; Stripe refuses to change what has.
        if matches!(&error, FlowError::Stripe(StripeError::Invalid { .. })) {
            let now = self.look(of).await?;
            if now.status.is_terminal() {
                return Err(ActionError::refused(ActionErrorCode::Ended, &now));
            }
        }
        Err(error.into())
    }

    /// A schedule decides about the end of its subscription. One that was made here for a plan to come is given
    /// up, and another one is not ours to end.
    pub(super) async fn release_schedule_of(&self, seen: &Refreshed) -> Result<(), ActionError> {
        let schedule = seen.read.as_ref().and_then(|read| read.schedule.as_ref());
        match (schedule, ours(seen)) {
            (None, _) => Ok(()),
            (Some(_), Some(ours)) => self.release(&ours.id).await,
            (Some(_), None) => Err(ActionError::refused(
                ActionErrorCode::Scheduled,
                &seen.model,
            )),
        }
    }

    /// Takes another plan back that has not taken effect, and answers with the subscription as it is then.
    pub async fn withdraw_change(&self, asked: &AskedAction) -> Result<Subscription, ActionError> {
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = self.keep_plan(&of, &mut held, asked).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn keep_plan(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        asked: &AskedAction,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        let may = self.may(asked.by, &seen.model).withdraw_change;
        match may.reason {
            // It is what was asked for.
            Some(NotNow::NothingPending) => return Ok(seen.model),
            Some(reason) => return Err(ActionError::refused(reason.into(), &seen.model)),
            None => {}
        }
        // No event that is listened to tells of it, so whoever dies after it has to be followed by somebody.
        if ours(&seen).is_some() {
            self.mark_steps(of, held, Steps::WithdrawChange).await?;
        }
        self.release_schedule_of(&seen).await?;
        self.look(of).await
    }
}
