//! The `SetupIntents` by which shoppers give a subscription another payment method.

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};
use perennial_types::{SetupIntentId, SubscriptionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    key::Key,
    table::{KEEP_SECONDS, item},
};

/// Which subscription a SetupIntent is for.
#[derive(Serialize, Deserialize)]
struct Lookup {
    user: UserId,
    subscription: SubscriptionId,
    expires_at: i64,
}

/// When `SetupIntents` were opened for a subscription lately.
#[derive(Default, Serialize, Deserialize)]
struct Opened {
    version: u64,
    at: Vec<Timestamp>,
    expires_at: i64,
}

/// So often a count is tried that another request has changed.
const TRIES: usize = 5;

impl Table {
    /// Counts a SetupIntent that is going to be opened; false if there were `most` since `since` already.
    pub async fn count_method_setup(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        now: Timestamp,
        since: Timestamp,
        most: usize,
    ) -> Result<bool, StoreError> {
        let operation = "count_method_setup";
        for _ in 0..TRIES {
            let key = || Key::method_setups(user, subscription);
            let seen: Option<Opened> = self.get(operation, key()).await?;
            let seen = seen.unwrap_or_default();
            let mut at = seen.at;
            at.retain(|it| *it > since);
            if at.len() >= most {
                return Ok(false);
            }
            at.push(now);
            let next = Opened {
                version: seen.version.saturating_add(1),
                at,
                expires_at: now.unix().saturating_add(KEEP_SECONDS),
            };
            let put = self
                .client
                .put_item()
                .table_name(self.name())
                .set_item(Some(item(operation, key(), &next)?))
                .condition_expression("attribute_not_exists(pk) OR version = :seen")
                .expression_attribute_values(":seen", AttributeValue::N(seen.version.to_string()));
            match put.send().await {
                Ok(_) => return Ok(true),
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(PutItemError::is_conditional_check_failed_exception) => {}
                Err(error) => return Err(StoreError::call(operation)(error)),
            }
        }
        Err(StoreError::Conflict { operation })
    }

    /// Notes which subscription a SetupIntent is for, by which an event about it is understood.
    pub async fn record_method_setup(
        &self,
        user: &UserId,
        subscription: &SubscriptionId,
        setup: &SetupIntentId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let operation = "record_method_setup";
        let lookup = Lookup {
            user: user.clone(),
            subscription: subscription.clone(),
            expires_at: now.unix().saturating_add(KEEP_SECONDS),
        };
        let put = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item(operation, Key::method_setup(setup), &lookup)?));
        put.send().await.map_err(StoreError::call(operation))?;
        Ok(())
    }

    /// Whose subscription a SetupIntent is for, if it is for one.
    pub async fn find_method_setup(
        &self,
        setup: &SetupIntentId,
    ) -> Result<Option<(UserId, SubscriptionId)>, StoreError> {
        let lookup: Option<Lookup> = self
            .get("find_method_setup", Key::method_setup(setup))
            .await?;
        Ok(lookup.map(|it| (it.user, it.subscription)))
    }
}
