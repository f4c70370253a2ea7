//! Whose turn it is at what a user's taxes follow from: the address and the tax ids of the customer.
//!
//! Both are at Stripe alone. Whoever changes them has the turn, and so has whoever charges what was shown with the
//! taxes of before: between the look at the amount and the charge nobody moves the customer. The lease is on the
//! customer's item, where an erasure ends it.

use perennial_types::{Lease, Timestamp, UserId};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{Key, text},
};

impl Table {
    /// Takes the turn. False while another request has it, and when the user is being erased or nothing is known of
    /// them.
    pub async fn take_tax_turn(
        &self,
        user: &UserId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("SET tax_owner = :owner, tax_lease = :lease")
            // The owner may meet its own lease, when the first answer was lost on its way.
            .condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(erasing) AND (attribute_not_exists(tax_owner) OR tax_owner = :owner OR tax_lease < :now)",
            )
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":lease", text(lease.until.to_string()))
            .expression_attribute_values(":now", text(now.to_string()));
        applied("take_tax_turn", update).await
    }

    /// Gives the turn back. Without it nothing changes.
    pub async fn end_tax_turn(&self, user: &UserId, owner: &str) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("REMOVE tax_owner, tax_lease")
            .condition_expression("tax_owner = :owner")
            .expression_attribute_values(":owner", text(owner));
        applied("end_tax_turn", update).await?;
        Ok(())
    }
}
