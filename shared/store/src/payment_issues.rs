//! What Stripe's subscription does not tell, noted beside its read model.
//!
//! Each note is about one object and is kept in a set, so that what is learned of one dispute,
//! refund or mandate leaves the others as they are, in whatever order they are heard of.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use perennial_types::{Currency, Disputes, PaymentMethodId, Refunded, SubscriptionId, UserId};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Table, attempt::applied, key::Key};

/// How often a note is tried whose subscription others move at the same time.
const TRIES: usize = 3;

/// What was noted about a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentIssues {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) revoked: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) disputed: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) dispute_lost: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) refunded: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) refused: BTreeSet<String>,
}

impl PaymentIssues {
    /// Whether the mandate of this payment method was found revoked.
    pub fn is_revoked(&self, payment_method: &PaymentMethodId) -> bool {
        self.revoked.contains(payment_method.as_str())
    }

    /// Whether an invoice is not charged to this payment method any more.
    pub fn is_refused(&self, invoice: &str, payment_method: &PaymentMethodId) -> bool {
        self.refused
            .contains(&note_refusal(invoice, payment_method.as_str()))
    }

    /// Counts in what is being noted with [`PaymentIssue::Refused`].
    pub fn add_refused(&mut self, invoice: &str, payment_method: &PaymentMethodId) {
        self.refused
            .insert(note_refusal(invoice, payment_method.as_str()));
    }

    /// Whether a payment is disputed, and whether a dispute was lost.
    pub fn disputes(&self) -> Disputes {
        Disputes {
            open: !self.disputed.is_empty(),
            lost: !self.dispute_lost.is_empty(),
        }
    }

    /// What was refunded, by invoice.
    pub fn refunds(&self) -> Vec<Refunded> {
        let mut of_invoice: BTreeMap<String, Refunded> = BTreeMap::new();
        for refund in self.refunded.iter().filter_map(|note| read_refund(note)) {
            of_invoice
                .entry(refund.invoice.clone())
                .and_modify(|sum| {
                    sum.amount = sum.amount.saturating_add(refund.amount);
                    sum.paid = sum.paid.max(refund.paid);
                })
                .or_insert(refund);
        }
        of_invoice.into_values().collect()
    }

    /// The refunds that an older version has noted by their ids alone.
    pub fn bare_refunds(&self) -> impl Iterator<Item = &str> {
        let bare = self.refunded.iter().filter(|note| !note.contains('/'));
        bare.map(String::as_str)
    }
}

/// A refusal in one text: of which invoice, with which payment method.
fn note_refusal(invoice: &str, payment_method: &str) -> String {
    format!("{invoice}/{payment_method}")
}

/// A refund in one text, since a set's elements are texts: its id, the invoice, how much of how
/// much, and the currency.
fn note_refund(id: &str, refund: &Refunded) -> String {
    let Refunded {
        invoice,
        amount,
        paid,
        currency,
    } = refund;
    let currency = currency.as_ref().map_or("", Currency::as_str);
    format!("{id}/{invoice}/{amount}/{paid}/{currency}")
}

fn read_refund(note: &str) -> Option<Refunded> {
    let mut parts = note.split('/').skip(1);
    Some(Refunded {
        invoice: parts.next()?.to_owned(),
        amount: parts.next()?.parse().ok()?,
        paid: parts.next()?.parse().ok()?,
        currency: parts.next()?.parse().ok(),
    })
}

/// How an object stands, as far as it matters to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentIssue {
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
        /// What it gives back.
        of: Refunded,
    },
    /// A payment method that an invoice is not charged to any more.
    Refused {
        /// Which invoice, `in_...`.
        invoice: String,
    },
}

impl PaymentIssue {
    /// `DynamoDB`'s words for it, with what is noted as `:object`.
    fn expression(&self) -> &'static str {
        match self {
            Self::Mandate { revoked: true } => "ADD revoked :object",
            Self::Mandate { revoked: false } => "DELETE revoked :object",
            Self::DisputeOpen => "ADD disputed :object DELETE dispute_lost :object",
            Self::DisputeLost => "ADD dispute_lost :object DELETE disputed :object",
            Self::DisputeOver => "DELETE disputed :object, dispute_lost :object",
            Self::Refund { stands: true, .. } => "ADD refunded :object",
            Self::Refund { stands: false, .. } => "DELETE refunded :object",
            Self::Refused { .. } => "ADD refused :object",
        }
    }

    /// What is noted of the object.
    fn note(&self, object: &str) -> String {
        match self {
            Self::Refund { of, .. } => note_refund(object, of),
            Self::Refused { invoice } => note_refusal(invoice, object),
            _ => object.to_owned(),
        }
    }
}

impl Table {
    /// Notes how an object stands; the next reading of the subscription counts it in. The
    /// subscription need not have been read before.
    pub async fn note_issue(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        object: &str,
        finding: &PaymentIssue,
    ) -> Result<(), StoreError> {
        let note = AttributeValue::Ss(vec![finding.note(object)]);
        self.change_issues(user, id, finding.expression(), note)
            .await
    }

    /// Forgets refunds that an older version has noted by their ids alone.
    pub async fn forget_bare_refunds(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        refunds: Vec<String>,
    ) -> Result<(), StoreError> {
        let refunds = AttributeValue::Ss(refunds);
        self.change_issues(user, id, "DELETE refunded :object", refunds)
            .await
    }

    async fn change_issues(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        expression: &str,
        notes: AttributeValue,
    ) -> Result<(), StoreError> {
        let operation = "mark";
        let update = || {
            self.client
                .update_item()
                .table_name(self.name())
                .set_key(Some(Key::subscription(user, id).attributes()))
                .update_expression(expression)
                .expression_attribute_values(":object", notes.clone())
        };
        for _ in 0..TRIES {
            let known = update().condition_expression("attribute_exists(model)");
            if applied(operation, known).await? {
                return Ok(());
            }
            // It has not been read yet, or is in the archive.
            if !Box::pin(self.bring_back(user, id)).await? {
                applied(operation, update()).await?;
                return Ok(());
            }
        }
        Err(StoreError::Conflict { operation })
    }
}

#[cfg(test)]
mod tests {
    use perennial_types::PaymentReason;

    use super::*;

    fn item(sets: &[(&str, &[&str])]) -> PaymentIssues {
        let sets = sets.iter().map(|(name, notes)| {
            let notes = notes.iter().map(|note| (*note).to_owned()).collect();
            ((*name).to_owned(), AttributeValue::Ss(notes))
        });
        serde_dynamo::from_item(sets.collect::<crate::key::Attributes>()).unwrap()
    }

    #[test]
    fn an_open_dispute_is_told_before_a_lost_one() {
        let object = &["du_1"][..];
        for (sets, (open, lost), reason) in [
            (&[][..], (false, false), None),
            (&[("revoked", object)], (false, false), None),
            (
                &[("dispute_lost", object)],
                (false, true),
                Some(PaymentReason::DisputeLost),
            ),
            (
                &[("dispute_lost", object), ("disputed", object)],
                (true, true),
                Some(PaymentReason::Disputed),
            ),
        ] {
            let disputes = item(sets).disputes();
            assert_eq!(disputes, Disputes { open, lost }, "{sets:?}");
            assert_eq!(disputes.reason(), reason, "{sets:?}");
        }
    }

    #[test]
    fn a_refusal_is_of_one_invoice_with_one_method() {
        let method = |id: &str| id.parse::<PaymentMethodId>().unwrap();
        let finding = PaymentIssue::Refused {
            invoice: "in_1".to_owned(),
        };
        let mut issues = item(&[("refused", &[finding.note("pm_1").as_str()])]);
        assert!(issues.is_refused("in_1", &method("pm_1")));
        assert!(!issues.is_refused("in_1", &method("pm_2")));
        assert!(!issues.is_refused("in_2", &method("pm_1")));
        issues.add_refused("in_2", &method("pm_1"));
        assert!(issues.is_refused("in_2", &method("pm_1")));
    }

    #[test]
    fn what_was_refunded_is_summed_up_by_invoice() {
        let of = |invoice: &str, amount: u64| Refunded {
            invoice: invoice.to_owned(),
            amount,
            paid: 1500,
            currency: Some("usd".parse().unwrap()),
        };
        let notes = [
            note_refund("re_1", &of("in_1", 500)),
            note_refund("re_2", &of("in_1", 1000)),
            note_refund("re_3", &of("in_2", 1)),
            "re_of_an_older_version".to_owned(),
        ];
        let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
        let issues = item(&[("refunded", &notes)]);
        assert_eq!(issues.refunds(), [of("in_1", 1500), of("in_2", 1)]);
        let full = issues
            .refunds()
            .iter()
            .map(Refunded::is_full)
            .collect::<Vec<_>>();
        assert_eq!(full, [true, false]);
        let bare: Vec<&str> = issues.bare_refunds().collect();
        assert_eq!(bare, ["re_of_an_older_version"]);
    }
}
