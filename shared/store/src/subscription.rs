//! The read model of a subscription, written under a fence.
//!
//! A reader takes the next fence before it asks Stripe, and writes only while no other reader has
//! taken a later one. The reader with the last fence also read last, so the newest state stays,
//! whatever the order, the number or the timestamps of the events that made them read.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, builders::UpdateBuilder};
use perennial_types::{AttemptId, Subscription, SubscriptionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    AskedPause, PaymentIssues, ShopEvent, StoreError, Table,
    key::{Attributes, DueKind, Key, text},
    subscription_row::StoredSubscription,
    table::{Outcome, update_of},
};

/// A subscription's item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct SubscriptionItem {
    /// The number of the last reader; none when something was noted before anybody read.
    pub fence: u64,
    /// The attempt that it came of; none when it was not made here.
    pub attempt: Option<AttemptId>,
    /// What was noted beside it.
    pub issues: PaymentIssues,
    /// The pause that was asked for here, until it is over.
    pub pause: Option<AskedPause>,
    /// When a sweep looks at it: at the end of its pause, or to tell of its next charge.
    pub looked_at: Option<Timestamp>,
    /// What the last reader that finished has seen; none before the first.
    pub subscription: Option<Subscription>,
}

/// The item as it lies in the table. Reading it flat takes far less code than serde's flattening.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default)]
    fence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    revoked: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    disputed: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    dispute_lost: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    refunded: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    refused: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<AskedPause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<DueKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<StoredSubscription>,
}

impl From<Stored> for SubscriptionItem {
    fn from(stored: Stored) -> Self {
        let issues = PaymentIssues {
            revoked: stored.revoked,
            disputed: stored.disputed,
            dispute_lost: stored.dispute_lost,
            refunded: stored.refunded,
            refused: stored.refused,
        };
        let disputes = issues.disputes();
        Self {
            fence: stored.fence,
            attempt: stored.attempt,
            issues,
            pause: stored.pause,
            looked_at: stored.due_at,
            subscription: stored.model.map(|model| Subscription {
                disputes,
                ..model.0
            }),
        }
    }
}

impl From<SubscriptionItem> for Stored {
    fn from(item: SubscriptionItem) -> Self {
        let due = match item.pause {
            Some(_) => DueKind::Pause,
            None => DueKind::Reminder,
        };
        Self {
            fence: item.fence,
            attempt: item.attempt,
            revoked: item.issues.revoked,
            disputed: item.issues.disputed,
            dispute_lost: item.issues.dispute_lost,
            refunded: item.issues.refunded,
            refused: item.issues.refused,
            pause: item.pause,
            due: item.looked_at.map(|_| due),
            due_at: item.looked_at,
            model: item.subscription.map(StoredSubscription),
        }
    }
}

impl SubscriptionItem {
    /// The subscription, if it stands in the way of another one of its group.
    pub fn standing(&self) -> Option<&Subscription> {
        let is_ours = self.attempt.is_some();
        let model = self.subscription.as_ref();
        model.filter(|model| model.stands(is_ours))
    }

    /// Whether no sweep looks at it, and no pause keeps one from telling of the next charge.
    pub fn lacks_look(&self) -> bool {
        self.pause.is_none() && self.looked_at.is_none()
    }
}

/// When a sweep is to look at a subscription that is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// The pause that the reader has found noted. Until it is over, the sweep looks for its end.
    pub paused: Option<AskedPause>,
    /// Whether it is over, and is forgotten.
    pub is_over: bool,
    /// When the shop is to be told of the next charge, if it is.
    pub remind_at: Option<Timestamp>,
}

impl Look {
    /// Sets it, unless a pause has been noted meanwhile; nothing if the pause that is noted decides.
    fn set(self, update: UpdateBuilder, mut sets: String) -> Option<(UpdateBuilder, String)> {
        let (mut update, mut removed) = match self.paused {
            Some(_) if !self.is_over => return None,
            Some(asked) => {
                let asked = text(asked.asked.to_string());
                (
                    update.expression_attribute_values(":asked", asked),
                    vec!["pause"],
                )
            }
            None => (update, Vec::new()),
        };
        if let Some(at) = self.remind_at {
            sets.push_str(", due = :due, due_at = :due_at");
            update = update
                .expression_attribute_values(":due", text(DueKind::Reminder.as_str()))
                .expression_attribute_values(":due_at", text(at.to_string()));
        } else {
            removed.extend(["due", "due_at"]);
        }
        if !removed.is_empty() {
            sets = format!("{sets} REMOVE {}", removed.join(", "));
        }
        Some((update, sets))
    }

    fn condition(self) -> &'static str {
        match self.paused {
            Some(_) => " AND pause.asked = :asked",
            None => " AND attribute_not_exists(pause)",
        }
    }
}

/// The fence of a read model that the creator of the subscription writes down.
pub const FIRST_FENCE: u64 = 1;

/// A subscription, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fenced {
    /// Among those that a click reads; it holds the fence that was taken.
    Current(SubscriptionItem),
    /// In the archive, where it stays as it is. No fence was taken.
    Archived(SubscriptionItem),
}

/// Whether a read model was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was.
    Done,
    /// A later reader has taken over.
    Overtaken,
}

impl Table {
    /// The read model of one subscription, with its fence, wherever it lies.
    pub async fn subscription(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<Option<SubscriptionItem>, StoreError> {
        let current = || self.get::<SubscriptionItem>("subscription", Key::subscription(user, id));
        if let Some(item) = current().await?
            && item.subscription.is_some()
        {
            return Ok(Some(item));
        }
        // Boxed, because hardly any reading needs it.
        if let Some(archived) = Box::pin(self.archived_subscription(user, id)).await? {
            return Ok(Some(archived));
        }
        // It may have been brought back between the two.
        Box::pin(current()).await
    }

    /// Takes the next fence, unless the subscription is in the archive; what is returned holds it, and
    /// the read model of before.
    pub async fn fence_subscription(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<Fenced, StoreError> {
        let item = self.take_fence(user, id).await?;
        if item.subscription.is_some() {
            return Ok(Fenced::Current(item));
        }
        let archived = Box::pin(self.archived_subscription(user, id));
        let Some(archived) = archived.await? else {
            return Ok(Fenced::Current(item));
        };
        if item.issues == PaymentIssues::default() {
            Box::pin(self.drop_fence(user, id, item.fence)).await?;
            return Ok(Fenced::Archived(archived));
        }
        Box::pin(self.bring_back(user, id)).await?;
        Ok(Fenced::Current(self.take_fence(user, id).await?))
    }

    async fn take_fence(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<SubscriptionItem, StoreError> {
        let operation = "fence_subscription";
        let call = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::subscription(user, id).attributes()))
            .update_expression("ADD fence :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew);
        let answer = call.send().await.map_err(StoreError::call(operation))?;
        let item: Attributes = answer.attributes.unwrap_or_default();
        serde_dynamo::from_item(item).map_err(StoreError::item(operation))
    }

    /// Writes what was read under `fence`, and when it is to be looked at, and tells the shop what there is to tell.
    pub async fn write_subscription(
        &self,
        user: &UserId,
        subscription: &Subscription,
        attempt: Option<&AttemptId>,
        fence: u64,
        look: Look,
        told: &[ShopEvent],
    ) -> Result<Written, StoreError> {
        let operation = "write_subscription";
        let model: AttributeValue =
            serde_dynamo::to_attribute_value(StoredSubscription(subscription.clone()))
                .map_err(StoreError::item(operation))?;
        // A subscription that has ended stays ended, whatever a slow reader brings.
        let newest = "fence = :fence AND (attribute_not_exists(model) OR NOT model.#status IN (:canceled, :expired) OR model.#status = :status)";
        let mut update = self
            .update(Key::subscription(user, &subscription.id))
            .expression_attribute_values(":status", text(subscription.status.as_str()))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":canceled", text("canceled"))
            .expression_attribute_values(":expired", text("incomplete_expired"))
            .expression_attribute_values(":fence", AttributeValue::N(fence.to_string()))
            .expression_attribute_values(":model", model);
        let mut sets = "SET model = :model".to_owned();
        if let Some(attempt) = attempt {
            sets.push_str(", attempt = :attempt");
            update = update.expression_attribute_values(":attempt", text(attempt.as_str()));
        }
        let events = told.iter().map(|event| self.put_event(operation, event));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let write = async |update: UpdateBuilder| -> Result<bool, StoreError> {
            let mut writes = vec![update_of(operation, update)?];
            writes.extend(events.iter().cloned());
            let outcome = self.transact(operation, writes).await?;
            Ok(matches!(outcome, Outcome::Done))
        };
        if let Some((update, sets)) = look.set(update.clone(), sets.clone()) {
            let condition = format!("{newest}{}", look.condition());
            let update = update.update_expression(sets);
            if write(update.condition_expression(condition)).await? {
                return Ok(Written::Done);
            }
        }
        // A pause was noted meanwhile, whose end decides when it is looked at, or a later reader is there.
        let update = update.update_expression(sets);
        if write(update.condition_expression(newest)).await? {
            Ok(Written::Done)
        } else {
            Ok(Written::Overtaken)
        }
    }
}
