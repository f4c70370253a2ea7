//! What is asked of a subscription, one thing at a time: one item for each subscription.
//!
//! Two changes of one subscription at once would each reckon with a state that the other one takes away, so
//! whoever changes it holds its claim. The item remembers the last requests with what came of them, by which
//! a repeat is known.

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};
use perennial_types::{AgreedEnd, Claim, FrozenRequest, Lease, SubscriptionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    key::{Attributes, DueKind, Key, text},
    table::{KEEP_SECONDS, item},
};

/// So many requests are remembered.
const REMEMBERED: usize = 20;

/// What takes more than one step at Stripe, so that a caller who dies may leave half of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steps {
    /// The frozen request, and what follows it.
    Change,
    /// A change to come is given up, and then an end is set.
    Cancel,
    /// The same for an end at a date.
    CancelAt(Timestamp),
    /// A change to come is given up, of which the table has to know.
    WithdrawChange,
    /// An end at once, after which money goes back.
    GiveBack,
    /// Another payment method, whose SetupIntent the request is named by, pays what is open.
    PaymentMethod,
}

/// A request that is being carried out, or whose caller has died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveAction {
    /// Which request: the hash of an idempotency key, or the number of a preview.
    pub id: String,
    /// What is asked for, hashed: another request may not come under the same id.
    pub fingerprint: String,
    /// Who carries it out, and how long.
    pub lease: Lease,
    /// When the request was frozen, or first begun if nothing is.
    pub frozen_at: Timestamp,
    /// What a sweep brings to its end once the lease is over, if nobody asks again; none if there is nothing
    /// that could be half done.
    pub steps: Option<Steps>,
    /// What is sent; none if sending it again, or not at all, does no harm.
    pub request: Option<FrozenRequest>,
    /// An end for which money goes back: what is owed once the subscription has ended.
    pub owed: Option<Box<AgreedEnd>>,
}

impl ActiveAction {
    /// Whether it has to be brought to its end, whoever comes next.
    pub fn is_frozen(&self) -> bool {
        self.request.is_some() || self.owed.is_some()
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ActionOutcome {
    /// It was done.
    Done {
        /// What came of it beside that, as JSON, for a repeat to be answered with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Nothing came of it, for good.
    Refused {
        /// Why, as JSON.
        refusal: String,
    },
}

impl ActionOutcome {
    /// It was done, and there is no more to say.
    pub const DONE: Self = Self::Done { note: None };
}

/// A request that was brought to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedAction {
    /// Which request.
    pub id: String,
    /// What was asked for, hashed.
    pub fingerprint: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: ActionOutcome,
}

/// What was asked of a subscription lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionLog {
    /// The request that is being carried out.
    pub active: Option<ActiveAction>,
    /// Those that have ended, newest last.
    pub ended: Vec<EndedAction>,
    /// How many have ended, of which the last ones are remembered.
    count: u64,
}

/// The item as it lies in the table.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default)]
    count: u64,
    #[serde(default)]
    ended: Vec<EndedAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<FrozenRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Steps>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<Box<AgreedEnd>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<DueKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    expires_at: i64,
}

impl ActionLog {
    pub(crate) fn of_row(row: Attributes) -> Result<Self, serde_dynamo::Error> {
        serde_dynamo::from_item::<_, Stored>(row).map(Self::from)
    }
}

impl From<Stored> for ActionLog {
    fn from(stored: Stored) -> Self {
        let claimed = stored.id.zip(stored.owner).zip(stored.lease);
        let active = claimed.map(|((id, owner), until)| ActiveAction {
            id,
            fingerprint: stored.fingerprint.unwrap_or_default(),
            lease: Lease { owner, until },
            frozen_at: stored.frozen_at.unwrap_or(until),
            steps: stored.steps,
            request: stored.request,
            owed: stored.owed,
        });
        Self {
            active,
            ended: stored.ended,
            count: stored.count,
        }
    }
}

impl ActionLog {
    /// How many requests have been brought to an end: a number that no later request has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What is known of a request that has ended.
    pub fn ended(&self, id: &str) -> Option<&EndedAction> {
        self.ended.iter().rev().find(|ended| ended.id == id)
    }

    fn stored(&self, now: Timestamp) -> Stored {
        let active = self.active.clone();
        // From the end of the lease that it is written with, whoever takes it over later.
        let swept = active.as_ref().filter(|active| active.steps.is_some());
        let due_at = swept.map(|active| active.lease.until);
        let steps = swept.and_then(|active| active.steps);
        let (id, fingerprint, lease, frozen_at, request, owed) = match active {
            Some(active) => (
                Some(active.id),
                Some(active.fingerprint),
                Some(active.lease),
                Some(active.frozen_at),
                active.request,
                active.owed,
            ),
            None => (None, None, None, None, None, None),
        };
        let (owner, until) = lease.map(|lease| (lease.owner, lease.until)).unzip();
        Stored {
            count: self.count,
            ended: self.ended.clone(),
            id,
            fingerprint,
            owner,
            lease: until,
            frozen_at,
            request,
            steps,
            due: due_at.map(|_| DueKind::Action),
            due_at,
            owed,
            expires_at: now.unix().saturating_add(KEEP_SECONDS),
        }
    }
}

impl Table {
    /// What was asked of a subscription lately.
    pub async fn actions(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
    ) -> Result<ActionLog, StoreError> {
        let stored: Option<Stored> = self
            .get("actions", Key::actions(user, subscription))
            .await?;
        Ok(stored.map(ActionLog::from).unwrap_or_default())
    }

    /// Claims the subscription for a request. `seen` is as it was read; a claim in it is one whose lease is
    /// over and that nothing was frozen for. What is answered holds the claim; nothing when another request was
    /// first.
    pub async fn begin_action(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        seen: &ActionLog,
        action: ActiveAction,
        now: Timestamp,
    ) -> Result<Option<ActionLog>, StoreError> {
        let next = ActionLog {
            active: Some(action),
            ..seen.clone()
        };
        let begun = self.replace_actions("begin_action", user, subscription, seen, &next, now);
        Ok(begun.await?.then_some(next))
    }

    /// Keeps what is going to be sent with the claim that this caller holds, under a new lease. What is answered
    /// holds it; nothing when another caller has taken the claim over.
    pub async fn freeze_action(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        held: &ActionLog,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Option<ActionLog>, StoreError> {
        let mut next = held.clone();
        if let Some(active) = &mut next.active {
            active.lease = claim.lease.clone();
            active.frozen_at = claim.frozen_at;
            active.request = Some(claim.request.clone());
            active.steps = Some(Steps::Change);
        }
        let frozen = self.replace_actions("freeze_action", user, subscription, held, &next, now);
        Ok(frozen.await?.then_some(next))
    }

    /// Notes that half of what this caller is about to do is not to be left, under a new lease. Answered as
    /// [`Self::freeze_action`] is.
    pub async fn mark_action(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        held: &ActionLog,
        steps: Steps,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<ActionLog>, StoreError> {
        let mut next = held.clone();
        if let Some(active) = &mut next.active {
            active.lease = lease;
            active.frozen_at = now;
            active.steps = Some(steps);
        }
        let marked = self.replace_actions("mark_action", user, subscription, held, &next, now);
        Ok(marked.await?.then_some(next))
    }

    /// Keeps what is owed with the claim that this caller holds, before the subscription ends. What is answered
    /// holds it; nothing when another caller has taken the claim over.
    pub async fn owe(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        held: &ActionLog,
        owed: &AgreedEnd,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<ActionLog>, StoreError> {
        let mut next = held.clone();
        if let Some(active) = &mut next.active {
            active.lease = lease.clone();
            active.frozen_at = now;
            active.owed = Some(Box::new(owed.clone()));
            active.steps = Some(Steps::GiveBack);
        }
        let written = self.replace_actions("owe", user, subscription, held, &next, now);
        Ok(written.await?.then_some(next))
    }

    /// Writes down what came of the request that is claimed; with no outcome, it may be begun again. The first
    /// to do so is right, since all carry out the same. False when another one was first.
    pub async fn end_action(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        seen: &ActionLog,
        outcome: Option<ActionOutcome>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut next = seen.clone();
        let active = next.active.take();
        if let Some((active, outcome)) = active.zip(outcome) {
            next.ended.push(EndedAction {
                id: active.id,
                fingerprint: active.fingerprint,
                outcome,
            });
            let over = next.ended.len().saturating_sub(REMEMBERED);
            next.ended.drain(..over);
        }
        next.count = next.count.saturating_add(1);
        self.replace_actions("end_action", user, subscription, seen, &next, now)
            .await
    }

    /// Puts the item in place of the one that was seen, whichever lease it has by now.
    async fn replace_actions(
        &self,
        operation: &'static str,
        user: &UserId,
        subscription: &SubscriptionId,
        seen: &ActionLog,
        next: &ActionLog,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.admit().await?;
        let stored = item(
            operation,
            Key::actions(user, subscription),
            &next.stored(now),
        )?;
        let put = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(stored))
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":count", AttributeValue::N(seen.count.to_string()));
        let same = "(attribute_not_exists(pk) OR #count = :count)";
        let put = match &seen.active {
            None => put
                .condition_expression(format!("{same} AND attribute_not_exists(#owner)"))
                .expression_attribute_names("#owner", "owner"),
            // A claim that is ended may have another owner by now, who carries out the same.
            Some(active) if next.active.is_none() && active.steps.is_some() => put
                .condition_expression(format!("{same} AND id = :id"))
                .expression_attribute_values(":id", text(&active.id)),
            // With nothing half done, the other owner may have begun what this one has not.
            Some(active) if next.active.is_none() => put
                .condition_expression(format!(
                    "{same} AND id = :id AND attribute_not_exists(steps)"
                ))
                .expression_attribute_values(":id", text(&active.id)),
            Some(active) => put
                .condition_expression(format!(
                    "{same} AND id = :id AND #owner = :owner AND lease = :lease"
                ))
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":id", text(&active.id))
                .expression_attribute_values(":owner", text(&active.lease.owner))
                .expression_attribute_values(":lease", text(active.lease.until.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call(operation)(error)),
        }
    }
}
