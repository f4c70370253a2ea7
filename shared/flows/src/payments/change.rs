//! What is held: more of it, taken, or let go.

use perennial_store::{PaymentRequest, RequestKind};
use perennial_stripe::{ChangePayment, PaymentChange, PaymentIntent, PaymentIntentStatus};
use perennial_types::PaymentIntentId;

use super::{
    Asked, PaymentError, Payments, Refusal, Why,
    carry_out::payment_of,
    claim::Draft,
    create::key,
    step::{Step, amount},
};

impl Payments<'_> {
    pub(super) async fn prepare_increment(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
        amount: u64,
    ) -> Result<Draft, PaymentError> {
        let ours = self.our_payment(id).await?;
        if ours.of_subscription {
            return Err(Refusal::at(Why::IncrementOfSubscription, &ours.payment).into());
        }
        let step = Step::Increment(amount);
        self.check_step(step, &ours.payment).await?;
        let kind = RequestKind::IncrementalAuthorization;
        draft(asked, kind, ours.payment, PaymentChange::Increment(amount))
    }

    pub(super) async fn prepare_capture(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
        amount: Option<u64>,
    ) -> Result<Draft, PaymentError> {
        let payment = self.our_payment(id).await?.payment;
        // All of it is named as well, so that the request says the same whenever it is sent.
        let amount = amount.unwrap_or(payment.amount_capturable);
        Step::Capture(amount).check(&payment)?;
        let change = PaymentChange::Capture(amount);
        draft(asked, RequestKind::Capture, payment, change)
    }

    pub(super) async fn prepare_cancel(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
    ) -> Result<Draft, PaymentError> {
        let ours = self.our_payment(id).await?;
        Step::Cancel.check(&ours.payment)?;
        if ours.of_subscription {
            return Err(Refusal::at(Why::PaymentOfSubscription, &ours.payment).into());
        }
        let kind = RequestKind::Cancellation;
        draft(asked, kind, ours.payment, PaymentChange::Cancel)
    }

    /// Whether a change has been made before its key was forgotten: the payment itself says so.
    pub(super) async fn find_change(
        &self,
        request: &PaymentRequest,
    ) -> Result<Option<String>, PaymentError> {
        let payment = self.read_payment(payment_of(request)?).await?;
        let made = match request.kind {
            RequestKind::Capture => payment.status == PaymentIntentStatus::Succeeded,
            RequestKind::Cancellation => payment.status == PaymentIntentStatus::Canceled,
            // The total is what was asked for, or another request has raised it further.
            _ => amount(request, "amount").is_some_and(|total| payment.amount >= total),
        };
        Ok(made.then(|| payment.id.as_str().to_owned()))
    }
}

fn draft(
    asked: &Asked,
    kind: RequestKind,
    payment: PaymentIntent,
    change: PaymentChange,
) -> Result<Draft, PaymentError> {
    let frozen = ChangePayment {
        payment: &payment.id,
        change,
    }
    .freeze(key("pay", asked)?);
    Ok(Draft {
        kind,
        customer: payment.customer_id().cloned(),
        user: None,
        payment: Some(payment.id),
        replaces: None,
        frozen: Some(frozen),
    })
}
