//! From a request of the shop's servers to what came of it.

use perennial_store::{ClaimedStep, MOST_INCREMENTS, PaymentRequest, RequestKind};
use perennial_stripe::{PaymentIntent, StripeError};
use perennial_types::{FrozenRequest, PaymentIntentId};

use super::{
    ChargeMethod, PaymentError, PaymentErrorCode, PaymentReport, Payments, RefundReason,
    RefundReport, Refusal, RequestKey, StartPayment,
    claim::{HeldClaim, KeyState, NewRequest},
};
use crate::{FlowError, claimed_step::Sent, context::LOOK_AGAIN};

/// What the shop's servers ask for. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone)]
pub enum PaymentOperation {
    /// A payment that the shopper agrees to in the page.
    Start(StartPayment),
    /// A charge of a saved method while the shopper is away.
    Charge(ChargeMethod),
    /// More is held.
    Increment {
        /// For which payment.
        payment: PaymentIntentId,
        /// The new total.
        amount: u64,
    },
    /// What is held is taken.
    Capture {
        /// Of which payment.
        payment: PaymentIntentId,
        /// How much of it; all without.
        amount: Option<u64>,
    },
    /// What is held is let go, or what was not paid is given up.
    Cancel {
        /// Which payment.
        payment: PaymentIntentId,
    },
    /// Money goes back.
    Refund {
        /// Of which payment.
        payment: PaymentIntentId,
        /// How much; all that is left without.
        amount: Option<u64>,
        /// Why.
        reason: Option<RefundReason>,
    },
}

/// What came of a request.
#[derive(Debug)]
pub struct PaymentAnswer {
    /// The payment as it is now.
    pub payment: PaymentReport,
    /// Whether this request has done it, and not an earlier one under the same key.
    pub created: bool,
    /// What went back, if that was asked for.
    pub refund: Option<RefundReport>,
}

/// What Stripe answers a frozen request with.
enum Made {
    Payment(Box<PaymentIntent>),
    /// Of which payment.
    Refund(Box<perennial_stripe::Refund>, PaymentIntentId),
}

impl Payments<'_> {
    /// Does what the shop's servers ask for, once for each key.
    pub async fn request(
        &self,
        asked: &RequestKey,
        operation: &PaymentOperation,
    ) -> Result<PaymentAnswer, PaymentError> {
        let answer = Box::pin(self.carry_out(asked, operation)).await?;
        let in_page = matches!(operation, PaymentOperation::Start(_));
        if in_page && !answer.payment.offers_cards {
            // Stripe leaves out what the account lacks in place of refusing the request.
            return Err(PaymentErrorCode::WalletNotEnabled.into());
        }
        Ok(answer)
    }

    async fn carry_out(
        &self,
        asked: &RequestKey,
        operation: &PaymentOperation,
    ) -> Result<PaymentAnswer, PaymentError> {
        let patience = self.cx.patience();
        loop {
            match self.look(asked, &patience).await? {
                KeyState::Done { request, result } => return self.recall(&request, &result).await,
                KeyState::HeldClaim(mine) => return self.send_payment(asked, &mine).await,
                KeyState::New => {
                    let draft = self.prepare(asked, operation).await?;
                    if let Some(mine) = self.claim_request(asked, draft).await? {
                        return self.send_payment(asked, &mine).await;
                    }
                }
            }
        }
    }

    /// A payment as it is now.
    pub async fn report_of(&self, id: &PaymentIntentId) -> Result<PaymentReport, PaymentError> {
        let payment = self.our_payment(id).await?.payment;
        self.report(payment).await
    }

    /// Checks what can be known before anything is sent, and freezes the request.
    async fn prepare(
        &self,
        asked: &RequestKey,
        operation: &PaymentOperation,
    ) -> Result<NewRequest, PaymentError> {
        match operation {
            PaymentOperation::Start(start) => self.prepare_start(asked, start).await,
            PaymentOperation::Charge(charge) => self.prepare_charge(asked, charge).await,
            PaymentOperation::Increment { payment, amount } => {
                self.prepare_increment(asked, payment, *amount).await
            }
            PaymentOperation::Capture { payment, amount } => {
                self.prepare_capture(asked, payment, *amount).await
            }
            PaymentOperation::Cancel { payment } => self.prepare_cancel(asked, payment).await,
            PaymentOperation::Refund {
                payment,
                amount,
                reason,
            } => self.prepare_refund(asked, payment, *amount, *reason).await,
        }
    }

    /// Sends what is frozen, unless that may have been done when Stripe has forgotten the key.
    async fn send_payment(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
    ) -> Result<PaymentAnswer, PaymentError> {
        if let Some(payment) = mine.request.kind.replaces() {
            if self.cx.key_is_forgotten(mine.frozen_at)
                && let Some(found) = self.find_result(asked, &mine.request).await?
            {
                return self.adopt_result(asked, mine, &found).await;
            }
            self.end_replaced(asked, mine, payment).await?;
        }
        let claim = mine.claim()?;
        let sent = self.cx.send_claimed(
            ClaimedStep::Payment(&asked.key),
            &claim,
            |frozen| {
                Box::pin(async move {
                    let sent = self.send_frozen(&mine.request, frozen).await;
                    if !sent.as_ref().is_err_and(is_locked) {
                        return sent;
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                    self.send_frozen(&mine.request, frozen).await
                })
            },
            || Box::pin(self.find_result(asked, &mine.request)),
        );
        match sent.await? {
            Sent::Made(made) => self.made(asked, made).await,
            Sent::Found(found) => self.adopt_result(asked, mine, &found).await,
            Sent::Refused(error @ StripeError::Declined { .. }) => {
                self.declined(asked, mine, &error).await
            }
            Sent::Refused(error) => Err(self.invalid(asked, mine, &error).await?),
            Sent::Spent(error) => {
                self.release_claim(asked, mine).await?;
                Err(error.into())
            }
            Sent::Released(error) => Err(error.into()),
        }
    }

    async fn send_frozen(
        &self,
        request: &PaymentRequest,
        frozen: &FrozenRequest,
    ) -> Result<Made, StripeError> {
        let stripe = &self.cx.stripe;
        let sent = match &request.kind {
            RequestKind::Refund { payment } => {
                let refund = stripe.create_refund(frozen).await?.value;
                return Ok(Made::Refund(Box::new(refund), payment.clone()));
            }
            RequestKind::IncrementalAuthorization { payment }
            | RequestKind::Capture { payment }
            | RequestKind::Cancellation { payment } => stripe.change_payment(payment, frozen).await,
            RequestKind::Payment(_)
            | RequestKind::OffSessionCharge(_)
            | RequestKind::TokenMigration { .. } => stripe.create_payment(frozen).await,
        };
        Ok(Made::Payment(Box::new(sent?.value)))
    }

    /// Writes down what was made, and reports it.
    async fn made(&self, asked: &RequestKey, made: Made) -> Result<PaymentAnswer, PaymentError> {
        let (payment, refund) = match made {
            Made::Payment(payment) => {
                self.done(asked, payment.id.as_str()).await?;
                (*payment, None)
            }
            Made::Refund(refund, payment) => {
                self.done(asked, &refund.id).await?;
                let payment = self.read_payment(&payment).await?;
                (payment, Some((*refund).into()))
            }
        };
        Ok(PaymentAnswer {
            payment: self.report(payment).await?,
            created: true,
            refund,
        })
    }

    /// Stripe has said no, so that nothing was done.
    pub(super) async fn invalid(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        error: &StripeError,
    ) -> Result<PaymentError, PaymentError> {
        let request = &mine.request;
        let refusal = self.refusal_of_step(asked, mine, error).await?;
        if let (PaymentErrorCode::CustomerDeleted, Some((user, customer))) =
            (refusal.why, request.kind.customer())
        {
            self.cx.table.forget_customer(user, customer).await?;
        }
        self.refuse(asked, refusal).await
    }

    /// The bank has said no. A new payment exists nevertheless and tells why; one that was there
    /// before is as it was.
    async fn declined(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        error: &StripeError,
    ) -> Result<PaymentAnswer, PaymentError> {
        let why = match &mine.request.kind {
            RequestKind::IncrementalAuthorization { .. } => PaymentErrorCode::IncrementDeclined,
            RequestKind::Capture { .. } => PaymentErrorCode::CaptureDeclined,
            RequestKind::Refund { .. } => PaymentErrorCode::RefundDeclined,
            RequestKind::Payment(_) | RequestKind::OffSessionCharge(_) => {
                return self.declined_new(asked, mine, error).await;
            }
            RequestKind::Cancellation { .. } | RequestKind::TokenMigration { .. } => {
                PaymentErrorCode::Declined
            }
        };
        Err(self.refuse(asked, Refusal::of(why, error)).await?)
    }

    async fn declined_new(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        error: &StripeError,
    ) -> Result<PaymentAnswer, PaymentError> {
        let named = match error {
            StripeError::Declined { intent, .. } => intent.clone(),
            _ => None,
        };
        let found = match named {
            Some(id) => Some(id),
            None => self.find_result(asked, &mine.request).await?,
        };
        if let Some(id) = found {
            return self.adopt_result(asked, mine, &id).await;
        }
        let refusal = Refusal::of(PaymentErrorCode::Declined, error);
        Err(self.refuse(asked, refusal).await?)
    }

    async fn adopt_result(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        result: &str,
    ) -> Result<PaymentAnswer, PaymentError> {
        self.done(asked, result).await?;
        let answer = self.recall(&mine.request, result).await?;
        Ok(PaymentAnswer {
            created: true,
            ..answer
        })
    }

    /// What came of a request, read again from Stripe.
    async fn recall(
        &self,
        request: &PaymentRequest,
        result: &str,
    ) -> Result<PaymentAnswer, PaymentError> {
        let (payment, refund) = if let RequestKind::Refund { payment } = &request.kind {
            let refund = self.cx.stripe.retrieve_refund(result).await?.value;
            (payment.clone(), Some(refund.into()))
        } else {
            let lacking = |_| FlowError::ItemLacks("the id of what came of a request");
            let id = result.parse().map_err(lacking)?;
            (id, None)
        };
        let payment = self.read_payment(&payment).await?;
        Ok(PaymentAnswer {
            payment: self.report(payment).await?,
            created: false,
            refund,
        })
    }

    /// What may have come of a request whose key Stripe has forgotten, or spent.
    async fn find_result(
        &self,
        asked: &RequestKey,
        request: &PaymentRequest,
    ) -> Result<Option<String>, PaymentError> {
        match &request.kind {
            RequestKind::Payment(new) | RequestKind::OffSessionCharge(new) => {
                self.find_payment(asked, request, &new.customer).await
            }
            RequestKind::Refund { payment } => self.find_refund(asked, payment).await,
            RequestKind::IncrementalAuthorization { payment }
            | RequestKind::Capture { payment }
            | RequestKind::Cancellation { payment } => self.find_change(request, payment).await,
            RequestKind::TokenMigration { .. } => Ok(None),
        }
    }

    pub(super) async fn read_payment(
        &self,
        id: &PaymentIntentId,
    ) -> Result<PaymentIntent, PaymentError> {
        match self.cx.stripe.read_payment(id).await {
            Ok(reply) => Ok(reply.value),
            Err(error) if is_missing(&error) => Err(PaymentErrorCode::UnknownPayment.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A payment as the shop sees it. How often it was incremented is asked for where that matters.
    pub(super) async fn report(
        &self,
        payment: PaymentIntent,
    ) -> Result<PaymentReport, PaymentError> {
        let mut report = PaymentReport::of(payment);
        if report.increment.available {
            let used = self.cx.table.increments(&report.id).await?;
            let left = MOST_INCREMENTS.saturating_sub(used);
            report.increment.remaining = Some(left);
            report.increment.available = left > 0;
        }
        Ok(report)
    }
}

/// Whether another request held the object for longer than Stripe waits, or one with the same key is
/// still at work. Sent once more, the same bytes are answered with what is true after that.
pub(super) fn is_locked(error: &StripeError) -> bool {
    matches!(error, StripeError::KeyInUse { .. }) || error.code() == Some("lock_timeout")
}

/// Whether Stripe says that there is no such object.
pub(super) fn is_missing(error: &StripeError) -> bool {
    matches!(error, StripeError::Invalid { status: 404, .. })
        || error.code() == Some("resource_missing")
}

/// What Stripe's refusal of a request means, by its own words.
pub(super) fn why_invalid(kind: &RequestKind, error: &StripeError) -> PaymentErrorCode {
    let param = match error {
        StripeError::Invalid { param, .. } => param.as_deref(),
        _ => None,
    };
    match (kind, error.code(), param) {
        // Deleted at Stripe, or of another account.
        (_, Some("resource_missing"), Some("customer")) => PaymentErrorCode::CustomerDeleted,
        (_, Some("payment_method_not_available"), _) => PaymentErrorCode::WalletNotEnabled,
        (_, Some("amount_too_small"), _) => PaymentErrorCode::AmountTooSmall,
        (_, Some("amount_too_large"), _) => PaymentErrorCode::AmountTooLarge,
        (RequestKind::Payment(_) | RequestKind::OffSessionCharge(_), _, Some("currency")) => {
            PaymentErrorCode::InvalidCurrency
        }
        (RequestKind::Capture { .. }, Some("charge_already_captured"), _) => {
            PaymentErrorCode::AlreadyCaptured
        }
        (RequestKind::Capture { .. }, _, Some("amount_to_capture")) => {
            PaymentErrorCode::CaptureTooLarge
        }
        (RequestKind::Refund { .. }, Some("charge_already_refunded"), _) => {
            PaymentErrorCode::AlreadyRefunded
        }
        (RequestKind::Refund { .. }, _, Some("amount")) => PaymentErrorCode::RefundTooLarge,
        (_, Some("payment_intent_unexpected_state" | "intent_invalid_state"), _) => {
            PaymentErrorCode::PaymentChanged
        }
        _ => PaymentErrorCode::StripeRefused,
    }
}
