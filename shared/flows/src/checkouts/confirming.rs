//! A subscription that came first: its shopper confirms it, or it ends.
//!
//! Until then it is `incomplete` at Stripe, or in a trial that is not confirmed
//! (<https://docs.stripe.com/billing/subscriptions/overview>). What the shopper could still confirm
//! is taken away before the subscription is, so that Stripe decides who was first.

use perennial_stripe::{
    CancellationDetails, CancellationReason, PaymentIntentStatus, PaymentMethod, SetupIntentStatus,
    StripeError,
};
use perennial_types::{
    Attempt, Awaited, Confirming, Ending, FailureReason, InvoiceStatus, Phase, Subscription,
    SubscriptionId,
};

use super::{Checkouts, Finish, Outcome, Step, declines::Declined};
use crate::{FlowError, shop_events::checkout_failed, subscriptions::Subscriptions};

/// Stripe gives an unpaid subscription up about 23 hours after its creation, which is when its checkout
/// is over too (<https://docs.stripe.com/billing/subscriptions/overview#subscription-lifecycle>).
const GIVEN_UP_EARLY: i64 = 3600;

impl Checkouts<'_> {
    /// Reads the subscription of an attempt that waits for its shopper, and ends the attempt if
    /// there is nothing left to wait for.
    pub(super) async fn look_at_confirmation(
        &self,
        attempt: &Attempt,
        open: &Confirming,
    ) -> Result<Step<Outcome>, FlowError> {
        let (user, customer) = (&attempt.user, &attempt.customer);
        let subscriptions = Subscriptions::of(self.cx);
        let reading = subscriptions.refresh(user, customer, &open.subscription);
        let reading = reading.await?;
        let model = reading.model;
        let (Some(read), false) = (reading.read, model.status.is_terminal()) else {
            // Why it is ended here is noted before Stripe is asked to end it, and may have been noted
            // after this attempt was read.
            let attempt = &self.attempt(user, &attempt.id).await?;
            let Phase::Confirming(open) = &attempt.phase else {
                return Ok(Step::LookAgain);
            };
            if attempt.reason == Some(FailureReason::WalletMismatch) {
                self.give_back(attempt, open).await?;
            } else if self.was_confirmed(open, &model).await? {
                return self.note_confirmed(attempt, model).await;
            }
            let reason = self.why_it_ended(attempt, &model);
            return self.end_confirming(attempt, open, reason).await;
        };
        if !model.awaits_shopper() {
            return self.confirmed(attempt, open, model, &read).await;
        }
        if attempt.open_until <= self.cx.clock.now() {
            return Ok(if self.abandon_subscription(attempt, open).await? {
                Step::failed(FailureReason::Expired)
            } else {
                Step::LookAgain
            });
        }
        Ok(Step::Done(Outcome::Confirm {
            attempt: Box::new(attempt.clone()),
            subscription: Box::new(read),
        }))
    }

    async fn confirmed(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        mut model: Subscription,
        read: &perennial_stripe::Subscription,
    ) -> Result<Step<Outcome>, FlowError> {
        if let Some(method) = self.wrong_method(attempt, open, read).await? {
            return self.refuse_confirmed(attempt, open, read, &method).await;
        }
        if read.payment_method_id().is_none() && self.save_method(open).await? {
            let (user, customer) = (&attempt.user, &attempt.customer);
            let subscriptions = Subscriptions::of(self.cx);
            model = subscriptions.refresh(user, customer, &read.id).await?.model;
        }
        self.note_confirmed(attempt, model).await
    }

    async fn note_confirmed(
        &self,
        attempt: &Attempt,
        model: Subscription,
    ) -> Result<Step<Outcome>, FlowError> {
        if self.cx.table.confirm(attempt).await? {
            return Ok(Step::Done(Outcome::Finished(Finish::Subscribed {
                subscription: Box::new(model),
                created: true,
            })));
        }
        Ok(Step::LookAgain)
    }

    /// Whether the shopper had confirmed a subscription that has ended, whoever has ended it and
    /// whenever it is heard of: then it was one, and what was paid for it was paid.
    async fn was_confirmed(
        &self,
        open: &Confirming,
        model: &Subscription,
    ) -> Result<bool, FlowError> {
        let Awaited::Setup(setup) = &open.awaited else {
            return Ok(model.latest_paid_invoice.is_some());
        };
        let setup = self.cx.stripe.retrieve_setup_intent(setup).await?.value;
        Ok(setup.status == SetupIntentStatus::Succeeded)
    }

    /// Stripe is asked to save the method on the subscription when it is confirmed. A subscription
    /// without one would end with its period, so this makes sure of it.
    async fn save_method(&self, open: &Confirming) -> Result<bool, FlowError> {
        let Some(method) = self.confirmed_method(open).await? else {
            return Ok(false);
        };
        self.cx
            .stripe
            .set_default_payment_method(&open.subscription, &method.id)
            .await?;
        Ok(true)
    }

    /// What the shopper has confirmed with.
    async fn confirmed_method(
        &self,
        open: &Confirming,
    ) -> Result<Option<PaymentMethod>, FlowError> {
        let stripe = &self.cx.stripe;
        let method = match &open.awaited {
            Awaited::Payment(id) => stripe.read_payment(id).await?.value.payment_method,
            Awaited::Setup(id) => stripe.retrieve_setup_intent(id).await?.value.payment_method,
        };
        Ok(method.and_then(|method| method.object().cloned()))
    }

    /// What the shopper has confirmed with, if it is not of the checkout's wallet. The subscription's
    /// own method tells; should it be another by now, what was confirmed decides.
    async fn wrong_method(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        read: &perennial_stripe::Subscription,
    ) -> Result<Option<PaymentMethod>, FlowError> {
        let right = |method: &PaymentMethod| method.wallet() == attempt.wallet;
        if read.payment_method().is_some_and(right) {
            return Ok(None);
        }
        let method = self.confirmed_method(open).await?;
        Ok(method.filter(|method| !right(method)))
    }

    /// Why the shopper's last try failed, if it did. It is noted.
    pub(super) async fn refusal(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        read: &perennial_stripe::Subscription,
    ) -> Result<Option<FailureReason>, FlowError> {
        if let Some(setup) = read.pending_setup() {
            let refused = setup.status == SetupIntentStatus::RequiresPaymentMethod
                && setup.last_setup_error.is_some();
            if !refused {
                return Ok(None);
            }
            let (reason, declined) = (FailureReason::WalletDeclined, Declined::Setup(setup));
            return Ok(Some(self.count_declines(attempt, reason, declined).await?));
        }
        let Awaited::Payment(id) = &open.awaited else {
            return Ok(None);
        };
        let payment = self.cx.stripe.read_payment(id).await?.value;
        let refused = payment.status == PaymentIntentStatus::RequiresPaymentMethod
            && payment.last_payment_error.is_some();
        if !refused {
            return Ok(None);
        }
        let (reason, declined) = (FailureReason::PaymentDeclined, Declined::Payment(&payment));
        Ok(Some(self.count_declines(attempt, reason, declined).await?))
    }

    /// Stripe gives an unpaid subscription up by itself, and ends one on request. Its status is
    /// `incomplete_expired` either way, so the time tells.
    fn why_it_ended(&self, attempt: &Attempt, model: &Subscription) -> FailureReason {
        use FailureReason::{Canceled, Expired};
        if let Some(noted) = attempt
            .reason
            .filter(|reason| is_ended_for(*reason) || matches!(reason, Canceled | Expired))
        {
            return noted;
        }
        let ended = model.ends_at.unwrap_or_else(|| self.cx.clock.now());
        if ended.plus_seconds(GIVEN_UP_EARLY) >= attempt.open_until {
            Expired
        } else {
            Canceled
        }
    }

    pub(super) async fn end_confirming(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        reason: FailureReason,
    ) -> Result<Step<Outcome>, FlowError> {
        let now = self.cx.clock.now();
        let ending = match reason {
            FailureReason::Expired => Ending::Expired,
            reason if is_ended_for(reason) => Ending::Failed,
            _ => Ending::Canceled,
        };
        let told = (ending != Ending::Canceled).then(|| checkout_failed(attempt, reason, now));
        let ended = self
            .cx
            .table
            .end_confirming(
                attempt,
                &open.subscription,
                (ending, reason),
                told.as_ref(),
                now,
            )
            .await?;
        Ok(if ended {
            Step::failed(reason)
        } else {
            Step::LookAgain
        })
    }

    /// Ends a subscription that its shopper has not confirmed, and the attempt with it. False when
    /// they have confirmed it meanwhile.
    pub(super) async fn abandon_subscription(
        &self,
        attempt: &Attempt,
        open: &Confirming,
    ) -> Result<bool, FlowError> {
        let id = &open.subscription;
        let reason = if let Some(noted) = attempt.reason.filter(|reason| is_ended_for(*reason)) {
            noted
        } else {
            let reason = if attempt.open_until <= self.cx.clock.now() {
                FailureReason::Expired
            } else {
                FailureReason::Canceled
            };
            // Noted first, for the event that tells of the end, and for the request after a crash.
            self.cx.table.note_reason(attempt, reason, None).await?;
            reason
        };
        let out_of_reach = match &open.awaited {
            Awaited::Setup(setup) => {
                let why = CancellationReason::Abandoned;
                self.cancel_setup(setup, why).await?
            }
            Awaited::Payment(_) => self.void_first_invoice(id).await?,
        };
        if !out_of_reach {
            return Ok(false);
        }
        match self
            .cx
            .stripe
            .cancel_subscription(id, &CancellationDetails::default())
            .await
        {
            // Without its first invoice it has ended by itself.
            Ok(_) | Err(StripeError::Invalid { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (user, customer) = (&attempt.user, &attempt.customer);
        let ended = Subscriptions::of(self.cx)
            .refresh(user, customer, id)
            .await?;
        if !ended.model.status.is_terminal() {
            return Err(FlowError::Busy);
        }
        self.end_confirming(attempt, open, reason).await?;
        Ok(true)
    }

    /// Annuls the first invoice, whose payment Stripe cancels with it. False when it is paid.
    async fn void_first_invoice(&self, id: &SubscriptionId) -> Result<bool, FlowError> {
        let subscription = self.cx.stripe.retrieve_subscription(id).await?.value;
        let lacking = FlowError::AnswerLacks("the first invoice of a subscription");
        let invoice = subscription.newest_invoice().ok_or(lacking)?;
        match self.cx.stripe.void_invoice(&invoice.id).await {
            Ok(_) => Ok(true),
            Err(StripeError::Invalid { .. }) => {
                let now = self.cx.stripe.retrieve_subscription(id).await?.value;
                // One that was paid and ended since was not given up by its shopper.
                let paid = now.latest_invoice_status() == Some(&InvoiceStatus::Paid);
                Ok(now.status.is_terminal() && !paid)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a checkout is ended for this reason, which was noted on it before.
fn is_ended_for(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::TooManyDeclines | FailureReason::WalletMismatch
    )
}
