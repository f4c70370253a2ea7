//! From a token of the old Tokens API to a method that may be charged:
//! <https://docs.stripe.com/api/payment_methods/create>, then
//! <https://docs.stripe.com/api/setup_intents/create> at once, while the token's cryptogram lives.

use perennial_types::{CustomerId, PaymentMethodId};
use secrecy::{ExposeSecret as _, SecretString};

use super::{CredentialUsage, freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A method made of a token. The request holds the token, so it is sent and never stored.
#[derive(Debug, Clone, Copy)]
pub struct CreateMethod<'a> {
    /// `tok_...`, which can be used once.
    pub token: &'a SecretString,
    /// The request of the shop's server.
    pub request: &'a str,
}

/// The first, customer-initiated transaction of a method, which spends its cryptogram.
#[derive(Debug, Clone, Copy)]
pub struct SetUpMethod<'a> {
    /// Whose it becomes.
    pub customer: &'a CustomerId,
    /// The method.
    pub method: &'a PaymentMethodId,
    /// What it will be charged for.
    pub usage: Option<CredentialUsage>,
    /// Where the shopper comes back to if the bank wants to see them.
    pub return_url: &'a str,
    /// The shop's own user.
    pub user: &'a str,
    /// The request of the shop's server.
    pub request: &'a str,
}

/// What the metadata of such a SetupIntent says in place of a wallet's checkout.
pub const MIGRATION: &str = "migration";

impl CreateMethod<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new()
            .with(&["type"], "card")
            .with(&["card", "token"], self.token.expose_secret())
            .with(&["metadata", metadata::REQUEST], self.request);
        freeze(path::PAYMENT_METHODS, form, key)
    }
}

impl SetUpMethod<'_> {
    /// The request as it will be sent.
    ///
    /// It is never for `on_session`: a saved Apple Pay method may not be used while the shopper is
    /// there (<https://docs.stripe.com/apple-pay>).
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = Form::new()
            .with(&["customer"], self.customer.as_str())
            .with(&["usage"], "off_session")
            .with(&["confirm"], "true")
            .with(&["payment_method"], self.method.as_str())
            // `payment_method_types` is refused since 2026-09-30.endive.
            .with(&["allowed_payment_method_types", ""], "card")
            .with(&["return_url"], self.return_url);
        if let Some(usage) = self.usage {
            form = form.with(
                &["payment_method_options", "card", "setup_credential_usage"],
                usage.as_str(),
            );
        }
        let form = form
            .with(&["metadata", metadata::REQUEST], self.request)
            .with(&["metadata", metadata::KIND], MIGRATION)
            .with(&["metadata", metadata::USER], self.user)
            .with(&["expand", ""], "payment_method");
        freeze(path::SETUP_INTENTS, form, key)
    }
}
