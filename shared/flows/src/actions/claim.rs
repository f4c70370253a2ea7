//! One request at a time for each subscription.

use perennial_store::{ActionLog, ActionOutcome, ActiveAction, ClaimedStep, Steps};
use perennial_types::{AgreedEnd, Claim, IdempotencyKey, Lease, Subscription, Timestamp};

use super::{ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target};
use crate::{FlowError, subscriptions::Subscriptions};

/// Whether a request may be carried out.
pub(super) enum Turn {
    /// It may, by this caller.
    Mine(Held),
    /// It was, under the same key; with what was noted of it.
    Over(Option<String>),
}

/// The claim on a subscription, which this caller holds.
pub(super) struct Held(ActionLog);

impl Held {
    /// Which request of the subscription this is.
    pub(super) fn number(&self) -> u64 {
        self.0.count()
    }

    /// Whether half of it may have been done.
    fn has_steps(&self) -> bool {
        let active = self.0.active.as_ref();
        active.is_some_and(|active| active.steps.is_some())
    }
}

impl SubscriptionActions<'_> {
    /// Waits until no other request changes the subscription, and claims it. A caller that has died holds it
    /// for as long as its lease. `steps` says what may be half done from the beginning.
    pub(super) async fn turn(
        &self,
        of: &Target<'_>,
        asked: &AskedAction,
        steps: Option<Steps>,
    ) -> Result<Turn, ActionError> {
        let patience = self.cx.patience();
        let lease = self.cx.lease();
        let (id, fingerprint) = match &asked.key {
            Some(key) => (key.id.clone(), key.fingerprint.clone()),
            None => (IdempotencyKey::drawn().to_string(), String::new()),
        };
        loop {
            let seen = self.cx.table.actions(of.user, of.id).await?;
            if let Some(ended) = seen.ended(&id) {
                if ended.fingerprint != fingerprint {
                    return Err(ActionErrorCode::KeyReused.into());
                }
                return match &ended.outcome {
                    ActionOutcome::Done { note } => Ok(Turn::Over(note.clone())),
                    ActionOutcome::Refused { refusal } => {
                        let why: ActionErrorCode =
                            serde_json::from_str(refusal).map_err(FlowError::KeptAnswer)?;
                        Err(ActionError::refused(why, &self.look(of).await?))
                    }
                };
            }
            let now = self.cx.clock.now();
            match &seen.active {
                // The answer to this caller's own claim was lost on its way.
                Some(active) if active.lease.owner == lease.owner => {
                    return Ok(Turn::Mine(Held(seen)));
                }
                Some(active) if active.id == id && active.fingerprint != fingerprint => {
                    return Err(ActionErrorCode::KeyReused.into());
                }
                Some(active) if active.lease.until > now => {}
                Some(active) if is_ended_first(active) => {
                    self.end_abandoned(of, &seen, active).await?;
                    continue;
                }
                before => {
                    // However often it is begun again, it was meant when it was begun first.
                    let same = before.as_ref().filter(|before| before.id == id);
                    let action = ActiveAction {
                        id: id.clone(),
                        fingerprint: fingerprint.clone(),
                        lease: lease.clone(),
                        frozen_at: same.map_or(now, |same| same.frozen_at),
                        request: None,
                        owed: None,
                        steps,
                    };
                    let table = &self.cx.table;
                    let begun = table.begin_action(of.user, of.id, &seen, action, now);
                    if let Some(mine) = begun.await? {
                        return Ok(Turn::Mine(Held(mine)));
                    }
                }
            }
            if !patience.wait().await {
                return Err(FlowError::Busy.into());
            }
        }
    }

    /// Keeps what is going to be sent with the claim; false when another caller has taken it over.
    pub(super) async fn freeze_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        claim: &Claim,
    ) -> Result<bool, ActionError> {
        let now = self.cx.clock.now();
        let table = &self.cx.table;
        let frozen = table.freeze_action(of.user, of.id, &held.0, claim, now);
        match frozen.await? {
            Some(frozen) => {
                held.0 = frozen;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Notes what has begun, of which half is not to be left.
    pub(super) async fn mark_steps(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        steps: Steps,
    ) -> Result<(), ActionError> {
        let (lease, now) = (self.cx.lease(), self.cx.clock.now());
        let table = &self.cx.table;
        let marked = table.mark_action(of.user, of.id, &held.0, steps, lease, now);
        held.0 = marked.await?.ok_or(FlowError::Busy)?;
        Ok(())
    }

    /// Keeps what is owed with the claim; false when another caller has taken it over.
    pub(super) async fn owe_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        owed: &AgreedEnd,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<bool, ActionError> {
        let table = &self.cx.table;
        let written = table.owe(of.user, of.id, &held.0, owed, lease, now);
        let Some(written) = written.await? else {
            return Ok(false);
        };
        held.0 = written;
        Ok(true)
    }

    /// Gives the claim back, and writes down what came of a request that has a key. What could not be done for
    /// now may be asked for again under it.
    pub(super) async fn give_back<T>(
        &self,
        of: &Target<'_>,
        asked: &AskedAction,
        held: Held,
        done: &Result<T, ActionError>,
        note: Option<String>,
    ) -> Result<(), ActionError> {
        let outcome = match (&asked.key, done) {
            // Half of it may have been carried out: its claim stays, and whoever comes next, who need not wait for
            // its lease, finds out; if nobody does, the sweep.
            (_, Err(ActionError::Flow(_))) if held.has_steps() => {
                if let Some(active) = &held.0.active {
                    let step = ClaimedStep::Action(of.user, of.id);
                    self.cx.table.release(step, &active.lease.owner).await?;
                }
                return Ok(());
            }
            (None, _) | (_, Err(ActionError::Flow(_))) => None,
            (Some(_), Ok(_)) => Some(ActionOutcome::Done { note }),
            (Some(_), Err(ActionError::Refused(refusal))) => Some(ActionOutcome::Refused {
                refusal: serde_json::to_string(&refusal.why).map_err(FlowError::KeptAnswer)?,
            }),
        };
        let now = self.cx.clock.now();
        let table = &self.cx.table;
        table
            .end_action(of.user, of.id, &held.0, outcome, now)
            .await?;
        Ok(())
    }

    /// The subscription as Stripe has it now.
    pub(super) async fn look(&self, of: &Target<'_>) -> Result<Subscription, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let read = subscriptions.refresh(of.user, &of.customer, of.id).await?;
        Ok(read.model)
    }
}

/// Whether an action whose caller has died has to be brought to its end before another one may begin. A payment
/// method need not: its SetupIntent is there for whoever finishes it.
pub(super) fn is_ended_first(active: &ActiveAction) -> bool {
    active.is_frozen()
        || matches!(
            active.steps,
            Some(Steps::Cancel | Steps::CancelAt(_) | Steps::WithdrawChange)
        )
}
