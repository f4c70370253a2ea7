//! <https://docs.stripe.com/api/refunds/create>

use perennial_types::PaymentIntentId;
use serde::{Deserialize, Serialize};

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// Why a payment is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// It was paid twice.
    Duplicate,
    /// Somebody else used the card. Stripe blocks the card from then on.
    Fraudulent,
    /// The shopper asked for it.
    RequestedByCustomer,
}

/// A payment, or a part of it, that is given back.
#[derive(Debug, Clone, Copy)]
pub struct CreateRefund<'a> {
    /// Which payment.
    pub payment: &'a PaymentIntentId,
    /// How much, in the currency's smallest unit.
    pub amount: u64,
    /// Why.
    pub reason: Option<RefundReason>,
    /// The request of the shop's server.
    pub request: &'a str,
}

impl RefundReason {
    /// The reason as Stripe writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

impl CreateRefund<'_> {
    /// The request as it will be sent.
    ///
    /// The amount is always named, so that a repeat cannot mean another rest.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let amount = i64::try_from(self.amount).unwrap_or(i64::MAX);
        let mut form = Form::new()
            .with(&["payment_intent"], self.payment.as_str())
            .with_number(&["amount"], amount);
        if let Some(reason) = self.reason {
            form = form.with(&["reason"], reason.as_str());
        }
        let form = form.with(&["metadata", metadata::REQUEST], self.request);
        freeze(path::REFUNDS, form, key)
    }
}
