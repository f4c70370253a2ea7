//! <https://docs.stripe.com/api/setup_intents/create>

use perennial_types::{CustomerId, Wallet};

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A SetupIntent for one wallet, to be charged while the shopper is away.
#[derive(Debug, Clone, Copy)]
pub struct CreateSetupIntent<'a> {
    /// Whose it is.
    pub customer: &'a CustomerId,
    /// What it is made for.
    pub made_for: SetUpFor<'a>,
    /// The shop's own user.
    pub user: &'a str,
    /// The only wallet that it takes.
    pub wallet: Wallet,
    /// Set if the server confirms it; otherwise the page does. Never both.
    pub confirm: Option<ServerConfirm<'a>>,
}

/// What a SetupIntent is made for.
#[derive(Debug, Clone, Copy)]
pub enum SetUpFor<'a> {
    /// The checkout attempt.
    Attempt(&'a str),
    /// The subscription that gets another payment method.
    Subscription(&'a str),
}

/// The shopper's consent, as the server saw it.
///
/// Each value has to be true: this is the record of a mandate.
#[derive(Clone, Copy)]
pub struct ServerConfirm<'a> {
    /// Where the shopper comes back to.
    pub return_url: &'a str,
    /// When they agreed, in Unix seconds.
    pub accepted_at: i64,
    /// Their address, from the gateway and not from a header that they chose.
    pub ip_address: &'a str,
    /// Their browser.
    pub user_agent: &'a str,
}

impl CreateSetupIntent<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let kind = self.wallet.row().method_type;
        let (pair, made_for) = match self.made_for {
            SetUpFor::Attempt(id) => (metadata::ATTEMPT, id),
            SetUpFor::Subscription(id) => (metadata::SUBSCRIPTION, id),
        };
        let mut form = Form::new()
            .with(&["customer"], self.customer.as_str())
            .with(&["usage"], "off_session")
            // `payment_method_types` is refused since 2026-09-30.endive.
            .with(&["allowed_payment_method_types", ""], kind)
            .with(&["metadata", pair], made_for)
            .with(&["metadata", metadata::USER], self.user);
        if let Some(confirm) = &self.confirm {
            let (mandate, customer) = ("mandate_data", "customer_acceptance");
            form = form
                .with(&["confirm"], "true")
                .with(&["return_url"], confirm.return_url)
                .with(&["payment_method_data", "type"], kind)
                .with(&[mandate, customer, "type"], "online")
                .with_number(&[mandate, customer, "accepted_at"], confirm.accepted_at)
                .with(
                    &[mandate, customer, "online", "ip_address"],
                    confirm.ip_address,
                )
                .with(
                    &[mandate, customer, "online", "user_agent"],
                    confirm.user_agent,
                );
        }
        freeze(path::SETUP_INTENTS, form, key)
    }
}

impl std::fmt::Debug for ServerConfirm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfirm")
            .field("accepted_at", &self.accepted_at)
            .finish_non_exhaustive()
    }
}
