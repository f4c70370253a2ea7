//! <https://docs.stripe.com/api/invoices/object>

use perennial_types::{InvoiceStatus, PaymentIntentId, PriceId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Identified, List, lenient};

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
    /// What is left to be paid, in the same unit.
    #[serde(default)]
    pub amount_remaining: i64,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// When Stripe tries to collect it again by itself, in Unix seconds; nothing if it does not.
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    /// How often Stripe has tried to collect it by itself.
    #[serde(default)]
    pub attempt_count: u64,
    /// Whether Stripe finalizes and collects it by itself.
    #[serde(default)]
    pub auto_advance: Option<bool>,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// Why it exists, such as `subscription_create`.
    #[serde(default)]
    pub billing_reason: Option<String>,
    /// With what the shopper confirms its payment, if it was expanded.
    #[serde(default)]
    pub confirmation_secret: Option<ConfirmationSecret>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    lines: Option<List<Line>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Line {
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pricing: Option<Pricing>,
}

#[derive(Debug, Clone, Deserialize)]
struct Pricing {
    price_details: Option<PriceDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct PriceDetails {
    price: PriceId,
}

impl Invoice {
    /// Whether it is to be paid and is not: open, or a draft that Stripe is going to finalize. One
    /// that was drawn up by hand says nothing of the period.
    pub fn is_outstanding(&self) -> bool {
        let collects = self.billing_reason.as_deref() != Some("manual");
        collects
            && match self.status {
                Some(InvoiceStatus::Open) => true,
                Some(InvoiceStatus::Draft) => self.auto_advance != Some(false),
                _ => false,
            }
    }

    /// Whether it was created with its subscription.
    pub fn is_first(&self) -> bool {
        self.billing_reason.as_deref() == Some("subscription_create")
    }

    /// The price of its first line.
    pub fn first_price(&self) -> Option<&PriceId> {
        let line = self.lines.as_ref()?.data.first()?;
        Some(&line.pricing.as_ref()?.price_details.as_ref()?.price)
    }
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
