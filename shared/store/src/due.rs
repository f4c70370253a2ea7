//! What somebody should look at: checkouts and events that nobody has brought to an end.
//!
//! An item that waits for something carries `due` and `due_at`, and is in a sparse index by them;
//! whoever settles it takes both away. So a sweep reads what is overdue and nothing else, however
//! large the table is.

use aws_sdk_dynamodb::types::AttributeValue;
use perennial_types::{AttemptId, CustomerId, EventId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{ATTEMPT, Attributes, INBOX, Key, text},
};

/// The index of the template.
const INDEX: &str = "due";

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum DueKind {
    /// An attempt that has not ended.
    Checkout,
    /// An event that has not been applied.
    Event,
}

impl DueKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Checkout => "CHECKOUT",
            Self::Event => "EVENT",
        }
    }
}

impl Table {
    /// The attempts that have been open for too long, the most overdue first.
    pub async fn due_checkouts(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<(UserId, AttemptId)>, StoreError> {
        let items = self.due(DueKind::Checkout, before, limit).await?;
        Ok(items
            .iter()
            .filter_map(|item| {
                let user = key_part(item, "pk")?.strip_prefix("USER#")?.parse().ok()?;
                Some((
                    user,
                    key_part(item, "sk")?.strip_prefix(ATTEMPT)?.parse().ok()?,
                ))
            })
            .collect())
    }

    /// The events that have not been applied for too long, the most overdue first.
    pub async fn due_events(
        &self,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<(Option<CustomerId>, EventId)>, StoreError> {
        let items = self.due(DueKind::Event, before, limit).await?;
        Ok(items
            .iter()
            .filter_map(|item| {
                let customer = key_part(item, "pk")?.strip_prefix(INBOX);
                let event = key_part(item, "sk")?.strip_prefix("EVENT#")?.parse().ok()?;
                Some((customer.and_then(|id| id.parse().ok()), event))
            })
            .collect())
    }

    /// Looks at an open attempt again later. False when it has ended meanwhile.
    pub async fn postpone_checkout(
        &self,
        user: &UserId,
        attempt: &AttemptId,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.postpone(Key::attempt(user, attempt), until).await
    }

    /// Looks at an event again later. False when it has been settled meanwhile.
    pub async fn postpone_event(
        &self,
        customer: Option<&CustomerId>,
        event: &EventId,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.postpone(Key::event(customer, event), until).await
    }

    async fn postpone(&self, key: Key, until: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key.attributes()))
            .update_expression("SET due_at = :until")
            .condition_expression("attribute_exists(due)")
            .expression_attribute_values(":until", text(until.to_string()));
        applied("postpone", update).await
    }

    async fn due(
        &self,
        kind: DueKind,
        before: Timestamp,
        limit: i32,
    ) -> Result<Vec<Attributes>, StoreError> {
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
        Ok(answer.items.unwrap_or_default())
    }
}

fn key_part<'a>(item: &'a Attributes, name: &str) -> Option<&'a str> {
    item.get(name)
        .and_then(|value: &AttributeValue| value.as_s().ok())
        .map(String::as_str)
}
