//! Payments that a shopper can still make by a link, and those that another payment has replaced.
//!
//! A declined payment stays payable, so that charging the same thing again could be paid twice. The
//! first item finds such a payment by its user, amount and currency; the second lets each payment be
//! replaced once.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use perennial_types::{Money, PaymentIntentId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{Key, text},
    table::{KEEP_SECONDS, item, put_of},
};

#[derive(Deserialize)]
struct Payable {
    #[serde(default)]
    payments: Vec<PaymentIntentId>,
}

#[derive(Serialize, Deserialize)]
struct Replaced {
    request: String,
    #[serde(default)]
    expires_at: i64,
}

impl Table {
    /// The payments of this user and amount for which a link was given within the last 90 days. They
    /// may have been made or canceled since.
    pub async fn payable(
        &self,
        user: &UserId,
        money: Money,
    ) -> Result<Vec<PaymentIntentId>, StoreError> {
        let keys = [
            Key::payable(user, money),
            Key::payable_of_older(user, money),
        ];
        let [known, older] = keys.map(|key| self.get::<Payable>("payable", key));
        let (known, older) = tokio::try_join!(known, older)?;
        let both = known.into_iter().chain(older);
        Ok(both.flat_map(|known| known.payments).collect())
    }

    /// Writes down that a payment can be made by a link, before the link is given.
    pub async fn add_payable(
        &self,
        user: &UserId,
        money: Money,
        payment: &PaymentIntentId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = now.unix().saturating_add(KEEP_SECONDS);
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::payable(user, money).attributes()))
            .update_expression("ADD payments :these SET expires_at = :expires_at")
            .expression_attribute_values(":these", set(std::slice::from_ref(payment)))
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at.to_string()));
        applied("add_payable", update).await?;
        Ok(())
    }

    /// Forgets payments that can no longer be made.
    pub async fn remove_payable(
        &self,
        user: &UserId,
        money: Money,
        payments: &[PaymentIntentId],
    ) -> Result<(), StoreError> {
        for key in [
            Key::payable(user, money),
            Key::payable_of_older(user, money),
        ] {
            let update = self
                .client
                .update_item()
                .table_name(self.name())
                .set_key(Some(key.attributes()))
                .update_expression("DELETE payments :these")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":these", set(payments));
            applied("remove_payable", update).await?;
        }
        Ok(())
    }

    /// The request that has replaced a payment, or is about to.
    pub async fn replacement(
        &self,
        payment: &PaymentIntentId,
    ) -> Result<Option<String>, StoreError> {
        let known = self
            .get::<Replaced>("replacement", Key::replaced(payment))
            .await?;
        Ok(known.map(|known| known.request))
    }

    /// Lets a request replace a payment, unless another one does. `over` is a request that had the
    /// right to, and came to nothing.
    pub(crate) fn replace(
        &self,
        payment: &PaymentIntentId,
        request: &str,
        over: Option<&str>,
        expires_at: i64,
    ) -> Result<TransactWriteItem, StoreError> {
        let operation = "replace";
        let place = Replaced {
            request: request.to_owned(),
            expires_at,
        };
        let place = self
            .put(item(operation, Key::replaced(payment), &place)?)
            .condition_expression("attribute_not_exists(pk) OR #request IN (:this, :over)")
            // REQUEST is a reserved word.
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":this", text(request))
            .expression_attribute_values(":over", text(over.unwrap_or(request)));
        put_of(operation, place)
    }
}

fn set(payments: &[PaymentIntentId]) -> AttributeValue {
    AttributeValue::Ss(payments.iter().map(|id| id.as_str().to_owned()).collect())
}
