//! The slot: at most one live subscription for each user and plan group.

use aws_sdk_dynamodb::types::TransactWriteItem;
use perennial_types::{
    Attempt, AttemptId, Claim, FailureReason, Lease, PlanGroup, Subscription, SubscriptionId,
    Timestamp, Trials,
};
use serde::{Deserialize, Serialize};

use crate::{
    PaymentIssues, ShopEvent, StoreError, Table,
    attempt::ended_until,
    attempt_row::State,
    key::{Key, text},
    subscription::{FIRST_FENCE, SubscriptionItem},
    table::{Outcome, delete_of, item, put_of, update_of},
};

/// Who has the right to subscribe in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which group.
    pub group: PlanGroup,
    /// The attempt that holds it.
    pub attempt: AttemptId,
    /// Who is finishing that attempt: an id that no other caller uses.
    pub owner: String,
    /// Until when that finisher is taken to be alive.
    pub lease: Timestamp,
    /// The subscription that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
}

/// What a finisher needs to take the slot.
#[derive(Debug, Clone, Copy)]
pub struct TakeSlot<'a> {
    /// The attempt, as it was read.
    pub attempt: &'a Attempt,
    /// The slot, as it was read, which the finisher has found to be free.
    pub seen: Option<&'a Slot>,
    /// Who takes it, until when, and what is sent: the attempt's own request if it has one.
    pub claim: &'a Claim,
    /// How often the user may have the group's free trial; of no interest without one.
    pub trials: Trials,
}

impl Slot {
    /// The lease on it.
    pub fn lease(&self) -> Lease {
        Lease {
            owner: self.owner.clone(),
            until: self.lease,
        }
    }
}

/// Whether a subscription was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// It was, with its read model.
    Done,
    /// It was; its read model is already being kept by a reader with a fence.
    ReadElsewhere,
    /// The attempt or the slot is not as it was.
    Lost,
}

impl Table {
    /// Takes the slot, freezes the request and notes the free trial that it asks for: all or nothing.
    /// False when the slot or the attempt has changed since they were read.
    pub async fn take_slot(&self, take: TakeSlot<'_>) -> Result<bool, StoreError> {
        let operation = "take_slot";
        let attempt = take.attempt;
        let slot = Slot {
            group: attempt.group.clone(),
            attempt: attempt.id.clone(),
            owner: take.claim.lease.owner.clone(),
            lease: take.claim.lease.until,
            subscription: None,
        };
        let slot = item(operation, Key::slot(&attempt.user, &attempt.group), &slot)?;
        let slot = self.put(slot);
        let slot = match take.seen {
            None => slot.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => {
                let slot = slot
                    .expression_attribute_names("#owner", "owner")
                    .expression_attribute_values(":attempt", text(seen.attempt.as_str()))
                    .expression_attribute_values(":owner", text(&seen.owner))
                    .expression_attribute_values(":lease", text(seen.lease.to_string()));
                let same = "attempt = :attempt AND #owner = :owner AND lease = :lease";
                match &seen.subscription {
                    None => slot.condition_expression(format!(
                        "{same} AND attribute_not_exists(subscription)"
                    )),
                    Some(id) => slot
                        .condition_expression(format!("{same} AND subscription = :subscription"))
                        .expression_attribute_values(":subscription", text(id.as_str())),
                }
            }
        };
        let freeze = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression(
                "SET #state = :subscribing, subscription_request = :request, frozen_at = :at, #group = :group",
            )
            .condition_expression(
                "#state = :issued OR (#state = :subscribing AND subscription_request = :request)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":issued", text(State::Issued.as_str()))
            .expression_attribute_values(":subscribing", text(State::Subscribing.as_str()))
            // The slot is found by the attempt's group, and the plan's may have another name since.
            .expression_attribute_names("#group", "group")
            .expression_attribute_values(":group", text(attempt.group.as_str()))
            .expression_attribute_values(":request", text(take.claim.request.to_text()))
            .expression_attribute_values(":at", text(take.claim.frozen_at.to_string()));
        let mut writes = vec![put_of(operation, slot)?, update_of(operation, freeze)?];
        if let Some(trial) = self.take_trial(attempt, take.trials) {
            writes.push(update_of(operation, trial)?);
        }
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }

    /// Writes down the subscription of the attempt that holds the slot, and when a sweep looks at it.
    pub async fn complete(
        &self,
        attempt: &Attempt,
        (subscription, looked_at): (&Subscription, Option<Timestamp>),
        told: &[ShopEvent],
    ) -> Result<Completed, StoreError> {
        let operation = "complete";
        let ended = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression(
                // What a subscriber agreed to is kept for as long as what came of it.
                "SET #state = :subscribed, subscription = :id REMOVE reason, due, due_at, expires_at",
            )
            .condition_expression("#state = :subscribing")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":subscribing", text(State::Subscribing.as_str()))
            .expression_attribute_values(":subscribed", text(State::Subscribed.as_str()))
            .expression_attribute_values(":id", text(subscription.id.as_str()));
        let moved = vec![update_of(operation, ended)?];
        let told = told.iter().map(|event| self.put_event(operation, event));
        let told = told.collect::<Result<_, _>>()?;
        self.hold_slot(operation, attempt, (subscription, looked_at), moved, told)
            .await
    }

    /// Gives the slot to the attempt's subscription, moves the attempt on, and writes the read
    /// model and what the shop is told of it, unless a reader with a fence has done that already.
    pub(crate) async fn hold_slot(
        &self,
        operation: &'static str,
        attempt: &Attempt,
        (subscription, looked_at): (&Subscription, Option<Timestamp>),
        moved: Vec<TransactWriteItem>,
        told: Vec<TransactWriteItem>,
    ) -> Result<Completed, StoreError> {
        let held = self
            .update(Key::slot(&attempt.user, &attempt.group))
            .update_expression("SET subscription = :id")
            .condition_expression("attempt = :attempt AND attribute_not_exists(subscription)")
            .expression_attribute_values(":attempt", text(attempt.id.as_str()))
            .expression_attribute_values(":id", text(subscription.id.as_str()));
        let model = SubscriptionItem {
            fence: FIRST_FENCE,
            attempt: Some(attempt.id.clone()),
            issues: PaymentIssues::default(),
            pause: None,
            looked_at,
            subscription: Some(subscription.clone()),
        };
        let key = Key::subscription(&attempt.user, &subscription.id);
        let model = self
            .put(item(operation, key, &model)?)
            .condition_expression("attribute_not_exists(pk)");
        let mut without_model = vec![update_of(operation, held)?];
        without_model.extend(moved);
        let mut all = vec![put_of(operation, model)?];
        all.extend(without_model.iter().cloned());
        all.extend(told);
        match self.transact(operation, all).await? {
            Outcome::Done => Ok(Completed::Done),
            Outcome::Refused(refused) if is_model_alone(&refused) => {
                match self.transact(operation, without_model).await? {
                    Outcome::Done => Ok(Completed::ReadElsewhere),
                    Outcome::Refused(_) => Ok(Completed::Lost),
                }
            }
            Outcome::Refused(_) => Ok(Completed::Lost),
        }
    }

    /// Ends the attempt that holds the slot without a subscription, frees the slot and tells the
    /// shop.
    pub async fn fail_subscribing(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
        told: &ShopEvent,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "fail_subscribing";
        let ended = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression(
                "SET #state = :failed, reason = :reason, expires_at = :expires REMOVE due, due_at",
            )
            .expression_attribute_values(":expires", ended_until(now))
            .condition_expression("#state = :subscribing")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":subscribing", text(State::Subscribing.as_str()))
            .expression_attribute_values(":failed", text(State::Failed.as_str()))
            .expression_attribute_values(":reason", text(reason.as_str()));
        let freed = self
            .delete(Key::slot(&attempt.user, &attempt.group))
            .condition_expression("attempt = :attempt AND attribute_not_exists(subscription)")
            .expression_attribute_values(":attempt", text(attempt.id.as_str()));
        let mut writes = vec![
            update_of(operation, ended)?,
            delete_of(operation, freed)?,
            self.put_event(operation, told)?,
        ];
        if let Some(trial) = self.give_trial_back(attempt) {
            writes.push(update_of(operation, trial)?);
        }
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }
}

/// Whether only the first write's condition, that of the read model, did not hold.
fn is_model_alone(refused: &[bool]) -> bool {
    refused
        .split_first()
        .is_some_and(|(model, others)| *model && !others.contains(&true))
}
