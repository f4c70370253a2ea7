//! What of an invoice was taken back: <https://docs.stripe.com/api/credit_notes/object>

use serde::Deserialize;

use super::{Metadata, lenient};

/// A credit note. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Deserialize)]
pub struct CreditNote {
    /// `cn_...`
    pub id: String,
    /// `issued` or `void`.
    #[serde(default)]
    pub status: String,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    refunds: Vec<LinkedRefund>,
}

#[derive(Debug, Clone, Deserialize)]
struct LinkedRefund {
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    refund: Option<String>,
    #[serde(default)]
    amount_refunded: u64,
}

impl CreditNote {
    /// What of refunds belongs to it.
    pub fn refunded(&self) -> u64 {
        let amounts = self.refunds.iter().map(|it| it.amount_refunded);
        amounts.fold(0, u64::saturating_add)
    }

    /// The refunds that belong to it, `re_...`, and how much of each.
    pub fn refunds(&self) -> impl Iterator<Item = (&str, u64)> {
        let linked = self.refunds.iter();
        linked.filter_map(|it| Some((it.refund.as_deref()?, it.amount_refunded)))
    }

    /// Whether it counts.
    pub fn stands(&self) -> bool {
        self.status != "void"
    }
}
