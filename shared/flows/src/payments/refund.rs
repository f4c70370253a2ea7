//! Money that goes back.

use perennial_store::RequestKind;
use perennial_stripe::{CreateRefund, RefundReason, metadata};
use perennial_types::PaymentIntentId;
use serde::Serialize;

use super::{
    Asked, PaymentAnswer, PaymentError, Refusal, Why,
    carry_out::{is_locked, payment_of},
    claim::{Draft, Failed, Mine},
    create::key,
    step::{Step, left_to_refund},
};
use crate::{Flows, LOOK_AGAIN};

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
        let payment = self.our_payment(id).await?.payment;
        let amount = amount.unwrap_or_else(|| left_to_refund(&payment));
        Step::Refund(amount).check(&payment)?;
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
            replaces: None,
            frozen: Some(frozen),
        })
    }

    pub(super) async fn send_refund(
        &self,
        asked: &Asked,
        mine: &Mine,
    ) -> Result<PaymentAnswer, PaymentError> {
        let frozen = mine.frozen()?;
        let mut sent = self.stripe.create_refund(&frozen).await;
        if sent.as_ref().is_err_and(is_locked) {
            tokio::time::sleep(LOOK_AGAIN).await;
            sent = self.stripe.create_refund(&frozen).await;
        }
        let error = match sent {
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
                let refusal = Refusal::of(Why::RefundDeclined, &error);
                Err(self.refuse(asked, refusal).await?)
            }
            Failed::Invalid(error) => Err(self.invalid(asked, mine, &error).await?),
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
