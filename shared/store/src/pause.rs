//! That a subscription was paused here, and when that has to be ended.
//!
//! Stripe does not end a pause by itself, so its end is noted on the subscription's item before Stripe is asked for
//! the pause, and is in the index `due` from then on.

use perennial_types::{SubscriptionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{DueKind, Key, text},
};

/// A pause that was asked for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPause {
    /// When, by Stripe's clock, just before Stripe was asked.
    pub asked: Timestamp,
    /// When it is to end; none if that is left open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Stripe's own clocks may differ by so much.
const SKEW_SECONDS: i64 = 60;
/// Whoever carries a request out that another caller has left does so within this time.
const CARRIED_OUT_SECONDS: i64 = 40 * 60;

impl AskedPause {
    /// Whether a pause that began then is this one.
    pub fn may_have_begun(&self, at: Timestamp) -> bool {
        let asked = self.asked;
        (asked.plus_seconds(-SKEW_SECONDS)..=asked.plus_seconds(CARRIED_OUT_SECONDS)).contains(&at)
    }
}

impl Table {
    /// Notes a pause, and when it has to be looked at. False if there is no such subscription.
    pub async fn note_pause(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        pause: AskedPause,
        look_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let noted =
            serde_dynamo::to_attribute_value(pause).map_err(StoreError::item("note_pause"))?;
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::subscription(user, id).attributes()))
            .condition_expression("attribute_exists(model)")
            .expression_attribute_values(":pause", noted);
        let update = match look_at {
            Some(at) => update
                .update_expression("SET pause = :pause, due = :due, due_at = :at")
                .expression_attribute_values(":due", text(DueKind::Pause.as_str()))
                .expression_attribute_values(":at", text(at.to_string())),
            None => update.update_expression("SET pause = :pause REMOVE due, due_at"),
        };
        applied("note_pause", update).await
    }

    /// Forgets a pause that is over, unless another one was noted in its place.
    pub async fn forget_pause(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        pause: AskedPause,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::subscription(user, id).attributes()))
            .condition_expression("pause.asked = :asked")
            .update_expression("REMOVE pause, due, due_at")
            .expression_attribute_values(":asked", text(pause.asked.to_string()));
        applied("forget_pause", update).await
    }
}
