//! One Stripe customer for each user.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use perennial_types::{Claim, CustomerId, FrozenRequest, Lease, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Offers, StoreError, Table,
    attempt::{applied, number},
    key::{Key, text},
    table::{Outcome, item, put_of, update_of},
};

/// No function runs for longer than 15 minutes (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>),
/// so after this nobody writes who has read the table before the mark was there.
pub(crate) const LAST_PASS_SECONDS: i64 = 16 * 60;

/// That a user is being erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Since when nothing is begun for the user.
    pub asked: Timestamp,
    /// Since when it is no longer taken back, and events about the customer belong to no user.
    pub decided: Option<Timestamp>,
    /// The customer at Stripe, if there is one.
    pub customer: Option<CustomerId>,
    /// Those that the user had before.
    pub former: BTreeSet<CustomerId>,
}

impl Erasure {
    /// Whether nobody writes any more who did not know of it.
    pub fn is_last_pass(&self, now: Timestamp) -> bool {
        self.complete_at().is_some_and(|at| at <= now)
    }

    /// From when on it can come to its end.
    pub fn complete_at(&self) -> Option<Timestamp> {
        self.decided.map(|it| it.plus_seconds(LAST_PASS_SECONDS))
    }
}

/// A user's customer, or the claim on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerItem {
    /// It exists.
    Known {
        /// Stripe's id.
        customer: CustomerId,
    },
    /// A request is creating it, or died doing so.
    Creating(Claim),
    /// The user is being erased, and nothing is begun for them until that has come to its end.
    Erasing(Erasure),
}

/// The item as it lies in the table. It has either the customer or a claim; or neither, once Stripe has
/// deleted the customer. `erasing` says that the user is being erased.
#[derive(Deserialize)]
pub(crate) struct Stored {
    customer: Option<CustomerId>,
    owner: Option<String>,
    lease: Option<Timestamp>,
    request: Option<FrozenRequest>,
    frozen_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) links: u64,
    #[serde(default)]
    pub(crate) declines: BTreeSet<String>,
    /// Whose subscriptions are being read, or were to be by a call that broke off.
    #[serde(default)]
    pub(crate) adopting: bool,
    #[serde(default)]
    pub(crate) offers: BTreeSet<String>,
    #[serde(default)]
    former: BTreeSet<CustomerId>,
    erasing: Option<Timestamp>,
    decided: Option<Timestamp>,
}

impl Stored {
    /// The customer or the claim, if the item has one.
    pub(crate) fn customer(self) -> Option<CustomerItem> {
        if let Some(asked) = self.erasing {
            return Some(CustomerItem::Erasing(Erasure {
                asked,
                decided: self.decided,
                customer: self.customer,
                former: self.former,
            }));
        }
        if let Some(customer) = self.customer {
            return Some(CustomerItem::Known { customer });
        }
        Some(CustomerItem::Creating(Claim {
            lease: Lease {
                owner: self.owner?,
                until: self.lease?,
            },
            frozen_at: self.frozen_at?,
            request: self.request?,
        }))
    }
}

const ADOPT: &str = "adopt_customer";

#[derive(Serialize, Deserialize)]
pub(crate) struct Reverse {
    pub(crate) user: UserId,
}

impl Table {
    /// The user's customer, or the claim on it.
    pub async fn customer_item(&self, user: &UserId) -> Result<Option<CustomerItem>, StoreError> {
        let item = self.get::<Stored>("customer_item", Key::customer(user));
        Ok(item.await?.and_then(Stored::customer))
    }

    /// Claims the right to create the user's customer. False when another caller was first. An owner
    /// may replace its own claim.
    pub async fn claim_customer(&self, user: &UserId, claim: &Claim) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression(
                "SET #owner = :owner, lease = :lease, #request = :request, frozen_at = :frozen_at",
            )
            .condition_expression(
                "attribute_not_exists(erasing) AND attribute_not_exists(customer) AND (attribute_not_exists(#owner) OR #owner = :owner)",
            )
            .expression_attribute_names("#owner", "owner")
            // REQUEST is a reserved word.
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":owner", text(&claim.lease.owner))
            .expression_attribute_values(":lease", text(claim.lease.until.to_string()))
            .expression_attribute_values(":request", text(claim.request.to_text()))
            .expression_attribute_values(":frozen_at", text(claim.frozen_at.to_string()));
        applied("claim_customer", update).await
    }

    /// Writes down the customer and whose it is, both or neither. False when another customer is
    /// already written down.
    pub async fn record_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<bool, StoreError> {
        let free = "attribute_not_exists(erasing) AND (attribute_not_exists(customer) OR customer = :customer)";
        self.write_owner("record_customer", (user, customer), free)
            .await
    }

    /// The same for a customer who was there before. False also while one is being created for the user, which would be
    /// nobody's. Until [`Self::end_adoption`] the item says that not all of its subscriptions are known.
    pub async fn adopt_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<bool, StoreError> {
        let free = "attribute_not_exists(erasing) AND (customer = :customer OR (attribute_not_exists(customer) AND attribute_not_exists(#owner)))";
        self.write_owner(ADOPT, (user, customer), free).await
    }

    /// Notes that all subscriptions of a customer who was adopted are known.
    pub async fn end_adoption(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("REMOVE adopting")
            .condition_expression("customer = :customer")
            .expression_attribute_values(":customer", text(customer.as_str()));
        applied("end_adoption", update).await?;
        Ok(())
    }

    async fn write_owner(
        &self,
        operation: &'static str,
        (user, customer): (&UserId, &CustomerId),
        free: &str,
    ) -> Result<bool, StoreError> {
        let known = self.update(Key::customer(user));
        let known = if operation == ADOPT {
            known
                .update_expression(
                    "SET customer = :customer, adopting = :adopting REMOVE #owner, lease, #request, frozen_at",
                )
                .expression_attribute_values(":adopting", AttributeValue::Bool(true))
        } else {
            known.update_expression(
                "SET customer = :customer REMOVE #owner, lease, #request, frozen_at",
            )
        };
        let known = known
            .condition_expression(free)
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
    /// another. The links that were handed out open nothing afterwards. Whose it was stays known, for
    /// events that are still to come, and the user's item names it, for when the user is erased.
    pub async fn forget_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("REMOVE customer ADD links :one, former :former")
            .condition_expression("customer = :customer")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":former", AttributeValue::Ss(vec![customer.to_string()]))
            .expression_attribute_values(":customer", text(customer.as_str()));
        applied("forget_customer", update).await
    }

    /// The number that a link of this user has to name.
    pub async fn link_number(&self, user: &UserId) -> Result<u64, StoreError> {
        let item = self.get::<Stored>("link_number", Key::customer(user));
        Ok(item.await?.map_or(0, |item| item.links))
    }

    /// Notes declines of the user's, each by its time and its id at Stripe, and gives all that are
    /// noted from `since` on; older ones are forgotten. To note one again changes nothing.
    pub async fn note_declines(
        &self,
        user: &UserId,
        declines: &[String],
        since: Timestamp,
    ) -> Result<BTreeSet<String>, StoreError> {
        let operation = "note_declines";
        let change = || {
            self.client
                .update_item()
                .table_name(self.name())
                .set_key(Some(Key::customer(user).attributes()))
        };
        let added = change()
            .update_expression("ADD declines :declines")
            .expression_attribute_values(":declines", AttributeValue::Ss(declines.to_vec()))
            .return_values(ReturnValue::AllNew);
        let answer = added.send().await.map_err(StoreError::call(operation))?;
        let stored: Stored = serde_dynamo::from_item(answer.attributes.unwrap_or_default())
            .map_err(StoreError::item(operation))?;
        let since = since.to_string();
        let (noted, old): (BTreeSet<_>, BTreeSet<_>) = stored
            .declines
            .into_iter()
            .partition(|decline| *decline >= since);
        if !old.is_empty() {
            change()
                .update_expression("DELETE declines :old")
                .expression_attribute_values(":old", AttributeValue::Ss(old.into_iter().collect()))
                .send()
                .await
                .map_err(StoreError::call(operation))?;
        }
        Ok(noted)
    }

    /// The user's customer, if there is one.
    pub async fn known_customer(&self, user: &UserId) -> Result<Option<CustomerId>, StoreError> {
        Ok(match self.customer_item(user).await? {
            Some(CustomerItem::Known { customer }) => Some(customer),
            Some(CustomerItem::Creating(_) | CustomerItem::Erasing(_)) | None => None,
        })
    }

    /// The same, with the private plans that were offered to the user.
    pub async fn customer_and_offers(
        &self,
        user: &UserId,
    ) -> Result<(Option<CustomerId>, Offers), StoreError> {
        let item = self.get::<Stored>("customer_and_offers", Key::customer(user));
        let Some(mut item) = item.await? else {
            return Ok((None, Offers::default()));
        };
        let offers = Offers(std::mem::take(&mut item.offers));
        Ok(match item.customer() {
            Some(CustomerItem::Known { customer }) => (Some(customer), offers),
            Some(CustomerItem::Creating(_) | CustomerItem::Erasing(_)) | None => (None, offers),
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
