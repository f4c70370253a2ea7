//! What is held: more of it, taken, or let go.

use perennial_store::{MOST_INCREMENTS, PaymentRequest, RequestKind, RequestState};
use perennial_stripe::{
    ChangePayment, Charge, FrozenRequest, PaymentChange, PaymentIntent, PaymentIntentStatus,
    metadata,
};
use perennial_types::{Money, PaymentIntentId};

use super::{Asked, PaymentError, Why, carry_out::payment_of, claim::Draft, create::key};
use crate::{FlowError, Flows};

impl Flows {
    pub(super) async fn prepare_increment(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
        amount: u64,
    ) -> Result<Draft, PaymentError> {
        let payment = self.read_payment(id).await?;
        if self.pays_for_subscription(&payment).await? {
            return Err(Why::IncrementOfSubscription.into());
        }
        check_held(&payment)?;
        check_form(&payment, amount)?;
        if amount <= payment.amount {
            return Err(Why::IncrementNotLarger.into());
        }
        if !payment.charge().is_some_and(Charge::can_be_incremented) {
            let used = self.table.increments(&payment.id).await?;
            return Err(if used < MOST_INCREMENTS {
                Why::IncrementNotAvailable.into()
            } else {
                Why::IncrementsExhausted.into()
            });
        }
        let change = PaymentChange::Increment(amount);
        draft(
            asked,
            RequestKind::IncrementalAuthorization,
            payment,
            change,
        )
    }

    pub(super) async fn prepare_capture(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
        amount: Option<u64>,
    ) -> Result<Draft, PaymentError> {
        let payment = self.read_payment(id).await?;
        check_held(&payment)?;
        // All of it is named as well, so that the request says the same whenever it is sent.
        let amount = amount.unwrap_or(payment.amount_capturable);
        check_form(&payment, amount)?;
        if amount > payment.amount_capturable {
            return Err(Why::CaptureTooLarge.into());
        }
        let change = PaymentChange::Capture(amount);
        draft(asked, RequestKind::Capture, payment, change)
    }

    pub(super) async fn prepare_cancel(
        &self,
        asked: &Asked,
        id: &PaymentIntentId,
    ) -> Result<Draft, PaymentError> {
        let payment = self.read_payment(id).await?;
        match payment.status {
            PaymentIntentStatus::Canceled => return Err(Why::AlreadyCanceled.into()),
            PaymentIntentStatus::Succeeded | PaymentIntentStatus::Processing => {
                return Err(Why::NotCancelable.into());
            }
            _ => {}
        }
        if self.pays_for_subscription(&payment).await? {
            return Err(Why::PaymentOfSubscription.into());
        }
        draft(
            asked,
            RequestKind::Cancellation,
            payment,
            PaymentChange::Cancel,
        )
    }

    /// Whether a payment belongs to an invoice. Those that were started here never do.
    async fn pays_for_subscription(&self, payment: &PaymentIntent) -> Result<bool, PaymentError> {
        if payment.metadata.contains_key(metadata::REQUEST) {
            return Ok(false);
        }
        let invoices = self
            .stripe
            .list_invoices_paid_by(payment.id.as_str())
            .await?
            .value;
        Ok(!invoices.data.is_empty())
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
            _ => asked_total(request).is_some_and(|total| payment.amount >= total),
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
        frozen: Some(frozen),
    })
}

/// Whether money is held for a payment.
fn check_held(payment: &PaymentIntent) -> Result<(), PaymentError> {
    match payment.status {
        PaymentIntentStatus::RequiresCapture => Ok(()),
        PaymentIntentStatus::Succeeded => Err(Why::AlreadyCaptured.into()),
        PaymentIntentStatus::Canceled => Err(Why::AlreadyCanceled.into()),
        _ => Err(Why::NotAuthorised.into()),
    }
}

/// Whether an amount has the form of one in the payment's currency.
pub(super) fn check_form(payment: &PaymentIntent, amount: u64) -> Result<(), PaymentError> {
    let currency = payment.currency.parse().map_err(|_| FlowError::Mismatch {
        what: "payment's currency",
    })?;
    let money = Money { amount, currency };
    Ok(money.check_form().map_err(Why::from)?)
}

/// The new total of a frozen increment.
fn asked_total(request: &PaymentRequest) -> Option<u64> {
    let RequestState::Sending(sending) = &request.state else {
        return None;
    };
    let frozen: FrozenRequest = serde_json::from_str(sending.request.as_ref()?).ok()?;
    let mut pairs = url::form_urlencoded::parse(frozen.body.as_bytes());
    let (_, total) = pairs.find(|(name, _)| name == "amount")?;
    total.parse().ok()
}
