//! <https://docs.stripe.com/api/payment_intents/create>

use perennial_types::{CustomerId, Money, PaymentMethodId};
use serde::{Deserialize, Serialize};

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// What a card is, or was, saved for. The networks tell these apart, and so do banks
/// (<https://docs.stripe.com/payments/cits-and-mits>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialUsage {
    /// Charges at fixed intervals.
    Recurring,
    /// Charges whenever the shop and the shopper have agreed on, such as a top-up.
    Unscheduled,
    /// One purchase in several charges.
    Installment,
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// At once.
    #[default]
    Automatic,
    /// Later, or never: until then it is held.
    Manual,
}

/// Whose payment it is, and of how much.
#[derive(Debug, Clone, Copy)]
pub struct PaymentFor<'a> {
    /// Whose.
    pub customer: &'a CustomerId,
    /// The shop's own user.
    pub user: &'a str,
    /// How much.
    pub money: Money,
    /// When it is taken.
    pub capture: Capture,
    /// What the shop calls it.
    pub description: Option<&'a str>,
    /// The request of the shop's server.
    pub request: &'a str,
}

/// A payment that the shopper agrees to in the page, with a card from a wallet.
#[derive(Debug, Clone, Copy)]
pub struct CreatePayment<'a> {
    /// Whose and of how much.
    pub payment: PaymentFor<'a>,
    /// The name of the wallet that pays.
    pub wallet: &'a str,
    /// Whether paying saves the method for charges while the shopper is away.
    pub save: bool,
    /// What it is saved for.
    pub usage: Option<CredentialUsage>,
}

/// A charge of a saved method while the shopper is away.
#[derive(Debug, Clone, Copy)]
pub struct ChargeSaved<'a> {
    /// Whose and of how much.
    pub payment: PaymentFor<'a>,
    /// What is charged; it belongs to the customer.
    pub method: &'a PaymentMethodId,
    /// Stripe's name for its kind.
    pub kind: &'a str,
    /// The name of the wallet that it came from, if any.
    pub wallet: Option<&'a str>,
    /// As what it is charged, if it is a card.
    pub usage: Option<CredentialUsage>,
}

impl CredentialUsage {
    /// The name, as in JSON and at Stripe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recurring => "recurring",
            Self::Unscheduled => "unscheduled",
            Self::Installment => "installment",
        }
    }
}

impl PaymentFor<'_> {
    fn form(&self, kind: &str) -> Form {
        // The amount was checked against Stripe's limit of eight digits.
        let amount = i64::try_from(self.money.amount).unwrap_or(i64::MAX);
        let mut form = Form::new()
            .with_number(&["amount"], amount)
            .with(&["currency"], self.money.currency.as_str())
            .with(&["customer"], self.customer.as_str())
            // `payment_method_types` is refused since 2026-09-30.endive.
            .with(&["allowed_payment_method_types", ""], kind);
        if self.capture == Capture::Manual {
            form = form.with(&["capture_method"], "manual");
            if kind == "card" {
                form = form.with(
                    &[
                        "payment_method_options",
                        "card",
                        "request_incremental_authorization",
                    ],
                    "if_available",
                );
            }
        }
        match self.description {
            Some(text) => form.with(&["description"], text),
            None => form,
        }
    }

    fn finish(&self, form: Form, wallet: Option<&str>, key: IdempotencyKey) -> FrozenRequest {
        let mut form = form
            .with(&["metadata", metadata::REQUEST], self.request)
            .with(&["metadata", metadata::USER], self.user);
        if let Some(wallet) = wallet {
            form = form.with(&["metadata", metadata::WALLET], wallet);
        }
        let form = form
            .with(&["expand", ""], "payment_method")
            .with(&["expand", ""], "latest_charge");
        freeze(path::PAYMENT_INTENTS, form, key)
    }
}

impl CreatePayment<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = self.payment.form("card");
        if self.save {
            form = form.with(&["setup_future_usage"], "off_session");
            if let Some(usage) = self.usage {
                form = form.with(
                    &["payment_method_options", "card", "setup_credential_usage"],
                    usage.as_str(),
                );
            }
        }
        self.payment.finish(form, Some(self.wallet), key)
    }
}

impl ChargeSaved<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = self
            .payment
            .form(self.kind)
            .with(&["payment_method"], self.method.as_str())
            .with(&["confirm"], "true")
            .with(&["off_session"], "true");
        if let Some(usage) = self.usage {
            form = form.with(
                &["payment_method_options", "card", "stored_credential_usage"],
                usage.as_str(),
            );
        }
        self.payment.finish(form, self.wallet, key)
    }
}
