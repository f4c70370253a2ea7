//! A checkout that was confirmed with something else than its wallet, such as a card that was typed in.
//!
//! To Stripe, Apple Pay is a card, and a client secret can be confirmed with any card. So what was
//! confirmed is looked at before anything comes of it, and what was charged by then is given back.

use perennial_stripe::{
    CancellationDetails, IdempotencyKey, PaymentMethod, SetupIntent, StripeError,
};
use perennial_types::{Attempt, Awaited, Confirming, Ending, FailureReason, Wallet};

use super::{Checkouts, Finish, Outcome, Step};
use crate::{FlowError, subscriptions::Subscriptions};

const REASON: FailureReason = FailureReason::WalletMismatch;

impl Checkouts<'_> {
    /// The method that a SetupIntent has set up.
    pub(super) async fn method_of_setup(
        &self,
        intent: &SetupIntent,
    ) -> Result<PaymentMethod, FlowError> {
        let lacking = FlowError::AnswerLacks("the payment method of a SetupIntent");
        let method = intent.payment_method.as_ref().ok_or(lacking)?;
        match method.object() {
            Some(method) => Ok(method.clone()),
            None => Ok(self
                .cx
                .stripe
                .retrieve_payment_method(method.id())
                .await?
                .value),
        }
    }

    /// Ends a checkout before there is a subscription. `since` is when its SetupIntent was created.
    pub(super) async fn refuse_setup(
        &self,
        attempt: &Attempt,
        method: &PaymentMethod,
        since: i64,
    ) -> Result<Finish, FlowError> {
        tell_of(attempt);
        self.detach(method, since).await?;
        self.close(attempt, Ending::Failed, REASON).await?;
        Ok(Finish::Failed { reason: REASON })
    }

    /// Ends a checkout whose subscription came first. The money goes back before the subscription
    /// ends, so that a request after one that died finds it open and does the rest.
    pub(super) async fn refuse_confirmed(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        read: &perennial_stripe::Subscription,
        method: &PaymentMethod,
    ) -> Result<Step<Outcome>, FlowError> {
        tell_of(attempt);
        self.cx.table.note_reason(attempt, REASON, None).await?;
        self.give_back(attempt, open).await?;
        self.detach(method, read.created).await?;
        let id = &read.id;
        match self
            .cx
            .stripe
            .cancel_subscription(id, &CancellationDetails::default())
            .await
        {
            Ok(_) | Err(StripeError::Invalid { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (user, customer) = (&attempt.user, &attempt.customer);
        Subscriptions::of(self.cx)
            .refresh(user, customer, id)
            .await?;
        self.end_confirming(attempt, open, REASON).await
    }

    /// Gives the first payment back, if there was one.
    pub(super) async fn give_back(
        &self,
        attempt: &Attempt,
        open: &Confirming,
    ) -> Result<(), FlowError> {
        let Awaited::Payment(id) = &open.awaited else {
            return Ok(());
        };
        let key = IdempotencyKey::new(&format!("refund:{}", attempt.id))?;
        let refused = match self
            .cx
            .stripe
            .refund_checkout(id, attempt.id.as_str(), &key)
            .await
        {
            Ok(_) => return Ok(()),
            Err(error @ StripeError::Invalid { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        let payment = self.cx.stripe.read_payment(id).await?.value;
        let given_back = payment.charge().map_or(0, |charge| charge.amount_refunded);
        if given_back >= payment.amount_received {
            Ok(())
        } else {
            Err(refused.into())
        }
    }

    /// A method that this checkout has brought is of no use to anybody; one that was saved before may
    /// pay for something else. `since` is when what it confirms was created: both times are Stripe's.
    async fn detach(&self, method: &PaymentMethod, since: i64) -> Result<(), FlowError> {
        if method.created < since || method.customer_id().is_none() {
            return Ok(());
        }
        match self.cx.stripe.detach_payment_method(&method.id).await {
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn tell_of(attempt: &Attempt) {
    tracing::warn!(
        checkout = %attempt.id,
        wallet = attempt.wallet.map(Wallet::as_str),
        "a checkout was confirmed with something else than its wallet"
    );
}
