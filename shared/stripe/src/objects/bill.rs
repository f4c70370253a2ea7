//! An invoice as its customer sees it: <https://docs.stripe.com/api/invoices/object>

use perennial_types::{InvoiceStatus, SubscriptionId};
use secrecy::SecretString;
use serde::Deserialize;

use super::{List, PreviewLine, lenient};

/// An invoice in a list of its customer's. Amounts are in the currency's smallest unit, times in Unix
/// seconds.
#[derive(Debug, Clone, Deserialize)]
pub struct Bill {
    /// `in_...`
    pub id: String,
    /// The number on the invoice, once it is final.
    #[serde(default)]
    pub number: Option<String>,
    /// How far it has come.
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// When it was created.
    #[serde(default)]
    pub created: i64,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// What it comes to, with discounts and taxes; below 0 for a credit.
    #[serde(default)]
    pub total: i64,
    /// What was to be paid, after what the customer had left.
    #[serde(default)]
    pub amount_due: i64,
    /// What was paid.
    #[serde(default)]
    pub amount_paid: i64,
    /// What is still to be paid.
    #[serde(default)]
    pub amount_remaining: i64,
    /// What credit notes have given back after it was paid.
    #[serde(default)]
    pub post_payment_credit_notes_amount: i64,
    /// What credit notes have taken off before it was paid.
    #[serde(default)]
    pub pre_payment_credit_notes_amount: i64,
    /// Why it exists, such as `subscription_cycle`.
    #[serde(default)]
    pub billing_reason: Option<String>,
    /// When its payment is tried again; none if it is not.
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    /// Stripe's page of it. Whoever has the address sees the invoice, so it is never logged or stored.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub hosted_invoice_url: Option<SecretString>,
    /// The same as a PDF.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub invoice_pdf: Option<SecretString>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    lines: Option<List<PreviewLine>>,
    #[serde(default)]
    status_transitions: StatusTransitions,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    parent: Option<Parent>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct StatusTransitions {
    #[serde(default)]
    paid_at: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct SubscriptionDetails {
    subscription: SubscriptionId,
}

impl Bill {
    /// What it has credited of earlier invoices, as far as its lines are with it: a number above 0.
    pub fn credited(&self) -> i64 {
        let lines = self.lines.iter().flat_map(|lines| &lines.data);
        let credits = lines.map(|line| line.total().min(0));
        credits.fold(0, i64::saturating_add).saturating_neg()
    }

    /// When it was paid.
    pub fn paid_at(&self) -> Option<i64> {
        self.status_transitions.paid_at
    }

    /// The subscription that it is for.
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        let details = self.parent.as_ref()?.subscription_details.as_ref()?;
        Some(&details.subscription)
    }
}
