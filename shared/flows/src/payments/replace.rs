//! Two payments for one purpose: the earlier one ends before the later one begins.
//!
//! A declined payment can still be made by its shopper, in the page or by a link. Stripe does not let
//! a canceled PaymentIntent be confirmed, so that canceling it is what makes a second charge safe.

use perennial_store::RequestState;
use perennial_stripe::{
    ChangePayment, Charge, PaymentChange, PaymentIntent, PaymentIntentStatus, StripeError,
};
use perennial_types::{Money, PaymentIntentId, UserId};

use super::{
    PaymentError, PaymentErrorCode, PaymentReport, Payments, Refusal, RequestKey, claim::HeldClaim,
    create::key,
};

/// What a new payment has to do with those that the user can still make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// The request does not say.
    Unsaid,
    /// It is for the same purpose as this one, which is canceled first.
    Replaces(PaymentIntentId),
    /// It is for a purpose of its own.
    Separate,
}

/// For so long after a payment was made by its shopper, a charge of the same amount that does not say
/// what it is for is taken to be a late repeat.
const RECENT_SECONDS: i64 = 7 * 24 * 3600;

/// Links are given to payments that are no older than this, which is as long as the table remembers
/// that one was given.
const LINKED_SECONDS: i64 = 90 * 24 * 3600;

impl Payments<'_> {
    /// Looks for an earlier payment that this one could double; gives the one that it replaces.
    pub(super) async fn check_earlier(
        &self,
        user: &UserId,
        money: Money,
        earlier: &Earlier,
    ) -> Result<Option<PaymentIntentId>, PaymentError> {
        match earlier {
            Earlier::Separate => Ok(None),
            Earlier::Unsaid => {
                self.check_payable(user, money).await?;
                Ok(None)
            }
            Earlier::Replaces(id) => {
                let ours = self.our_payment(id).await?;
                if ours.user != *user {
                    return Err(PaymentErrorCode::UnknownPayment.into());
                }
                if ours.of_subscription {
                    return Err(Refusal::at(
                        PaymentErrorCode::PaymentOfSubscription,
                        &ours.payment,
                    )
                    .into());
                }
                if ours.payment.status.is_made() {
                    return Err(
                        Refusal::at(PaymentErrorCode::PaymentAlreadyMade, &ours.payment).into(),
                    );
                }
                Ok(Some(id.clone()))
            }
        }
    }

    /// A link was given to a payment of this user and amount: the new one may be for the same
    /// purpose, and the caller has to say so.
    async fn check_payable(&self, user: &UserId, money: Money) -> Result<(), PaymentError> {
        let mut over = Vec::new();
        for id in self.cx.table.payable(user, money).await? {
            let payment = match self.read_payment(&id).await {
                Ok(payment) => payment,
                Err(PaymentError::Refused(_)) => {
                    over.push(id);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let since = self.cx.clock.now().plus_seconds(-RECENT_SECONDS).unix();
            let recent = |charge: &Charge| charge.created >= since;
            if payment.status.is_made() && payment.charge().is_none_or(recent) {
                return Err(Refusal::at(PaymentErrorCode::PaymentAlreadyMade, &payment).into());
            }
            if is_open(&payment) {
                return Err(Refusal::at(PaymentErrorCode::PaymentOpen, &payment).into());
            }
            over.push(id);
        }
        if !over.is_empty() {
            self.cx.table.remove_payable(user, money, &over).await?;
        }
        Ok(())
    }

    /// The request that was to replace a payment before, if it came to nothing. Otherwise its own
    /// payment is the one to replace.
    pub(super) async fn failed_replacement(
        &self,
        payment: &PaymentIntentId,
    ) -> Result<String, PaymentError> {
        let Some(request) = self.cx.table.replacement(payment).await? else {
            return Ok(String::new());
        };
        let known = self.cx.table.payment_request(&request).await?;
        let replaced_by = match known.map(|known| known.state) {
            None | Some(RequestState::Refused { .. }) => return Ok(request),
            Some(RequestState::Sending(_)) => None,
            Some(RequestState::Done { result }) => result.parse().ok(),
        };
        Err(Refusal {
            replaced_by,
            ..PaymentErrorCode::PaymentReplaced.into()
        }
        .into())
    }

    /// Cancels the payment that a claimed request replaces. A repeat of the request sends the same
    /// cancellation again.
    pub(super) async fn end_replaced(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
        id: &PaymentIntentId,
    ) -> Result<(), PaymentError> {
        let cancellation = ChangePayment {
            payment: id,
            change: PaymentChange::Cancel,
        }
        .freeze(key("replace", asked)?);
        let Err(error) = self.cx.stripe.change_payment(id, &cancellation).await else {
            return Ok(());
        };
        let read = match &error {
            StripeError::Invalid { .. } => self.read_payment(id).await,
            _ => Err(error.into()),
        };
        match read {
            Ok(payment) if payment.status == PaymentIntentStatus::Canceled => Ok(()),
            Ok(payment) => {
                let refusal = Refusal::at(PaymentErrorCode::PaymentAlreadyMade, &payment);
                Err(self.refuse(asked, refusal).await?)
            }
            Err(error) => {
                self.release_claim(asked, mine).await?;
                Err(error)
            }
        }
    }

    /// Writes down that a link to this payment is given to its shopper. False if it is too old for
    /// one.
    pub async fn note_link(&self, payment: &PaymentReport) -> Result<bool, PaymentError> {
        let (Some(user), Some(money)) = (&payment.user, payment.money()) else {
            return Ok(false);
        };
        let now = self.cx.clock.now();
        if payment.created.plus_seconds(LINKED_SECONDS) < now {
            return Ok(false);
        }
        self.cx
            .table
            .add_payable(user, money, &payment.id, now)
            .await?;
        Ok(true)
    }
}

/// Whether the shopper may still be able to make it.
fn is_open(payment: &PaymentIntent) -> bool {
    !payment.status.is_made() && payment.status != PaymentIntentStatus::Canceled
}
