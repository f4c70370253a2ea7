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
    /// Connects to the table `name`. With an endpoint on this machine, the credentials and the
    /// region are made up, so that no account is needed to run this locally. An endpoint may name
    /// the access key that it wants, as `http://<access key>@127.0.0.1:9001`.
    pub async fn connect(name: &str, endpoint: Option<&str>) -> Self {
        // The SDK sets no limit but that of the connection. An operation that takes longer than
        // this has to leave time for Stripe within API Gateway's 30 seconds.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        let (access_key, endpoint) = endpoint.map(parted).unzip();
        if let Some(access_key) = access_key.flatten() {
            loader = loader
                .region(Region::new("local"))
                .credentials_provider(Credentials::new(access_key, "local", None, None, "local"));
        }
        let config = loader.load().await;
        let of_all = config.endpoint_url();
        let mut config = aws_sdk_dynamodb::config::Builder::from(&config).timeout_config(timeouts);
        // The SDK takes a variable that is empty for an endpoint that is empty, and so reaches none.
        config.set_endpoint_url(endpoint.or_else(|| of_all.map(ToOwned::to_owned)));
        Self::over(Client::from_conf(config.build()), name)
    }

    /// The table that a function was given, or else a connection as [`Table::connect`] makes it.
    pub async fn given_or_connect(
        given: Option<&Self>,
        name: &str,
        endpoint: Option<&str>,
    ) -> Self {
        match given {
            Some(given) => given.clone(),
            None => Self::connect(name, endpoint).await,
        }
    }

    /// The table `name` through a client that the caller has made, as a trial does.
    pub fn over(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.into(),
            guard: None,
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
        self.admit().await?;
        let call = self
            .client
            .get_item()
            .table_name(self.name())
            .consistent_read(true);
        let sort_key = key.sk.clone();
        let answer = call.set_key(Some(key.attributes())).send().await;
        match answer.map_err(StoreError::call(operation))?.item {
            Some(item) => serde_dynamo::from_item(item)
                .map(Some)
                .map_err(StoreError::unreadable(operation, sort_key)),
            None => Ok(None),
        }
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

/// The access key for an endpoint that names one or is on this machine, and the endpoint without it.
fn parted(endpoint: &str) -> (Option<&str>, String) {
    let endpoint = endpoint.trim_end_matches('/');
    let rest = endpoint.strip_prefix("http://");
    match rest.and_then(|rest| rest.split_once('@')) {
        Some((access_key, rest)) => (Some(access_key), format!("http://{rest}")),
        None => (is_local(endpoint).then_some("local"), endpoint.to_owned()),
    }
}

fn is_local(endpoint: &str) -> bool {
    let rest = endpoint.strip_prefix("http://").unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]", "host.docker.internal"]
        .iter()
        .any(|host| {
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
    use super::{is_local, parted};

    #[test]
    fn an_endpoint_may_name_its_access_key() {
        for (endpoint, access_key, address) in [
            (
                "http://127.0.0.1:9001/",
                Some("local"),
                "http://127.0.0.1:9001",
            ),
            (
                "http://k3y@172.17.0.1:9001",
                Some("k3y"),
                "http://172.17.0.1:9001",
            ),
            (
                "https://dynamodb.eu-west-1.amazonaws.com",
                None,
                "https://dynamodb.eu-west-1.amazonaws.com",
            ),
            ("", None, ""),
        ] {
            assert_eq!(
                parted(endpoint),
                (access_key, address.to_owned()),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn made_up_credentials_go_to_this_machine_alone() {
        for (endpoint, local) in [
            ("http://127.0.0.1:9001", true),
            ("http://localhost", true),
            ("http://[::1]:9001/", true),
            // This machine, from within a container of Docker.
            ("http://host.docker.internal:9001", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.example:9001", false),
            ("https://dynamodb.eu-west-1.amazonaws.com", false),
        ] {
            assert_eq!(is_local(endpoint), local, "{endpoint}");
        }
    }
}
