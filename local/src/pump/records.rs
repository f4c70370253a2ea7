//! The table's stream, read record by record in the form that Lambda hands on.

use dynoxide::Database;
use dynoxide::actions::{
    describe_table::DescribeTableRequest, get_records::GetRecordsRequest,
    get_shard_iterator::GetShardIteratorRequest,
};
use serde_json::{Value, json};

use crate::dynamodb::DatabaseError;

/// The stream of one table.
#[derive(Clone)]
pub(super) struct Records {
    database: Database,
    /// Names the stream; a table that is created anew has another one.
    pub(super) arn: String,
    shard: String,
}

impl Records {
    pub(super) fn of_table(database: Database, table: &str) -> Result<Self, DatabaseError> {
        let request: DescribeTableRequest = from(json!({ "TableName": table }))?;
        let described = database
            .describe_table(request)
            .map_err(DatabaseError::Refused)?;
        let described = serde_json::to_value(described).unwrap_or_default();
        let arn = described
            .pointer("/Table/LatestStreamArn")
            .and_then(Value::as_str)
            .ok_or_else(|| DatabaseError::NoStream(table.to_owned()))?
            .to_owned();
        Ok(Self {
            database,
            arn,
            shard: dynoxide::streams::shard_id(table),
        })
    }

    /// Up to `limit` records after the one of that sequence number; all there are without one.
    pub(super) async fn read(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<Value>, DatabaseError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read_now(after.as_deref(), limit))
            .await
            .map_err(|_| DatabaseError::Stopped)?
    }

    fn read_now(&self, after: Option<&str>, limit: usize) -> Result<Vec<Value>, DatabaseError> {
        let kind = if after.is_some() {
            "AFTER_SEQUENCE_NUMBER"
        } else {
            "TRIM_HORIZON"
        };
        let request: GetShardIteratorRequest = from(json!({
            "StreamArn": self.arn,
            "ShardId": self.shard,
            "ShardIteratorType": kind,
            "SequenceNumber": after,
        }))?;
        let iterator = self
            .database
            .get_shard_iterator(request)
            .map_err(DatabaseError::Refused)?;
        let request: GetRecordsRequest =
            from(json!({ "ShardIterator": iterator.shard_iterator, "Limit": limit }))?;
        let response = self
            .database
            .get_records(request)
            .map_err(DatabaseError::Refused)?;
        response
            .records
            .iter()
            .map(|record| self.as_lambda_sends_it(record))
            .collect()
    }

    fn as_lambda_sends_it(
        &self,
        record: &dynoxide::actions::get_records::Record,
    ) -> Result<Value, DatabaseError> {
        let mut record = serde_json::to_value(record).map_err(DatabaseError::Form)?;
        if let Some(record) = record.as_object_mut() {
            record.insert("eventSourceARN".into(), self.arn.clone().into());
        }
        Ok(record)
    }
}

fn from<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, DatabaseError> {
    serde_json::from_value(request).map_err(DatabaseError::Form)
}
