//! Subscriptions that have ended, apart from what a click reads.
//!
//! A click reads a user's items from the attempts of the last hour on, and the sort keys of these lie
//! before all attempts. So it costs the same however many subscriptions have ended.
//!
//! What has ended is read and written where all others are, and moved when it is at rest. Whoever has
//! something to note about it brings it back first, and a reader who meets it leaves it where it is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, builders::DeleteBuilder};
use perennial_types::{SubscriptionId, UserId};

use crate::{
    StoreError, SubscriptionItem, Table,
    key::{Attributes, Key},
    table::{Outcome, delete_of, put_of, update_of},
};

/// What changes of a row beside its model, which is written under the fence alone.
const NOTED: [&str; 6] = [
    "fence",
    "revoked",
    "disputed",
    "dispute_lost",
    "refunded",
    "refused",
];

/// That a row is as it was read.
struct Same {
    condition: String,
    values: HashMap<String, AttributeValue>,
}

impl Same {
    fn as_read(row: &Attributes) -> Self {
        let mut terms = Vec::new();
        let mut values = HashMap::new();
        for name in NOTED {
            match row.get(name) {
                Some(value) => {
                    terms.push(format!("{name} = :{name}"));
                    values.insert(format!(":{name}"), value.clone());
                }
                None => terms.push(format!("attribute_not_exists({name})")),
            }
        }
        Self {
            condition: terms.join(" AND "),
            values,
        }
    }

    fn and(mut self, term: &str) -> Self {
        self.condition = format!("{} AND {term}", self.condition);
        self
    }

    fn values(self) -> Option<HashMap<String, AttributeValue>> {
        Some(self.values).filter(|values| !values.is_empty())
    }
}

fn fence_of(row: &Attributes) -> u64 {
    let fence = row.get("fence").and_then(|fence| fence.as_n().ok());
    fence
        .and_then(|fence| fence.parse().ok())
        .unwrap_or_default()
}

impl Table {
    /// A subscription that was moved out of the way, with its last fence.
    pub async fn archived_subscription(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<Option<SubscriptionItem>, StoreError> {
        self.get("archived_subscription", Key::archived(user, id))
            .await
    }

    /// Moves a subscription that has ended out of the way. The caller has taken its last fence. False
    /// if another reader has taken a later one, or something was noted meanwhile.
    pub async fn archive_subscription(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        fence: u64,
    ) -> Result<bool, StoreError> {
        let operation = "archive_subscription";
        let key = Key::subscription(user, id);
        let Some(mut row) = self.row(operation, key.clone()).await? else {
            return Ok(false);
        };
        if fence_of(&row) != fence {
            return Ok(false);
        }
        let gone = self.delete_as_read(key, Same::as_read(&row));
        // What has ended is not resumed.
        for name in ["pause", "due", "due_at"] {
            row.remove(name);
        }
        row.extend(Key::archived(user, id).attributes());
        let moved = self
            .put(row)
            .condition_expression("attribute_not_exists(pk)");
        // Who lists all of a user's subscriptions learns of it that there is more than it has read.
        let told = self
            .update(Key::has_archive(user))
            .update_expression("SET archived = :archived")
            .expression_attribute_values(":archived", AttributeValue::Bool(true));
        let writes = vec![
            put_of(operation, moved)?,
            delete_of(operation, gone)?,
            update_of(operation, told)?,
        ];
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }

    /// Brings an archived subscription back, together with what was noted in its place meanwhile. False
    /// if there is none.
    pub(crate) async fn bring_back(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<bool, StoreError> {
        let operation = "bring_back";
        let Some(mut row) = self.row(operation, Key::archived(user, id)).await? else {
            return Ok(false);
        };
        let gone = self.delete_as_read(Key::archived(user, id), Same::as_read(&row));
        let place = self
            .row(operation, Key::subscription(user, id))
            .await?
            .unwrap_or_default();
        let free = Same::as_read(&place).and("attribute_not_exists(model)");
        let fence = fence_of(&row).max(fence_of(&place)).saturating_add(1);
        merge(&mut row, &place);
        row.insert("fence".to_owned(), AttributeValue::N(fence.to_string()));
        row.extend(Key::subscription(user, id).attributes());
        let back = self
            .put(row)
            .condition_expression(&free.condition)
            .set_expression_attribute_values(free.values());
        let writes = vec![put_of(operation, back)?, delete_of(operation, gone)?];
        match self.transact(operation, writes).await? {
            Outcome::Done => Ok(true),
            Outcome::Refused(_) => Err(StoreError::Conflict { operation }),
        }
    }

    /// Takes away the fence of a reader who has found the subscription in the archive. Whatever else
    /// has come to its place by then stays.
    pub(crate) async fn drop_fence(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        fence: u64,
    ) -> Result<(), StoreError> {
        let operation = "drop_fence";
        let alone = [("fence".to_owned(), AttributeValue::N(fence.to_string()))];
        let alone = Same::as_read(&HashMap::from(alone)).and("attribute_not_exists(model)");
        let gone = self.delete_as_read(Key::subscription(user, id), alone);
        self.transact(operation, vec![delete_of(operation, gone)?])
            .await?;
        Ok(())
    }

    fn delete_as_read(&self, key: Key, same: Same) -> DeleteBuilder {
        self.delete(key)
            .condition_expression(&same.condition)
            .set_expression_attribute_values(same.values())
    }
}

/// Adds to a row what was noted where it is to be.
fn merge(row: &mut Attributes, place: &Attributes) {
    for (name, noted) in place {
        let AttributeValue::Ss(noted) = noted else {
            continue;
        };
        let known = row.remove(name);
        let mut all = known
            .and_then(|known| known.as_ss().ok().cloned())
            .unwrap_or_default();
        all.extend(noted.iter().cloned());
        all.sort_unstable();
        all.dedup();
        row.insert(name.clone(), AttributeValue::Ss(all));
    }
}
