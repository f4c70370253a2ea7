//! Money that goes back.

use perennial_store::RequestKind;
use perennial_stripe::{CreateRefund, RefundReason, RefundStatus};
use perennial_types::PaymentIntentId;
use serde::Serialize;

use super::{
    PaymentError, Payments, RequestKey,
    claim::NewRequest,
    create::{is_made_for, key},
    payment_step::{PaymentStep, left_to_refund},
};
use crate::listed;

/// What went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundReport {
    /// Stripe's id.
    pub id: String,
    /// `pending`, `succeeded`, `failed` and so on. A refund that has failed is money that the shop
    /// still owes.
    pub status: Option<RefundStatus>,
    /// How much, in the currency's smallest unit.
    pub amount: u64,
}

impl From<perennial_stripe::Refund> for RefundReport {
    fn from(refund: perennial_stripe::Refund) -> Self {
        Self {
            id: refund.id,
            status: refund.status,
            amount: refund.amount,
        }
    }
}

impl Payments<'_> {
    pub(super) async fn prepare_refund(
        &self,
        asked: &RequestKey,
        id: &PaymentIntentId,
        amount: Option<u64>,
        reason: Option<RefundReason>,
    ) -> Result<NewRequest, PaymentError> {
        let payment = self.our_payment(id).await?.payment;
        let amount = amount.unwrap_or_else(|| left_to_refund(&payment));
        PaymentStep::Refund(amount).check(&payment)?;
        let frozen = CreateRefund {
            payment: &payment.id,
            amount,
            reason,
            request: &asked.key,
        }
        .freeze(key("pay", asked)?);
        Ok(NewRequest {
            kind: RequestKind::Refund {
                payment: payment.id,
            },
            frozen: Some(frozen),
        })
    }

    /// Looks for what a request may have given back before its key was forgotten.
    pub(super) async fn find_refund(
        &self,
        asked: &RequestKey,
        payment: &PaymentIntentId,
    ) -> Result<Option<String>, PaymentError> {
        let found = listed::find(
            |after: Option<String>| async move {
                let stripe = &self.cx.stripe;
                stripe.list_refunds(payment, after.as_deref()).await
            },
            |refund| is_made_for(asked, &refund.metadata),
            |last| Some(last.id.clone()),
        );
        Ok(found.await?.map(|refund| refund.id))
    }
}
