//! Pausing a subscription, for a time or until it is resumed.

use perennial_store::{ActionOutcome, AskedPause, ClaimedStep};
use perennial_stripe::{PauseSubscription, ResumeSubscription};
use perennial_types::{
    By, Claim, FrozenRequest, IdempotencyKey, LONGEST_PAUSE_DAYS, Subscription, SubscriptionStatus,
    Timestamp,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    abandoned::STILL_MEANT_SECONDS,
    change_plan::ours,
    claim::{Held, Turn},
};
use crate::{FlowError, claimed_step::Sent, subscriptions::Refreshed};

/// Whoever was asked for a pause has carried it out by then, or has died.
const LOOK_AFTER_SECONDS: i64 = 60;

const DAY_SECONDS: i64 = 24 * 3600;
/// A pause is for longer than the sweep needs to end it.
const SHORTEST_SECONDS: i64 = 3600;

/// What is asked of a subscription that is to be paused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    /// When it goes on by itself; only when it is asked to without.
    pub until: Option<Timestamp>,
}

impl SubscriptionActions<'_> {
    /// Pauses a subscription, and answers with it as it is then.
    pub async fn pause(
        &self,
        asked: &AskedAction,
        pause: Pause,
    ) -> Result<Subscription, ActionError> {
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = Box::pin(self.pause_held(&of, &mut held, asked.by, pause)).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn pause_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        by: By,
        ask: Pause,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        if Self::is_paused_so(&seen.model, ask) {
            return Ok(seen.model);
        }
        let read = self.pausable(&seen, by, ask)?;
        let asked = AskedPause {
            asked: self.told_at(&seen),
            until: ask.until,
        };
        if read.is_classic() {
            // Stripe ends it by itself.
            self.note(of, asked, None).await?;
            self.release_schedule_of(&seen).await?;
            let until = ask.until.map(Timestamp::unix);
            let paused = self.cx.stripe.pause_collection(of.id, until);
            return self.changed(of, paused).await;
        }
        // Before Stripe is asked, so that no pause is ever without the end that was promised.
        let look_at = self.cx.clock.now().plus_seconds(LOOK_AFTER_SECONDS);
        self.note(of, asked, ask.until.map(|_| look_at)).await?;
        let key = IdempotencyKey::new(&format!("act:{}:pause", IdempotencyKey::drawn()));
        let request = PauseSubscription {
            subscription: of.id,
        };
        let request = request.freeze(key.map_err(FlowError::from)?);
        let claim = self.freeze(of, held, request).await?;
        self.send_pause(of, &claim, &seen).await
    }

    /// What is to be paused, if it may be.
    pub(super) fn pausable<'r>(
        &self,
        seen: &'r Refreshed,
        by: By,
        ask: Pause,
    ) -> Result<&'r perennial_stripe::Subscription, ActionError> {
        let refuse = |why| ActionError::refused(why, &seen.model);
        let now = self.cx.clock.now();
        let may = seen.model.actions(by, now, &self.cx.plans).pause;
        if let Some(reason) = may.reason {
            return Err(refuse(reason.into()));
        }
        let begins = self.told_at(seen);
        let first = begins.plus_seconds(SHORTEST_SECONDS);
        if ask.until.is_some_and(|until| until < first) {
            return Err(refuse(ActionErrorCode::PauseTooShort));
        }
        let longest = may.longest_days.unwrap_or(LONGEST_PAUSE_DAYS);
        let last = begins.plus_seconds(i64::from(longest).saturating_mul(DAY_SECONDS));
        let fits = ask.until.map_or(may.open_end, |until| until <= last);
        if !fits {
            return Err(refuse(ActionErrorCode::PauseTooLong));
        }
        let read = seen.read.as_ref();
        let read = read.ok_or_else(|| refuse(ActionErrorCode::Ended))?;
        if read.pending_update.is_some() {
            return Err(refuse(ActionErrorCode::PaymentOpen));
        }
        if read.schedule.is_some() && ours(seen).is_none() {
            return Err(refuse(ActionErrorCode::Scheduled));
        }
        Ok(read)
    }

    /// Whether what is asked for is there already.
    fn is_paused_so(model: &Subscription, ask: Pause) -> bool {
        let pause = model.pause.as_ref();
        pause.is_some_and(|it| !it.reason.lacks_payment() && it.resumes_at == ask.until)
    }

    /// What time it is by Stripe's clock, by which a pause begins and is noted.
    pub(super) fn told_at(&self, seen: &Refreshed) -> Timestamp {
        seen.at
            .map_or_else(|| self.cx.clock.now(), Timestamp::from_unix)
    }

    async fn note(
        &self,
        of: &Target<'_>,
        pause: AskedPause,
        look_at: Option<Timestamp>,
    ) -> Result<(), ActionError> {
        let noted = self.cx.table.note_pause(of.user, of.id, pause, look_at);
        if noted.await? {
            Ok(())
        } else {
            Err(FlowError::ItemLacks("its model").into())
        }
    }

    /// A change to come is given up with it, once the pause is frozen, so that whoever goes on does both.
    async fn send_pause(
        &self,
        of: &Target<'_>,
        claim: &Claim,
        seen: &Refreshed,
    ) -> Result<Subscription, ActionError> {
        self.release_schedule_of(seen).await?;
        let stripe = &self.cx.stripe;
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| Box::pin(async move { Ok(stripe.pause_or_resume(frozen).await?.value) }),
            || {
                Box::pin(async move {
                    let noted = self.noted(of).await?;
                    let read = stripe.retrieve_subscription(of.id).await?.value;
                    Ok::<_, ActionError>(is_paused_as(&read, noted).then_some(read))
                })
            },
        );
        match sent.await? {
            Sent::Made(_) | Sent::Found(_) => self.settle_pause(of).await,
            Sent::Refused(_) => {
                // Before the reading, which notes when the shop is told of the next charge.
                self.forget(of).await?;
                let now = self.read(of).await?;
                let why = match &now.model {
                    it if it.status.is_terminal() => ActionErrorCode::Ended,
                    it if it.pause.is_some() => ActionErrorCode::Paused,
                    _ => ActionErrorCode::ChangeRefused,
                };
                Err(ActionError::refused(why, &now.model))
            }
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// It is paused, so its end is what has to be looked at next.
    async fn settle_pause(&self, of: &Target<'_>) -> Result<Subscription, ActionError> {
        let model = self.look(of).await?;
        let ends = model.pause.as_ref().and_then(|pause| pause.resumes_at);
        if let Some((asked, ends)) = self.noted(of).await?.zip(ends) {
            self.note(of, asked, Some(ends)).await?;
        }
        Ok(model)
    }

    /// The pause that was noted of a subscription.
    pub(super) async fn noted(&self, of: &Target<'_>) -> Result<Option<AskedPause>, ActionError> {
        let known = self.cx.table.subscription(of.user, of.id).await?;
        Ok(known.and_then(|known| known.pause))
    }

    /// Forgets what was noted of a pause. Until the next reading, no time is noted at which the shop is told of the
    /// next charge.
    pub(super) async fn forget(&self, of: &Target<'_>) -> Result<(), ActionError> {
        if let Some(asked) = self.noted(of).await? {
            let table = &self.cx.table;
            table.forget_pause(of.user, of.id, asked).await?;
        }
        Ok(())
    }

    /// Brings a pause to its end that another caller has frozen before it died. Nothing comes of one that was
    /// asked for long ago, and of which Stripe knows nothing.
    pub(super) async fn finish_abandoned_pause(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let seen = self.read(of).await?;
        let noted = self.noted(of).await?;
        let is_made = |read: &perennial_stripe::Subscription| is_paused_as(read, noted);
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        let done = if seen.read.as_ref().is_some_and(is_made) {
            self.settle_pause(of).await
        } else if age > STILL_MEANT_SECONDS {
            self.forget(of).await?;
            let now = self.look(of).await?;
            Err(ActionError::refused(ActionErrorCode::Changed, &now))
        } else {
            self.send_pause(of, claim, &seen).await
        };
        ended(done)
    }
}

/// What is written down of a request that was brought to its end.
pub(super) fn ended(
    done: Result<Subscription, ActionError>,
) -> Result<Option<ActionOutcome>, ActionError> {
    match done {
        Ok(_) => Ok(Some(ActionOutcome::DONE)),
        Err(ActionError::Refused(refusal)) => {
            let refusal = serde_json::to_string(&refusal.why).map_err(FlowError::KeptAnswer)?;
            Ok(Some(ActionOutcome::Refused { refusal }))
        }
        Err(error) => Err(error),
    }
}

/// Whether what was frozen here pauses a subscription, or ends a pause.
pub(super) fn is_pause(request: &FrozenRequest) -> bool {
    request.path.ends_with(PauseSubscription::PATH_END)
}

pub(super) fn is_resumption(request: &FrozenRequest) -> bool {
    request.path.ends_with(ResumeSubscription::PATH_END)
}

/// Whether it is paused by what was noted.
fn is_paused_as(read: &perennial_stripe::Subscription, noted: Option<AskedPause>) -> bool {
    let since = read.paused_at().map(Timestamp::from_unix);
    let begun = noted.zip(since);
    read.status == SubscriptionStatus::Paused
        && begun.is_some_and(|(noted, since)| noted.may_have_begun(since))
}
