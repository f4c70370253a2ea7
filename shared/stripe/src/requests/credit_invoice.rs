//! <https://docs.stripe.com/api/credit_notes/create>

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A part of a paid invoice that is given back. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Copy)]
pub struct CreditInvoice<'a> {
    /// Which invoice, `in_...`.
    pub invoice: &'a str,
    /// What goes back to the payment method that paid it.
    pub refund: u64,
    /// What goes to the customer's balance.
    pub credit: u64,
    /// The request, by which it is found again.
    pub request: &'a str,
}

impl<'a> CreditInvoice<'a> {
    /// Where such a request is sent.
    pub const PATH: &'static str = path::CREDIT_NOTES;

    /// What was frozen here under the key of its number, `act:{number}:refund`.
    pub fn of(request: &'a FrozenRequest) -> Option<Self> {
        let key = request.idempotency_key.as_str();
        let number = key.strip_prefix("act:")?.strip_suffix(":refund")?;
        let pairs = || request.body.split('&').filter_map(|it| it.split_once('='));
        let value = |wanted| pairs().find_map(|(name, value)| (name == wanted).then_some(value));
        let amount = |name| value(name).map_or(Some(0), |it: &str| it.parse().ok());
        Some(Self {
            invoice: value("invoice")?,
            refund: amount("refund_amount")?,
            credit: amount("credit_amount")?,
            request: number,
        })
    }

    /// The request as it will be sent. The two amounts have to come to that of the credit note, and Stripe would
    /// send a mail of its own.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let number = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let mut form = Form::new()
            .with(&["invoice"], self.invoice)
            .with_number(&["amount"], number(self.refund.saturating_add(self.credit)));
        if self.refund > 0 {
            form = form.with_number(&["refund_amount"], number(self.refund));
        }
        if self.credit > 0 {
            form = form.with_number(&["credit_amount"], number(self.credit));
        }
        let form = form
            .with(&["reason"], "order_change")
            .with(&["email_type"], "none")
            .with(&["metadata", metadata::ACTION], self.request);
        freeze(Self::PATH, form, key)
    }
}
