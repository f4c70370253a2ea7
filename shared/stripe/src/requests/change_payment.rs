//! <https://docs.stripe.com/api/payment_intents/increment_authorization>,
//! <https://docs.stripe.com/api/payment_intents/capture> and
//! <https://docs.stripe.com/api/payment_intents/cancel>

use perennial_types::PaymentIntentId;

use super::{freeze, path};
use crate::{
    FrozenRequest, IdempotencyKey,
    form::{Form, encode_segment},
};

/// What is done to a payment that exists.
#[derive(Debug, Clone, Copy)]
pub struct ChangePayment<'a> {
    /// Which one.
    pub payment: &'a PaymentIntentId,
    /// What is done.
    pub change: PaymentChange,
}

/// What is done to a payment that exists. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentChange {
    /// More is held: the new total.
    Increment(u64),
    /// So much is taken, and the rest let go.
    Capture(u64),
    /// All is let go.
    Cancel,
}

impl ChangePayment<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let number = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let (action, form) = match self.change {
            PaymentChange::Increment(total) => {
                let form = Form::new().with_number(&["amount"], number(total));
                ("increment_authorization", form)
            }
            PaymentChange::Capture(amount) => {
                let form = Form::new().with_number(&["amount_to_capture"], number(amount));
                ("capture", form)
            }
            PaymentChange::Cancel => {
                let form = Form::new().with(&["cancellation_reason"], "requested_by_customer");
                ("cancel", form)
            }
        };
        let form = form
            .with(&["expand", ""], "payment_method")
            .with(&["expand", ""], "latest_charge");
        let id = encode_segment(self.payment.as_str());
        let path = format!("{}/{id}/{action}", path::PAYMENT_INTENTS);
        freeze(&path, form, key)
    }
}
