//! Money that goes back.

use perennial_store::RequestKind;
use perennial_stripe::{Charge, CreateRefund, RefundReason, StripeError, metadata};
use perennial_types::PaymentIntentId;
use serde::Serialize;

use super::{
    Asked, PaymentAnswer, PaymentError, Refusal, Why,
    carry_out::payment_of,
    change::check_form,
    claim::{Draft, Failed, Mine},
    create::key,
};
use crate::Flows;

/// What went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundReport {
    /// Stripe's id.
    pub id: String,
    /// `pending`, `succeeded`, `failed` and so on. A refund that has failed is money that the shop
    /// still owes.
    pub status: Option<String>,
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

impl Flows {
    pub(super) async fn prepare_refund(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
        amount: Option<u64>,
        reason: Option<RefundReason>,
    ) -> Result<Draft, PaymentError> {
        let payment = self.read_payment(id).await?;
        if payment.amount_received == 0 {
            return Err(Why::NotPaid.into());
        }
        let refunded = payment.charge().map_or(0, Charge::given_back);
        let left = payment.amount_received.saturating_sub(refunded);
        if left == 0 {
            return Err(Why::AlreadyRefunded.into());
        }
        let amount = amount.unwrap_or(left);
        check_form(&payment, amount)?;
        if amount > left {
            return Err(Why::RefundTooLarge.into());
        }
        let frozen = CreateRefund {
            payment: &payment.id,
            amount,
            reason,
            request: &asked.key,
        }
        .freeze(key("pay", asked)?);
        Ok(Draft {
            kind: RequestKind::Refund,
            customer: payment.customer_id().cloned(),
            user: None,
            payment: Some(payment.id),
            frozen: Some(frozen),
        })
    }

    pub(super) async fn send_refund(
        &self,
        asked: &Asked,
        mine: &Mine,
    ) -> Result<PaymentAnswer, PaymentError> {
        let error = match self.stripe.create_refund(&mine.frozen()?).await {
            Ok(reply) => {
                self.done(asked, &reply.value.id).await?;
                let payment = self.read_payment(payment_of(&mine.request)?).await?;
                return Ok(PaymentAnswer {
                    payment: self.report(payment).await?,
                    created: true,
                    refund: Some(reply.value.into()),
                });
            }
            Err(error) => error,
        };
        match self.sort_failure(asked, mine, error).await? {
            Failed::Declined(error) => {
                let refusal = Refusal::of(Why::Declined, &error);
                Err(self.refuse(asked, refusal).await?)
            }
            Failed::Invalid(error) => {
                // Another refund may have come between.
                let why = match error.code() {
                    Some("charge_already_refunded") => Why::AlreadyRefunded,
                    _ if is_about_amount(&error) => Why::RefundTooLarge,
                    _ => Why::StripeRefused,
                };
                Err(self.refuse(asked, Refusal::of(why, &error)).await?)
            }
            Failed::Spent(error) => self.search(asked, mine, error).await,
        }
    }

    /// Looks for what a request may have given back before its key was forgotten.
    pub(super) async fn find_refund(
        &self,
        asked: &Asked,
        payment: &PaymentIntentId,
    ) -> Result<Option<String>, PaymentError> {
        let mut after: Option<String> = None;
        loop {
            let page = self
                .stripe
                .list_refunds(payment, after.as_deref())
                .await?
                .value;
            let found = page.data.iter().find(|refund| {
                let known = refund.metadata.get(metadata::REQUEST);
                known.is_some_and(|key| *key == asked.key)
            });
            if let Some(refund) = found {
                return Ok(Some(refund.id.clone()));
            }
            after = page.data.last().map(|refund| refund.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(None);
            }
        }
    }
}

fn is_about_amount(error: &StripeError) -> bool {
    matches!(error, StripeError::Invalid { param: Some(param), .. } if param == "amount")
}
