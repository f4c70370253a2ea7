//! The connection, and what all operations share.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, timeout::TimeoutConfig},
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    StoreError,
    key::{Attributes, Key},
};

/// Attempts, lookups and finished claims are history after this long.
pub(crate) const KEEP_SECONDS: i64 = 90 * 24 * 3600;

/// The table, through the AWS SDK.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    name: Arc<str>,
}

/// Whether a conditional write was done.
pub(crate) enum Outcome {
    Done,
    /// Refused; for a transaction, which of its writes had a condition that did not hold.
    Refused(Vec<bool>),
}

impl Table {
    /// Connects to the table `name`. With an endpoint on this machine, the credentials and the
    /// region are made up, so that nobody needs an account to run this locally.
    pub async fn connect(name: &str, endpoint: Option<&str>) -> Self {
        // The SDK sets no limit but that of the connection. An operation that takes longer than
        // this has to leave time for Stripe within API Gateway's 30 seconds.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if endpoint.is_some_and(is_local) {
            loader = loader
                .region(Region::new("local"))
                .credentials_provider(Credentials::new("local", "local", None, None, "local"));
        }
        let config = loader.load().await;
        let mut config = aws_sdk_dynamodb::config::Builder::from(&config).timeout_config(timeouts);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint.trim_end_matches('/'));
        }
        Self {
            client: Client::from_conf(config.build()),
            name: name.into(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        key: Key,
    ) -> Result<Option<T>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(self.name())
            .consistent_read(true);
        let answer = call.set_key(Some(key.attributes())).send().await;
        match answer.map_err(StoreError::call(operation))?.item {
            Some(item) => serde_dynamo::from_item(item)
                .map(Some)
                .map_err(StoreError::item(operation)),
            None => Ok(None),
        }
    }

    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Outcome, StoreError> {
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        match call.send().await {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => match refusals(&error) {
                Some(refused) => Ok(Outcome::Refused(refused)),
                None => Err(StoreError::call(operation)(error)),
            },
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

/// The conditions that did not hold. A transaction that collided with another, or that was
/// throttled, is no refusal: the SDK has retried it, and the caller has to be told.
fn refusals<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Vec<bool>> {
    let SdkError::ServiceError(error) = error else {
        return None;
    };
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error.err() else {
        return None;
    };
    let refused: Vec<bool> = canceled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code() == Some("ConditionalCheckFailed"))
        .collect();
    refused.contains(&true).then_some(refused)
}

fn is_local(endpoint: &str) -> bool {
    let rest = endpoint.strip_prefix("http://").unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        rest.strip_prefix(host)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
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

fn built(operation: &'static str, source: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Call {
        operation,
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn made_up_credentials_go_to_this_machine_alone() {
        for (endpoint, local) in [
            ("http://127.0.0.1:9001", true),
            ("http://localhost", true),
            ("http://[::1]:9001/", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.example:9001", false),
            ("https://dynamodb.eu-west-1.amazonaws.com", false),
        ] {
            assert_eq!(is_local(endpoint), local, "{endpoint}");
        }
    }
}
