//! A step at Stripe that is carried out once.
//!
//! A caller that creates something at Stripe claims that step first: a conditional write names an
//! owner and a lease, and freezes the exact request. The owner sends the request and writes down what
//! came of it. When an owner dies, another caller takes the claim over once the lease has run out, and
//! sends the same bytes under the same idempotency key. An owner that gives up releases the claim, so
//! that the next caller need not wait.
//!
//! Which item holds the claim, and what tells that the step is done, differs from step to step and is
//! listed here. The write that claims a step, and the one that records its result, belong to the item.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use perennial_types::{Attempt, Lease, SubscriptionId, Timestamp, UserId};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{Key, text},
};

/// A step that is claimed before it is sent.
#[derive(Debug, Clone, Copy)]
pub enum ClaimedStep<'a> {
    /// Creating a user's customer.
    Customer(&'a UserId),
    /// Creating the SetupIntent of an attempt.
    SetupIntent(&'a Attempt),
    /// Creating the subscription of the attempt that holds the slot.
    Subscription(&'a Attempt),
    /// What the shop's servers ask for under a hashed idempotency key.
    Payment(&'a str),
    /// What is being done to a user's subscription.
    Action(&'a UserId, &'a SubscriptionId),
    /// Creating the configuration of the customer portal.
    Portal,
}

impl ClaimedStep<'_> {
    /// The name in the log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::SetupIntent(_) => "setup_intent",
            Self::Subscription(_) => "subscription",
            Self::Payment(_) => "payment",
            Self::Action(..) => "action",
            Self::Portal => "portal",
        }
    }

    /// An update of the claim that holds only while the step is not done.
    fn update(self, table: &Table, condition: &str) -> UpdateItemFluentBuilder {
        let (key, owner, lease, open) = match self {
            Self::Customer(user) => (
                Key::customer(user),
                "owner",
                "lease",
                "attribute_not_exists(customer)",
            ),
            Self::SetupIntent(attempt) => (
                Key::attempt(&attempt.user, &attempt.id),
                "setup_owner",
                "setup_lease",
                "attribute_exists(pk) AND attribute_not_exists(setup_intent)",
            ),
            Self::Subscription(attempt) => (
                Key::slot(&attempt.user, &attempt.group),
                "owner",
                "lease",
                "attempt = :attempt AND attribute_not_exists(subscription)",
            ),
            Self::Payment(hash) => (
                Key::payment_request(hash),
                "owner",
                "lease",
                "#state = :sending",
            ),
            Self::Action(user, subscription) => (
                Key::actions(user, subscription),
                "owner",
                "lease",
                "attribute_exists(#owner)",
            ),
            Self::Portal => (
                Key::portal(),
                "owner",
                "lease",
                "attribute_not_exists(configuration)",
            ),
        };
        let update = table
            .client
            .update_item()
            .table_name(table.name())
            .set_key(Some(key.attributes()))
            .condition_expression(format!("{open} AND ({condition})"))
            .expression_attribute_names("#owner", owner)
            .expression_attribute_names("#lease", lease);
        match self {
            Self::Subscription(attempt) => {
                update.expression_attribute_values(":attempt", text(attempt.id.as_str()))
            }
            Self::Payment(_) => update
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":sending", text("sending")),
            Self::Customer(_) | Self::SetupIntent(_) | Self::Action(..) | Self::Portal => update,
        }
    }
}

impl Table {
    /// Takes over a claim whose owner is no longer alive; what is frozen stays as it is. False when
    /// another caller was quicker, or the step is done.
    pub async fn take_over(
        &self,
        step: ClaimedStep<'_>,
        seen: &Lease,
        lease: &Lease,
    ) -> Result<bool, StoreError> {
        // The owner may meet its own lease, when the first answer was lost on its way.
        let update = step
            .update(
                self,
                "(#lease = :seen_lease AND (#owner = :seen OR attribute_not_exists(#owner))) OR #owner = :owner",
            )
            .update_expression("SET #owner = :owner, #lease = :lease")
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":lease", text(lease.until.to_string()))
            .expression_attribute_values(":seen", text(&seen.owner))
            .expression_attribute_values(":seen_lease", text(seen.until.to_string()));
        applied("take_over", update).await
    }

    /// Lets the next caller take over at once, because this owner has given up for now. False when it
    /// has done so already, or the step is done.
    pub async fn release(&self, step: ClaimedStep<'_>, owner: &str) -> Result<bool, StoreError> {
        let update = step
            .update(self, "#owner = :owner")
            .update_expression("SET #lease = :past")
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":past", text(Timestamp::from_unix(0).to_string()));
        applied("release", update).await
    }
}
