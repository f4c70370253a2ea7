//! <https://docs.stripe.com/api/invoices/object>

use perennial_types::PaymentIntentId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Identified, lenient, open_enum::open_enum};

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
#[derive(Debug, Clone, Deserialize)]
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
    /// With what the shopper confirms its payment, if it was expanded.
    #[serde(default)]
    pub confirmation_secret: Option<ConfirmationSecret>,
}

/// What lets a browser confirm the payment of an invoice. Never log it, never store it.
#[derive(Debug, Clone, Deserialize)]
pub struct ConfirmationSecret {
    /// The client secret of its PaymentIntent.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub client_secret: Option<SecretString>,
}

impl ConfirmationSecret {
    /// The payment that it confirms. A client secret begins with its PaymentIntent's id.
    pub fn payment_intent(&self) -> Option<PaymentIntentId> {
        let secret = self.client_secret.as_ref()?.expose_secret();
        secret.split_once("_secret_")?.0.parse().ok()
    }
}

impl Identified for Invoice {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
