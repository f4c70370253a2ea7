//! What is held: more of it, taken, or let go.

use perennial_store::{PaymentRequest, RequestKind};
use perennial_stripe::{ChangePayment, PaymentChange, PaymentIntentStatus};
use perennial_types::{FrozenRequest, PaymentIntentId};

use super::{
    PaymentError, PaymentErrorCode, Payments, Refusal, RequestKey,
    claim::NewRequest,
    create::key,
    payment_step::{PaymentStep, amount},
};

impl Payments<'_> {
    pub(super) async fn prepare_increment(
        &self,
        asked: &RequestKey,
        id: &PaymentIntentId,
        amount: u64,
    ) -> Result<NewRequest, PaymentError> {
        let ours = self.our_payment(id).await?;
        if ours.of_subscription {
            return Err(
                Refusal::at(PaymentErrorCode::IncrementOfSubscription, &ours.payment).into(),
            );
        }
        let step = PaymentStep::Increment(amount);
        self.check_step(step, &ours.payment).await?;
        let id = ours.payment.id;
        let change = PaymentChange::Increment(amount);
        let frozen = freeze(asked, &id, change)?;
        Ok(NewRequest {
            kind: RequestKind::IncrementalAuthorization { payment: id },
            frozen: Some(frozen),
        })
    }

    pub(super) async fn prepare_capture(
        &self,
        asked: &RequestKey,
        id: &PaymentIntentId,
        amount: Option<u64>,
    ) -> Result<NewRequest, PaymentError> {
        let payment = self.our_payment(id).await?.payment;
        // All of it is named as well, so that the request says the same whenever it is sent.
        let amount = amount.unwrap_or(payment.amount_capturable);
        PaymentStep::Capture(amount).check(&payment)?;
        let change = PaymentChange::Capture(amount);
        let frozen = freeze(asked, &payment.id, change)?;
        Ok(NewRequest {
            kind: RequestKind::Capture {
                payment: payment.id,
            },
            frozen: Some(frozen),
        })
    }

    pub(super) async fn prepare_cancel(
        &self,
        asked: &RequestKey,
        id: &PaymentIntentId,
    ) -> Result<NewRequest, PaymentError> {
        let ours = self.our_payment(id).await?;
        PaymentStep::Cancel.check(&ours.payment)?;
        if ours.of_subscription {
            return Err(Refusal::at(PaymentErrorCode::PaymentOfSubscription, &ours.payment).into());
        }
        let id = ours.payment.id;
        let frozen = freeze(asked, &id, PaymentChange::Cancel)?;
        Ok(NewRequest {
            kind: RequestKind::Cancellation { payment: id },
            frozen: Some(frozen),
        })
    }

    /// Whether a change has been made before its key was forgotten: the payment itself says so.
    pub(super) async fn find_change(
        &self,
        request: &PaymentRequest,
        payment: &PaymentIntentId,
    ) -> Result<Option<String>, PaymentError> {
        let payment = self.read_payment(payment).await?;
        let made = match &request.kind {
            RequestKind::Capture { .. } => payment.status == PaymentIntentStatus::Succeeded,
            RequestKind::Cancellation { .. } => payment.status == PaymentIntentStatus::Canceled,
            // The total is what was asked for, or another request has raised it further.
            _ => amount(request, "amount").is_some_and(|total| payment.amount >= total),
        };
        Ok(made.then(|| payment.id.as_str().to_owned()))
    }
}

fn freeze(
    asked: &RequestKey,
    payment: &PaymentIntentId,
    change: PaymentChange,
) -> Result<FrozenRequest, PaymentError> {
    Ok(ChangePayment { payment, change }.freeze(key("pay", asked)?))
}
