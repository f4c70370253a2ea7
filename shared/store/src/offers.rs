//! The private plans that are offered to a user.
//!
//! They are a set on the customer's item: a click, a preview and what the shop's servers read of a user have that item
//! already, and an erasure marks and deletes it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use perennial_types::{Plan, PlanName, Plans, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::number,
    key::{Attributes, Key, text},
};

/// So many plans may be offered to one user, so that the item stays as small as its readers expect.
pub const MOST_OFFERS: i64 = 50;

/// The names of the private plans that are offered to a user, as the shop wrote them: a plan may be gone since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Offers(pub(crate) BTreeSet<String>);

impl Offers {
    /// Whether a user with these may know of a plan.
    pub fn allow(&self, name: &PlanName, plan: &Plan) -> bool {
        !plan.private || self.0.contains(name.as_str())
    }

    /// The plans among them that are for sale now, in the order of their names.
    pub fn for_sale<'a>(&self, plans: &'a Plans) -> impl Iterator<Item = (&'a PlanName, &'a Plan)> {
        let known = self.0.iter().filter_map(|name| plans.get(name));
        known.filter(|(_, plan)| plan.private && plan.refusal.is_none())
    }
}

/// What came of an offer, or of taking one back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferWritten {
    /// These are offered now.
    Done(Offers),
    /// Nothing: the user is being erased.
    Erasing,
    /// Nothing: there are [`MOST_OFFERS`] already.
    TooMany,
}

/// Of the customer's item what decides about an offer.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    offers: BTreeSet<String>,
    erasing: Option<String>,
}

impl Table {
    /// Offers a private plan to a user. To offer it again changes nothing.
    pub async fn offer_plan(
        &self,
        user: &UserId,
        plan: &PlanName,
    ) -> Result<OfferWritten, StoreError> {
        // One write adds and decides, so of two servers that offer at once neither undoes what the other did.
        let update = self
            .update_offers(user, plan)
            .update_expression("ADD offers :plans")
            .condition_expression(
                "attribute_not_exists(erasing) AND (attribute_not_exists(offers) OR size(offers) < :most OR contains(offers, :plan))",
            )
            .expression_attribute_values(":plan", text(plan.as_str()))
            .expression_attribute_values(":most", number(MOST_OFFERS));
        self.write_offers("offer_plan", update).await
    }

    /// Takes an offer back, of a plan of any name. Without it nothing changes.
    pub async fn withdraw_offer(
        &self,
        user: &UserId,
        plan: &PlanName,
    ) -> Result<OfferWritten, StoreError> {
        let update = self
            .update_offers(user, plan)
            .update_expression("DELETE offers :plans")
            // Nothing is written of a user of whom nothing is known.
            .condition_expression("attribute_exists(offers) AND attribute_not_exists(erasing)");
        self.write_offers("withdraw_offer", update).await
    }

    /// The private plans that are offered to a user.
    pub async fn offers(&self, user: &UserId) -> Result<Offers, StoreError> {
        let item = self.get::<Seen>("offers", Key::customer(user)).await?;
        Ok(item.map(|item| Offers(item.offers)).unwrap_or_default())
    }

    fn update_offers(&self, user: &UserId, plan: &PlanName) -> UpdateItemFluentBuilder {
        let plans = vec![plan.as_str().to_owned()];
        self.client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .expression_attribute_values(":plans", AttributeValue::Ss(plans))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn write_offers(
        &self,
        operation: &'static str,
        update: UpdateItemFluentBuilder,
    ) -> Result<OfferWritten, StoreError> {
        self.admit().await?;
        let seen = |item: Attributes| {
            let seen = serde_dynamo::from_item::<_, Seen>(item);
            seen.map_err(StoreError::item(operation))
        };
        let error = match update.send().await {
            Ok(answer) => {
                let seen = seen(answer.attributes.unwrap_or_default())?;
                return Ok(OfferWritten::Done(Offers(seen.offers)));
            }
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) =
            error.as_service_error()
        else {
            return Err(StoreError::call(operation)(error));
        };
        let seen = seen(refused.item().cloned().unwrap_or_default())?;
        Ok(if seen.erasing.is_some() {
            OfferWritten::Erasing
        } else if seen.offers.is_empty() {
            OfferWritten::Done(Offers::default())
        } else {
            OfferWritten::TooMany
        })
    }
}
