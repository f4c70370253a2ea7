//! A subscription that came first: its shopper confirms it, or it ends.
//!
//! Until then it is `incomplete` at Stripe, or in a trial that nobody has confirmed
//! (<https://docs.stripe.com/billing/subscriptions/overview>). What the shopper could still confirm
//! is taken away before the subscription is, so that Stripe decides who was first.

use perennial_stripe::{
    CancellationReason, IdempotencyKey, InvoiceStatus, PaymentIntentStatus, PaymentMethod,
    SetupIntentStatus, StripeError,
};
use perennial_types::{
    Attempt, AttemptState, FailureReason, Subscription, SubscriptionId, SubscriptionStatus,
};

use crate::{Finish, FlowError, Flows, declines::Declined, outgoing::checkout_failed};

/// How far the shopper is.
pub(crate) enum Confirming {
    /// They have yet to confirm this.
    Waiting(Box<perennial_stripe::Subscription>),
    /// It is decided.
    Answer(Finish),
    /// Somebody else has decided it meanwhile.
    LookAgain,
}

impl Flows {
    /// Reads the subscription of an attempt that waits for its shopper, and ends the attempt if
    /// there is nothing left to wait for.
    pub(crate) async fn look_at_confirmation(
        &self,
        attempt: &Attempt,
    ) -> Result<Confirming, FlowError> {
        let id = subscription_of(attempt)?;
        let (user, customer) = (&attempt.user, &attempt.customer);
        let (item, read) = self.read_under_fence(user, customer, id).await?;
        let model = item.subscription.ok_or(MISSING)?;
        let (Some(read), false) = (read, model.status.is_terminal()) else {
            // Why it is ended here is noted before Stripe is asked to end it, and may have been noted
            // after this attempt was read.
            let attempt = &self.attempt(user, &attempt.id).await?;
            if attempt.reason == Some(FailureReason::WalletMismatch) {
                self.give_back(attempt).await?;
            } else if self.was_confirmed(attempt, &model).await? {
                return self.note_confirmed(attempt, model).await;
            }
            let reason = self.why_it_ended(attempt, &model);
            return self.end_confirming(attempt, reason).await;
        };
        if !model.awaits_shopper() {
            return self.confirmed(attempt, model, &read).await;
        }
        if attempt.open_until <= self.clock.now() {
            if self.abandon_subscription(attempt).await? {
                let reason = FailureReason::Expired;
                return Ok(Confirming::Answer(Finish::Failed { reason }));
            }
            return Ok(Confirming::LookAgain);
        }
        Ok(Confirming::Waiting(Box::new(read)))
    }

    async fn confirmed(
        &self,
        attempt: &Attempt,
        mut model: Subscription,
        read: &perennial_stripe::Subscription,
    ) -> Result<Confirming, FlowError> {
        if let Some(method) = self.wrong_method(attempt, read).await? {
            return self.refuse_confirmed(attempt, read, &method).await;
        }
        if read.payment_method_id().is_none() && self.save_method(attempt, &read.id).await? {
            let (user, customer) = (&attempt.user, &attempt.customer);
            let item = self.refresh_subscription(user, customer, &read.id).await?;
            model = item.subscription.unwrap_or(model);
        }
        self.note_confirmed(attempt, model).await
    }

    async fn note_confirmed(
        &self,
        attempt: &Attempt,
        model: Subscription,
    ) -> Result<Confirming, FlowError> {
        if self.table.confirm(attempt).await? {
            return Ok(Confirming::Answer(Finish::Subscribed {
                subscription: Box::new(model),
                created: true,
            }));
        }
        Ok(Confirming::LookAgain)
    }

    /// Whether the shopper had confirmed a subscription that has ended, whoever has ended it and
    /// whenever it is heard of: then it was one, and what was paid for it was paid.
    async fn was_confirmed(
        &self,
        attempt: &Attempt,
        model: &Subscription,
    ) -> Result<bool, FlowError> {
        let Some(setup) = &attempt.setup_intent else {
            return Ok(model.latest_paid_invoice.is_some());
        };
        let setup = self.stripe.retrieve_setup_intent(setup).await?.value;
        Ok(setup.status == SetupIntentStatus::Succeeded)
    }

    /// Stripe is asked to save the method on the subscription when it is confirmed. A subscription
    /// without one would end with its period, so this makes sure of it.
    async fn save_method(
        &self,
        attempt: &Attempt,
        subscription: &SubscriptionId,
    ) -> Result<bool, FlowError> {
        let Some(method) = self.confirmed_method(attempt).await? else {
            return Ok(false);
        };
        let key = IdempotencyKey::new(&format!("pays:{}", attempt.id))?;
        self.stripe
            .set_default_payment_method(subscription, &method.id, &key)
            .await?;
        Ok(true)
    }

    /// What the shopper has confirmed with.
    async fn confirmed_method(
        &self,
        attempt: &Attempt,
    ) -> Result<Option<PaymentMethod>, FlowError> {
        let method = match (&attempt.payment_intent, &attempt.setup_intent) {
            (Some(id), _) => self.stripe.read_payment(id).await?.value.payment_method,
            (None, Some(id)) => {
                let intent = self.stripe.retrieve_setup_intent(id).await?.value;
                intent.payment_method
            }
            (None, None) => None,
        };
        Ok(method.and_then(|method| method.object().cloned()))
    }

    /// What the shopper has confirmed with, if it is not of the checkout's wallet. The subscription's
    /// own method tells; should it be another by now, what was confirmed decides.
    async fn wrong_method(
        &self,
        attempt: &Attempt,
        read: &perennial_stripe::Subscription,
    ) -> Result<Option<PaymentMethod>, FlowError> {
        let right = |method: &PaymentMethod| method.wallet() == Some(attempt.wallet);
        if read.payment_method().is_some_and(right) {
            return Ok(None);
        }
        let method = self.confirmed_method(attempt).await?;
        Ok(method.filter(|method| !right(method)))
    }

    /// Why the shopper's last try failed, if it did. It is noted.
    pub(crate) async fn refusal(
        &self,
        attempt: &Attempt,
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
        let Some(id) = &attempt.payment_intent else {
            return Ok(None);
        };
        let payment = self.stripe.read_payment(id).await?.value;
        let refused = payment.status == PaymentIntentStatus::RequiresPaymentMethod
            && payment.last_payment_error.is_some();
        if !refused {
            return Ok(None);
        }
        let (reason, declined) = (FailureReason::PaymentDeclined, Declined::Payment(&payment));
        Ok(Some(self.count_declines(attempt, reason, declined).await?))
    }

    /// Stripe lets an unpaid subscription expire by itself, and cancels one if somebody says so.
    fn why_it_ended(&self, attempt: &Attempt, model: &Subscription) -> FailureReason {
        if let Some(ours) = attempt.reason.filter(|reason| is_ended_for(*reason)) {
            return ours;
        }
        let by_itself = model.status == SubscriptionStatus::IncompleteExpired
            && attempt.reason != Some(FailureReason::Canceled);
        let noted = attempt.reason == Some(FailureReason::Expired);
        if noted || by_itself || attempt.open_until <= self.clock.now() {
            FailureReason::Expired
        } else {
            FailureReason::Canceled
        }
    }

    pub(crate) async fn end_confirming(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
    ) -> Result<Confirming, FlowError> {
        let (state, told) = match reason {
            FailureReason::Expired => {
                let told = checkout_failed(attempt, reason, self.clock.now());
                (AttemptState::Expired, Some(told))
            }
            reason if is_ended_for(reason) => {
                let told = checkout_failed(attempt, reason, self.clock.now());
                (AttemptState::Failed, Some(told))
            }
            _ => (AttemptState::Canceled, None),
        };
        let now = self.clock.now();
        let ended = self
            .table
            .end_confirming(attempt, state, reason, told.as_ref(), now)
            .await?;
        Ok(if ended {
            Confirming::Answer(Finish::Failed { reason })
        } else {
            Confirming::LookAgain
        })
    }

    /// Ends a subscription that its shopper has not confirmed, and the attempt with it. False when
    /// they have confirmed it meanwhile.
    pub(crate) async fn abandon_subscription(&self, attempt: &Attempt) -> Result<bool, FlowError> {
        let id = subscription_of(attempt)?;
        let reason = if let Some(noted) = attempt.reason.filter(|reason| is_ended_for(*reason)) {
            noted
        } else {
            let reason = if attempt.open_until <= self.clock.now() {
                FailureReason::Expired
            } else {
                FailureReason::Canceled
            };
            // Noted first, for whoever hears of the end from Stripe, or goes on after this one died.
            self.table.note_reason(attempt, reason, None).await?;
            reason
        };
        let out_of_reach = match &attempt.setup_intent {
            Some(_) => {
                self.cancel_setup(attempt, CancellationReason::Abandoned)
                    .await?
            }
            None => self.void_first_invoice(attempt, id).await?,
        };
        if !out_of_reach {
            return Ok(false);
        }
        match self.stripe.cancel_subscription(id).await {
            // Without its first invoice it has ended by itself.
            Ok(_) | Err(StripeError::Invalid { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (user, customer) = (&attempt.user, &attempt.customer);
        let ended = self.refresh_subscription(user, customer, id).await?;
        let model = ended.subscription.ok_or(MISSING)?;
        if !model.status.is_terminal() {
            return Err(FlowError::Busy);
        }
        self.end_confirming(attempt, reason).await?;
        Ok(true)
    }

    /// Annuls the first invoice, whose payment Stripe cancels with it. False when it is paid.
    async fn void_first_invoice(
        &self,
        attempt: &Attempt,
        id: &SubscriptionId,
    ) -> Result<bool, FlowError> {
        let subscription = self.stripe.retrieve_subscription(id).await?.value;
        let invoice = subscription.newest_invoice().ok_or(MISSING)?;
        let key = IdempotencyKey::new(&format!("void:{}", attempt.id))?;
        match self.stripe.void_invoice(&invoice.id, &key).await {
            Ok(_) => Ok(true),
            Err(StripeError::Invalid { .. }) => {
                let now = self.stripe.retrieve_subscription(id).await?.value;
                let status: SubscriptionStatus = now.status.as_str().to_owned().into();
                // One that was paid and ended since was not given up by its shopper.
                let paid = now.latest_invoice_status() == Some(&InvoiceStatus::Paid);
                Ok(status.is_terminal() && !paid)
            }
            Err(error) => Err(error.into()),
        }
    }
}

const MISSING: FlowError = FlowError::Mismatch {
    what: "subscription",
};

/// Whether a checkout is ended for this reason, which was noted on it before.
fn is_ended_for(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::TooManyDeclines | FailureReason::WalletMismatch
    )
}

fn subscription_of(attempt: &Attempt) -> Result<&SubscriptionId, FlowError> {
    attempt.subscription.as_ref().ok_or(MISSING)
}
