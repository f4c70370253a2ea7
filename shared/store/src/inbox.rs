//! The inbox: what Stripe has told us, kept before it is answered.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use perennial_inbox::Event;
use perennial_types::{CustomerId, EventId, SubscriptionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{DueKind, Key, text},
    table::{KEEP_SECONDS, item},
};

/// What has become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxStatus {
    /// Stored, not yet applied.
    Received,
    /// Applied.
    Processed,
    /// Of no concern here; `error` says why.
    Ignored,
    /// It cannot be applied; `error` says why.
    Failed,
}

impl InboxStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// An event, without its body: it is a hint that something has changed, and what has is read from
/// Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Stripe's id.
    pub event: EventId,
    /// The customer that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Its type, such as `invoice.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the object that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The subscription that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
    /// When Stripe made it.
    pub created: Timestamp,
    /// The API version of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// What has become of it.
    pub status: InboxStatus,
    /// How often it was taken up.
    #[serde(default)]
    pub attempts: u32,
    /// Why it was ignored or could not be applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
}

impl InboxItem {
    /// The item that an event becomes, whichever door it comes in by, so that one that comes in by
    /// several is stored once.
    pub fn of(event: Event, now: Timestamp) -> Self {
        Self {
            event: event.id,
            customer: event.customer,
            kind: event.kind,
            object: event.object,
            subscription: event.subscription,
            created: event.created,
            api_version: event.api_version,
            livemode: event.livemode,
            status: InboxStatus::Received,
            attempts: 0,
            error: None,
            received_at: now,
        }
    }
}

/// Whether an event is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is stored now.
    New,
    /// It was stored before.
    Seen,
}

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    item: &'a InboxItem,
    due: DueKind,
    due_at: Timestamp,
    expires_at: i64,
}

/// The stream brings an event within seconds, and its consumer tries for two hours.
const FIRST_LOOK_SECONDS: i64 = 125 * 60;

impl Table {
    /// Stores an event, once.
    pub async fn receive(&self, received: &InboxItem) -> Result<Received, StoreError> {
        let operation = "receive";
        let key = Key::event(received.customer.as_ref(), &received.event);
        let expires_at = received.received_at.unix().saturating_add(KEEP_SECONDS);
        let stored = Stored {
            item: received,
            due: DueKind::Event,
            due_at: received.received_at.plus_seconds(FIRST_LOOK_SECONDS),
            expires_at,
        };
        let call = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item(operation, key, &stored)?))
            .condition_expression("attribute_not_exists(pk)");
        match call.send().await {
            Ok(_) => Ok(Received::New),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(Received::Seen)
            }
            Err(error) => Err(StoreError::call(operation)(error)),
        }
    }

    /// Has the sweep look at an event at once. False if it was settled before.
    pub async fn bring_forward(
        &self,
        item: &InboxItem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = Key::event(item.customer.as_ref(), &item.event).attributes();
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key))
            .update_expression("SET due_at = :now")
            .condition_expression("attribute_exists(due)")
            .expression_attribute_values(":now", text(now.to_string()));
        applied("bring_forward", update).await
    }

    /// Writes down what has become of an event. False when it was settled before.
    pub async fn settle(
        &self,
        item: &InboxItem,
        status: InboxStatus,
        error: Option<&str>,
    ) -> Result<bool, StoreError> {
        let key = Key::event(item.customer.as_ref(), &item.event).attributes();
        let mut update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key))
            .condition_expression("#status = :received")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":received", text(InboxStatus::Received.as_str()))
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        update = match error {
            Some(error) => update
                .update_expression(
                    "SET #status = :status, #error = :error ADD attempts :one REMOVE due, due_at",
                )
                .expression_attribute_names("#error", "error")
                .expression_attribute_values(":error", text(error)),
            None => update
                .update_expression("SET #status = :status ADD attempts :one REMOVE due, due_at"),
        };
        applied("settle", update).await
    }
}
