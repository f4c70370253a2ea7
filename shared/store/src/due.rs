//! What a sweep should look at: checkouts, events and actions that were not brought to an end, pauses that end, and
//! charges of which the shop is told ahead.
//!
//! An item that waits for something carries `due` and `due_at`, and is in a sparse index by them;
//! whoever settles it takes both away. So a sweep reads what is overdue and nothing else, however
//! large the table is.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use perennial_types::{AttemptId, SubscriptionId, Timestamp, UserId};

use crate::{
    InboxItem, StoreError, Table,
    attempt::applied,
    key::{ACTIONS, ATTEMPT, Attributes, CUSTOMER, DueKind, Key, SUBSCRIPTION, text},
};

/// The index of the template.
const INDEX: &str = "due";

/// An item that waits for a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<T> {
    pub(crate) key: Key,
    /// What its key names; none if the key is not of the form that this version writes.
    pub of: Option<T>,
}

/// What is half done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueAction {
    /// Something to a user's subscription.
    Subscription(UserId, SubscriptionId),
    /// The erasure of a user.
    Erasure(UserId),
}

impl<T> Due<T> {
    /// Its name for logs, which holds the id of a checkout, of an event or of a subscription and nothing of its user.
    pub fn name(&self) -> &str {
        &self.key.sk
    }
}

impl Table {
    /// The attempts that have been open for too long, the most overdue first.
    pub async fn due_checkouts(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<(UserId, AttemptId)>>, StoreError> {
        let keys = self.due(DueKind::Checkout, before, limit).await?;
        let due = keys.into_iter().map(|key| {
            let of = below_user(&key, ATTEMPT);
            Due { key, of }
        });
        Ok(due.collect())
    }

    /// What is half done to subscriptions and users, the most overdue first.
    pub async fn due_actions(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<DueAction>>, StoreError> {
        let keys = self.due(DueKind::Action, before, limit).await?;
        let due = keys.into_iter().map(|key| {
            let of = if key.sk == CUSTOMER {
                user_of(&key).map(DueAction::Erasure)
            } else {
                below_user(&key, ACTIONS).map(|(user, id)| DueAction::Subscription(user, id))
            };
            Due { key, of }
        });
        Ok(due.collect())
    }

    /// The pauses that have to be ended by now, the most overdue first.
    pub async fn due_pauses(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<(UserId, SubscriptionId)>>, StoreError> {
        self.due_subscriptions(DueKind::Pause, before, limit).await
    }

    /// The subscriptions of whose next charge the shop has to be told by now, the most overdue first.
    pub async fn due_reminders(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<(UserId, SubscriptionId)>>, StoreError> {
        self.due_subscriptions(DueKind::Reminder, before, limit)
            .await
    }

    async fn due_subscriptions(
        &self,
        kind: DueKind,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<(UserId, SubscriptionId)>>, StoreError> {
        let keys = self.due(kind, before, limit).await?;
        let due = keys.into_iter().map(|key| {
            let of = below_user(&key, SUBSCRIPTION);
            Due { key, of }
        });
        Ok(due.collect())
    }

    /// The events that have not been applied for too long, the most overdue first.
    pub async fn due_events(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due<()>>, StoreError> {
        let keys = self.due(DueKind::Event, before, limit).await?;
        let due = keys.into_iter().map(|key| Due { key, of: Some(()) });
        Ok(due.collect())
    }

    /// An event that waits; none when it is gone.
    pub async fn due_event(&self, due: &Due<()>) -> Result<Option<InboxItem>, StoreError> {
        self.get("due_event", due.key.clone()).await
    }

    /// Looks at it again later. False when it has been brought to an end meanwhile.
    pub async fn postpone<T>(&self, due: &Due<T>, until: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update_due(&due.key)
            .update_expression("SET due_at = :until")
            .expression_attribute_values(":until", text(until.to_string()));
        applied("postpone", update).await
    }

    /// Looks at it no more, since it has been brought to an end. False if its finisher has taken it
    /// out of the index already, as it should.
    pub async fn rest<T>(&self, due: &Due<T>) -> Result<bool, StoreError> {
        let update = self
            .update_due(&due.key)
            .update_expression("REMOVE due, due_at");
        applied("rest", update).await
    }

    fn update_due(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key.clone().attributes()))
            .condition_expression("attribute_exists(due)")
    }

    pub(crate) async fn due(
        &self,
        kind: DueKind,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Key>, StoreError> {
        self.admit().await?;
        let query = self
            .client
            .query()
            .table_name(self.name())
            .index_name(INDEX)
            .key_condition_expression("due = :due AND due_at < :before")
            .expression_attribute_values(":due", text(kind.as_str()))
            .expression_attribute_values(":before", text(before.to_string()))
            .limit(limit);
        let answer = query.send().await.map_err(StoreError::call("due"))?;
        let items = answer.items.unwrap_or_default();
        Ok(items.iter().map(key_of).collect())
    }
}

fn user_of(key: &Key) -> Option<UserId> {
    key.pk.strip_prefix("USER#").and_then(|it| it.parse().ok())
}

/// Whose item it is, and of which object.
fn below_user<T: std::str::FromStr>(key: &Key, prefix: &str) -> Option<(UserId, T)> {
    let user = user_of(key);
    let of = key.sk.strip_prefix(prefix).and_then(|it| it.parse().ok());
    user.zip(of)
}

pub(crate) fn key_of(item: &Attributes) -> Key {
    let part = |name: &str| key_part(item, name).unwrap_or_default().to_owned();
    Key {
        pk: part("pk"),
        sk: part("sk"),
    }
}

fn key_part<'a>(item: &'a Attributes, name: &str) -> Option<&'a str> {
    item.get(name)
        .and_then(|value: &AttributeValue| value.as_s().ok())
        .map(String::as_str)
}
