//! How far a sweep has come.

use perennial_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{StoreError, Table, key::Key, table::item};

/// A sweep's position. What it means is the sweep's business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Counts the writes; a sweep that has read an older one must not write.
    pub fence: u64,
    /// Everything up to here is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_until: Option<Timestamp>,
    /// The end of the span that is being worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_until: Option<Timestamp>,
    /// Until when the first answer about the span can have known everything, by the clock of who gave
    /// it; of the comparison of subscriptions, when the last complete pass began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_until: Option<Timestamp>,
    /// The last object that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The number of the pass over the span.
    #[serde(default)]
    pub pass: u32,
    /// How many types of events the passes are about; another number means other passes.
    #[serde(default)]
    pub types: u32,
    /// Whether a complete pass has moved the subscriptions that had ended before there was an archive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// What is still to be listed, in parts that are listed side by side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// A part of a list that is the newest first: objects that were created within a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Of the list of what has ended, and not of what has not.
    pub ended: bool,
    /// The earliest time of creation, in Unix seconds.
    pub from: i64,
    /// The latest one, in Unix seconds; none while nothing of the part is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// The last object that was dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Table {
    /// The position of the sweep `name`; the beginning, if it never ran.
    pub async fn cursor(&self, name: &str) -> Result<Cursor, StoreError> {
        Ok(self
            .get("cursor", Key::cursor(name))
            .await?
            .unwrap_or_default())
    }

    /// Writes the next position. False when another run has written meanwhile; then this one has
    /// to stop, since the other goes on from where it is.
    pub async fn move_cursor(&self, name: &str, next: &Cursor) -> Result<bool, StoreError> {
        let operation = "move_cursor";
        let seen = next.fence;
        let next = Cursor {
            fence: seen.saturating_add(1),
            ..next.clone()
        };
        let put = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item(operation, Key::cursor(name), &next)?))
            .condition_expression("attribute_not_exists(pk) OR fence = :seen")
            .expression_attribute_values(
                ":seen",
                aws_sdk_dynamodb::types::AttributeValue::N(seen.to_string()),
            );
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::put_item::PutItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call(operation)(error)),
        }
    }
}
