//! One Stripe customer for each user.

use aws_sdk_dynamodb::operation::{put_item::PutItemError, update_item::UpdateItemError};
use perennial_types::{CustomerId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    key::{Key, text},
    table::{Outcome, item, put_of, update_of},
};

/// The right to create a user's customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerClaim {
    /// Who has it: a word that no other caller uses.
    pub owner: String,
    /// Until when the owner is taken to be alive.
    pub lease: Timestamp,
    /// The frozen request.
    pub request: String,
    /// When it was frozen; Stripe remembers its key for 24 hours.
    pub frozen_at: Timestamp,
}

/// A user's customer, or the claim on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Stored")]
pub enum CustomerItem {
    /// It exists.
    Known {
        /// Stripe's id.
        customer: CustomerId,
    },
    /// Somebody is creating it, or died doing so.
    Creating(CustomerClaim),
}

/// The item as it lies in the table, which has either the customer or all the rest.
#[derive(Deserialize)]
struct Stored {
    customer: Option<CustomerId>,
    owner: Option<String>,
    lease: Option<Timestamp>,
    request: Option<String>,
    frozen_at: Option<Timestamp>,
}

impl TryFrom<Stored> for CustomerItem {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, &'static str> {
        match stored {
            Stored {
                customer: Some(customer),
                ..
            } => Ok(Self::Known { customer }),
            Stored {
                owner: Some(owner),
                lease: Some(lease),
                request: Some(request),
                frozen_at: Some(frozen_at),
                ..
            } => Ok(Self::Creating(CustomerClaim {
                owner,
                lease,
                request,
                frozen_at,
            })),
            _ => Err("neither a customer nor a whole claim on one"),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Reverse {
    user: UserId,
}

impl Table {
    /// The user's customer, or the claim on it.
    pub async fn customer_item(&self, user: &UserId) -> Result<Option<CustomerItem>, StoreError> {
        self.get("customer_item", Key::customer(user)).await
    }

    /// Claims the right to create the user's customer. False when somebody else was first.
    pub async fn claim_customer(
        &self,
        user: &UserId,
        claim: &CustomerClaim,
    ) -> Result<bool, StoreError> {
        let operation = "claim_customer";
        let call = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item(operation, Key::customer(user), claim)?))
            // The owner may meet its own claim, when the first answer was lost on its way.
            .condition_expression("attribute_not_exists(pk) OR #owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(&claim.owner));
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call(operation)(error)),
        }
    }

    /// Takes over a claim whose owner is no longer alive; its request stays as it is.
    pub async fn take_over_customer(
        &self,
        user: &UserId,
        seen: &CustomerClaim,
        owner: &str,
        lease: Timestamp,
    ) -> Result<bool, StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("SET #owner = :owner, lease = :lease")
            .condition_expression("attribute_not_exists(customer) AND ((#owner = :seen AND lease = :seen_lease) OR #owner = :owner)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":lease", text(lease.to_string()))
            .expression_attribute_values(":seen", text(&seen.owner))
            .expression_attribute_values(":seen_lease", text(seen.lease.to_string()));
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("take_over_customer")(error)),
        }
    }

    /// Writes down the customer and whose it is, both or neither. False when another customer is
    /// already written down.
    pub async fn record_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<bool, StoreError> {
        let operation = "record_customer";
        let known = self
            .update(Key::customer(user))
            .update_expression("SET customer = :customer REMOVE #owner, lease, #request, frozen_at")
            .condition_expression("attribute_not_exists(customer) OR customer = :customer")
            .expression_attribute_names("#owner", "owner")
            // REQUEST is a reserved word.
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":customer", text(customer.as_str()));
        let reverse = item(
            operation,
            Key::reverse(customer),
            &Reverse { user: user.clone() },
        )?;
        let reverse = self
            .put(reverse)
            .condition_expression("attribute_not_exists(pk) OR #user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", text(user.as_str()));
        let writes = vec![update_of(operation, known)?, put_of(operation, reverse)?];
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }

    /// Forgets a user's customer, because Stripe has deleted it, so that the next click creates
    /// another. Whose it was stays known, for events that are still to come.
    pub async fn forget_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<bool, StoreError> {
        let call = self
            .client
            .delete_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .condition_expression("customer = :customer")
            .expression_attribute_values(":customer", text(customer.as_str()));
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::delete_item::DeleteItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("forget_customer")(error)),
        }
    }

    /// The user's customer, if there is one.
    pub async fn known_customer(&self, user: &UserId) -> Result<Option<CustomerId>, StoreError> {
        let item = self
            .get::<CustomerItem>("known_customer", Key::customer(user))
            .await?;
        Ok(match item {
            Some(CustomerItem::Known { customer }) => Some(customer),
            Some(CustomerItem::Creating(_)) | None => None,
        })
    }

    /// Whose customer this is.
    pub async fn user_of_customer(
        &self,
        customer: &CustomerId,
    ) -> Result<Option<UserId>, StoreError> {
        let item = self
            .get::<Reverse>("user_of_customer", Key::reverse(customer))
            .await?;
        Ok(item.map(|item| item.user))
    }
}
