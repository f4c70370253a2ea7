//! How many promotion codes a user has tried lately, so that nobody finds one by guessing.

use perennial_types::{Timestamp, UserId};

use crate::{
    StoreError, Table,
    attempt::{applied, number},
    key::Key,
};

const HOUR_SECONDS: i64 = 3600;

impl Table {
    /// Counts a promotion code that a user has typed in; false if there were `most` within this hour of the clock
    /// already. One write counts and decides, so that many tries at once are no more than that either.
    pub async fn count_code_try(
        &self,
        user: &UserId,
        now: Timestamp,
        most: i64,
    ) -> Result<bool, StoreError> {
        let hour = now.unix().div_euclid(HOUR_SECONDS);
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::code_tries(user, hour).attributes()))
            .update_expression("SET expires_at = :expires ADD tries :one")
            .condition_expression("attribute_not_exists(tries) OR tries < :most")
            .expression_attribute_values(":expires", number((hour + 2) * HOUR_SECONDS))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(most));
        applied("count_code_try", update).await
    }
}
