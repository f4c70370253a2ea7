//! What the shop is told, written in the same transaction as the change that it tells of.

use perennial_types::{Timestamp, UserId};
use serde::Serialize;

use crate::{
    StoreError, Table,
    key::{Attributes, Key},
    table::{item, put_of},
};

/// An event for the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShopEvent {
    /// `pev_...`, by which a receiver knows a repeat.
    pub id: String,
    /// Its type, such as `subscription.activated`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whom it concerns.
    pub user: UserId,
    /// Where it stands among the events of one subscription: the larger number is the later one. None
    /// for an event that is about no subscription.
    pub sequence: Option<u64>,
    /// When it was found out, by the clock of the function that has.
    pub occurred_at: Timestamp,
    /// What has happened, as the JSON that `docs/events` describes.
    pub data: String,
}

/// The version of the form of all events; a change that breaks a receiver raises it.
const VERSION: u32 = 1;

/// The stream hands an event on within seconds; for a week it can still be looked at.
const KEEP_SECONDS: i64 = 7 * 24 * 3600;

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    event: &'a ShopEvent,
    version: u32,
    expires_at: i64,
}

impl Table {
    /// Tells the shop something that is written with no change: once, however often it is found out, since its
    /// id is made of what it tells.
    pub async fn tell(&self, event: &ShopEvent) -> Result<(), StoreError> {
        let operation = "tell";
        let put = self.put(outgoing(operation, event)?);
        let put = put.condition_expression("attribute_not_exists(pk)");
        // One whose condition does not hold was told before.
        let writes = vec![put_of(operation, put)?];
        self.transact(operation, writes).await.map(|_| ())
    }

    pub(crate) fn put_event(
        &self,
        operation: &'static str,
        event: &ShopEvent,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem, StoreError> {
        put_of(operation, self.put(outgoing(operation, event)?))
    }
}

fn outgoing(operation: &'static str, event: &ShopEvent) -> Result<Attributes, StoreError> {
    let stored = Stored {
        event,
        version: VERSION,
        expires_at: event.occurred_at.unix().saturating_add(KEEP_SECONDS),
    };
    item(operation, Key::outgoing(&event.user, &event.id), &stored)
}
