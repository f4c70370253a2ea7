//! The connection, and what all operations share.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update},
};
use perennial_aws::{SdkConfig, WithoutSdkName};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

use crate::{
    StoreError,
    key::{Attributes, Key},
};

/// Lookups and finished claims are history after this long, and so is an attempt that was never ended.
pub(crate) const KEEP_SECONDS: i64 = 90 * 24 * 3600;

/// Of an attempt that came to nothing only the answer to a late question is of interest. Stripe
/// delivers an event for three days.
pub(crate) const KEEP_ENDED_SECONDS: i64 = 7 * 24 * 3600;

/// How often a transaction is sent that meets another one at the same items, and how long after.
const TRIES_AFTER_CONFLICT: [Duration; 3] = [
    Duration::from_millis(40),
    Duration::from_millis(120),
    Duration::from_millis(300),
];

/// The table, through the AWS SDK.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    name: Arc<str>,
    pub(crate) guard: Option<Guard>,
}

/// Which mode a function is of, and whether the table was found to be of the same.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) livemode: bool,
    pub(crate) checked: Arc<OnceCell<()>>,
}

/// Whether a conditional write was done.
pub(crate) enum Outcome {
    Done,
    /// Refused; for a transaction, which of its writes had a condition that did not hold.
    Refused(Vec<bool>),
}

impl Table {
    /// The table `name` of an account.
    pub fn new(name: &str, aws: &SdkConfig) -> Self {
        let config = Builder::from(aws).interceptor(WithoutSdkName).build();
        Self::over(Client::from_conf(config), name)
    }

    /// The table that a function was given, or else that of an account.
    pub fn given_or_new(given: Option<&Self>, name: &str, aws: &SdkConfig) -> Self {
        given.cloned().unwrap_or_else(|| Self::new(name, aws))
    }

    /// The table `name` through a client that the caller has made, as a trial does.
    pub fn over(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.into(),
            guard: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        key: Key,
    ) -> Result<Option<T>, StoreError> {
        let sort_key = key.sk.clone();
        match self.row(operation, key).await? {
            Some(item) => serde_dynamo::from_item(item)
                .map(Some)
                .map_err(StoreError::unreadable(operation, sort_key)),
            None => Ok(None),
        }
    }

    /// An item as it lies in the table.
    pub(crate) async fn row(
        &self,
        operation: &'static str,
        key: Key,
    ) -> Result<Option<Attributes>, StoreError> {
        self.admit().await?;
        let call = self
            .client
            .get_item()
            .table_name(self.name())
            .consistent_read(true);
        let answer = call.set_key(Some(key.attributes())).send().await;
        Ok(answer.map_err(StoreError::call(operation))?.item)
    }

    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Outcome, StoreError> {
        self.admit().await?;
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        let mut pauses = TRIES_AFTER_CONFLICT.into_iter();
        loop {
            let Err(error) = call.clone().send().await else {
                return Ok(Outcome::Done);
            };
            let reasons = reasons(&error);
            let of = |code: &str| reasons.iter().map(|it| it == code).collect::<Vec<bool>>();
            let refused = of("ConditionalCheckFailed");
            if refused.contains(&true) {
                return Ok(Outcome::Refused(refused));
            }
            // The SDK does not repeat these, and they come of many requests of one user at once.
            if !of("TransactionConflict").contains(&true) {
                return Err(StoreError::call(operation)(error));
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(StoreError::Conflict { operation }),
            }
        }
    }

    pub(crate) fn put(&self, item: Attributes) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(self.name()).set_item(Some(item))
    }

    pub(crate) fn update(&self, key: Key) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(self.name())
            .set_key(Some(key.attributes()))
    }

    pub(crate) fn delete(&self, key: Key) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        Delete::builder()
            .table_name(self.name())
            .set_key(Some(key.attributes()))
    }
}

/// Why each write of a canceled transaction was not done; nothing for another error.
fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<String> {
    let SdkError::ServiceError(error) = error else {
        return Vec::new();
    };
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error.err() else {
        return Vec::new();
    };
    let reasons = canceled.cancellation_reasons().iter();
    reasons
        .map(|reason| reason.code().unwrap_or_default().to_owned())
        .collect()
}

/// An item of `value`'s fields under `key`.
pub(crate) fn item(
    operation: &'static str,
    key: Key,
    value: &impl Serialize,
) -> Result<Attributes, StoreError> {
    let mut item: Attributes = serde_dynamo::to_item(value).map_err(StoreError::item(operation))?;
    item.extend(key.attributes());
    Ok(item)
}

pub(crate) fn put_of(
    operation: &'static str,
    builder: aws_sdk_dynamodb::types::builders::PutBuilder,
) -> Result<TransactWriteItem, StoreError> {
    let put = builder.build().map_err(|source| built(operation, source))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

pub(crate) fn update_of(
    operation: &'static str,
    builder: aws_sdk_dynamodb::types::builders::UpdateBuilder,
) -> Result<TransactWriteItem, StoreError> {
    let update = builder.build().map_err(|source| built(operation, source))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

pub(crate) fn delete_of(
    operation: &'static str,
    builder: aws_sdk_dynamodb::types::builders::DeleteBuilder,
) -> Result<TransactWriteItem, StoreError> {
    let delete = builder.build().map_err(|source| built(operation, source))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

pub(crate) fn built(
    operation: &'static str,
    source: aws_sdk_dynamodb::error::BuildError,
) -> StoreError {
    StoreError::Call {
        operation,
        source: Box::new(source),
    }
}
