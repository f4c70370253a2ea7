//! What the state of a payment allows. It is asked before anything is sent, and again after Stripe
//! has refused, because another request may have changed the payment in between.

use perennial_store::{MOST_INCREMENTS, PaymentRequest, RequestKind, RequestState};
use perennial_stripe::{Charge, PaymentIntent, PaymentIntentStatus, StripeError};
use perennial_types::{Money, PaymentIntentId};

use super::{
    PaymentError, PaymentErrorCode, Payments, Refusal, RequestKey, carry_out::why_invalid,
    claim::HeldClaim,
};
use crate::FlowError;

/// What is done to a payment. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaymentStep {
    /// The new total.
    Increment(u64),
    Capture(u64),
    Cancel,
    Refund(u64),
}

impl PaymentStep {
    /// What a request that was frozen does, and to which payment; nothing if it creates something.
    fn of(request: &PaymentRequest) -> Option<(Self, &PaymentIntentId)> {
        let amount = |name| amount(request, name);
        match &request.kind {
            RequestKind::IncrementalAuthorization { payment } => {
                Some((Self::Increment(amount("amount")?), payment))
            }
            RequestKind::Capture { payment } => {
                Some((Self::Capture(amount("amount_to_capture")?), payment))
            }
            RequestKind::Cancellation { payment } => Some((Self::Cancel, payment)),
            RequestKind::Refund { payment } => Some((Self::Refund(amount("amount")?), payment)),
            RequestKind::Payment(_)
            | RequestKind::OffSessionCharge(_)
            | RequestKind::TokenMigration { .. } => None,
        }
    }

    /// Whether the payment's state allows it.
    pub(super) fn check(self, payment: &PaymentIntent) -> Result<(), PaymentError> {
        let refused = |why: PaymentErrorCode| Err(Refusal::at(why, payment).into());
        match self {
            Self::Increment(total) => {
                check_held(payment)?;
                check_form(payment, total)?;
                if total <= payment.amount {
                    return refused(PaymentErrorCode::IncrementNotLarger);
                }
                if !payment.charge().is_some_and(Charge::can_be_incremented) {
                    return refused(PaymentErrorCode::IncrementNotAvailable);
                }
                Ok(())
            }
            Self::Capture(amount) => {
                check_held(payment)?;
                check_form(payment, amount)?;
                if amount > payment.amount_capturable {
                    return refused(PaymentErrorCode::CaptureTooLarge);
                }
                Ok(())
            }
            Self::Cancel => match payment.status {
                PaymentIntentStatus::Canceled => refused(PaymentErrorCode::AlreadyCanceled),
                PaymentIntentStatus::Succeeded | PaymentIntentStatus::Processing => {
                    refused(PaymentErrorCode::NotCancelable)
                }
                _ => Ok(()),
            },
            Self::Refund(amount) => {
                if payment.amount_received == 0 {
                    return refused(PaymentErrorCode::NotPaid);
                }
                let left = left_to_refund(payment);
                if left == 0 {
                    return refused(PaymentErrorCode::AlreadyRefunded);
                }
                check_form(payment, amount)?;
                if amount > left {
                    return refused(PaymentErrorCode::RefundTooLarge);
                }
                Ok(())
            }
        }
    }
}

impl Payments<'_> {
    /// The same, with the reason why no more can be held.
    pub(super) async fn check_step(
        &self,
        step: PaymentStep,
        payment: &PaymentIntent,
    ) -> Result<(), PaymentError> {
        match step.check(payment) {
            Err(PaymentError::Refused(refusal))
                if refusal.why == PaymentErrorCode::IncrementNotAvailable
                    && self.cx.table.increments(&payment.id).await? >= MOST_INCREMENTS =>
            {
                Err(Refusal::at(PaymentErrorCode::IncrementsExhausted, payment).into())
            }
            other => other,
        }
    }

    /// What a refusal of Stripe means, by the payment as it is now. The caller who lost a race is
    /// told the state that the winner has made.
    pub(super) async fn refusal_of_step(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        error: &StripeError,
    ) -> Result<Refusal, PaymentError> {
        let request = &mine.request;
        let Some((step, payment)) = PaymentStep::of(request) else {
            return Ok(Refusal::of(why_invalid(&request.kind, error), error));
        };
        let payment = match self.read_payment(payment).await {
            Ok(payment) => payment,
            Err(PaymentError::Refused(refusal)) => return Ok(*refusal),
            Err(unread) => {
                // Stripe repeats its refusal under the same key.
                self.release_claim(asked, mine).await?;
                return Err(unread);
            }
        };
        let why = match self.check_step(step, &payment).await {
            Err(PaymentError::Refused(refusal)) => refusal.why,
            Err(error) => return Err(error),
            Ok(()) => why_invalid(&request.kind, error),
        };
        Ok(Refusal {
            payment: Some((&payment).into()),
            ..Refusal::of(why, error)
        })
    }
}

/// What was taken and not given back, in the currency's smallest unit.
pub(super) fn left_to_refund(payment: &PaymentIntent) -> u64 {
    let refunded = payment.charge().map_or(0, Charge::given_back);
    payment.amount_received.saturating_sub(refunded)
}

/// Whether money is held for a payment.
fn check_held(payment: &PaymentIntent) -> Result<(), PaymentError> {
    let why = match payment.status {
        PaymentIntentStatus::RequiresCapture => return Ok(()),
        PaymentIntentStatus::Succeeded => PaymentErrorCode::AlreadyCaptured,
        PaymentIntentStatus::Canceled => PaymentErrorCode::AlreadyCanceled,
        _ => PaymentErrorCode::NotAuthorized,
    };
    Err(Refusal::at(why, payment).into())
}

/// Whether an amount has the form of one in the payment's currency.
fn check_form(payment: &PaymentIntent, amount: u64) -> Result<(), PaymentError> {
    let lacking = |_| FlowError::AnswerLacks("the currency of a payment");
    let currency = payment.currency.parse().map_err(lacking)?;
    let money = Money { amount, currency };
    Ok(money.check_form().map_err(PaymentErrorCode::from)?)
}

/// A number of a frozen request's form.
pub(super) fn amount(request: &PaymentRequest, name: &str) -> Option<u64> {
    let RequestState::Sending(claim) = &request.state else {
        return None;
    };
    let frozen = claim.request.as_ref()?;
    let mut pairs = url::form_urlencoded::parse(frozen.body.as_bytes());
    let (_, amount) = pairs.find(|(key, _)| key == name)?;
    amount.parse().ok()
}
