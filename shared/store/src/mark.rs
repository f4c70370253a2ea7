//! What Stripe's subscription does not tell, noted beside its read model.
//!
//! Each note is about one object and is kept in a set, so that what is learned of one dispute,
//! refund or mandate leaves the others as they are, in whatever order they are heard of.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use perennial_types::{PaymentMethodId, PaymentReason, SubscriptionId, UserId};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Table, key::Key};

/// What was noted about a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) revoked: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) disputed: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) dispute_lost: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) refunded: BTreeSet<String>,
}

impl Marks {
    /// Whether the mandate of this payment method was found revoked.
    pub fn is_revoked(&self, payment_method: &PaymentMethodId) -> bool {
        self.revoked.contains(payment_method.as_str())
    }

    /// The worst that was found of its payments.
    pub fn contested(&self) -> Option<PaymentReason> {
        [
            (&self.disputed, PaymentReason::Disputed),
            (&self.dispute_lost, PaymentReason::DisputeLost),
            (&self.refunded, PaymentReason::Refunded),
        ]
        .into_iter()
        .find_map(|(objects, reason)| (!objects.is_empty()).then_some(reason))
    }
}

/// How an object stands, as far as it matters to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A payment method's mandate, and whether it is revoked.
    Mandate {
        /// Nothing is charged under it any more.
        revoked: bool,
    },
    /// A dispute that is open.
    DisputeOpen,
    /// A dispute that was lost.
    DisputeLost,
    /// A dispute that is over and left the payment with the shop.
    DisputeOver,
    /// A refund, and whether it gives something back.
    Refund {
        /// It did not fail.
        stands: bool,
    },
}

impl Finding {
    /// `DynamoDB`'s words for it, with the object as `:object`.
    fn expression(self) -> &'static str {
        match self {
            Self::Mandate { revoked: true } => "ADD revoked :object",
            Self::Mandate { revoked: false } => "DELETE revoked :object",
            Self::DisputeOpen => "ADD disputed :object DELETE dispute_lost :object",
            Self::DisputeLost => "ADD dispute_lost :object DELETE disputed :object",
            Self::DisputeOver => "DELETE disputed :object, dispute_lost :object",
            Self::Refund { stands: true } => "ADD refunded :object",
            Self::Refund { stands: false } => "DELETE refunded :object",
        }
    }
}

impl Table {
    /// Notes how an object stands; the next reading of the subscription counts it in. The
    /// subscription need not have been read before.
    pub async fn mark(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        object: &str,
        finding: Finding,
    ) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::subscription(user, id).attributes()))
            .update_expression(finding.expression())
            .expression_attribute_values(":object", AttributeValue::Ss(vec![object.to_owned()]))
            .send()
            .await
            .map_err(StoreError::call("mark"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_was_found_is_told() {
        let item = |sets: &[&str]| {
            let sets = sets.iter().map(|name| {
                let objects = AttributeValue::Ss(vec!["x_1".to_owned()]);
                ((*name).to_owned(), objects)
            });
            serde_dynamo::from_item::<_, Marks>(sets.collect::<crate::key::Attributes>()).unwrap()
        };
        for (sets, expected) in [
            (&[][..], None),
            (&["revoked"], None),
            (&["refunded"], Some(PaymentReason::Refunded)),
            (
                &["refunded", "dispute_lost"],
                Some(PaymentReason::DisputeLost),
            ),
            (&["dispute_lost", "disputed"], Some(PaymentReason::Disputed)),
        ] {
            assert_eq!(item(sets).contested(), expected, "{sets:?}");
        }
    }
}
