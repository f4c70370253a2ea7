//! <https://docs.stripe.com/api/invoices/object>

use serde::Deserialize;

use super::{Identified, open_enum::open_enum};

open_enum! {
    /// How far an invoice has come.
    InvoiceStatus {
        /// Not final yet.
        Draft => "draft",
        /// Final and not paid.
        Open => "open",
        /// Paid, or nothing was due.
        Paid => "paid",
        /// Given up.
        Uncollectible => "uncollectible",
        /// Annulled.
        Void => "void",
    }
}

/// A bill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Invoice {
    /// `in_...`
    pub id: String,
    /// How far it has come.
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// What is, or was, to be paid, in the currency's smallest unit.
    #[serde(default)]
    pub amount_due: i64,
    /// What was paid, in the currency's smallest unit.
    #[serde(default)]
    pub amount_paid: i64,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// When Stripe tries to collect it again by itself, in Unix seconds; nothing if it does not.
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    /// Why it exists, such as `subscription_create`.
    #[serde(default)]
    pub billing_reason: Option<String>,
}

impl Identified for Invoice {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
