//! A subscription that came first: its shopper confirms it, or it ends.
//!
//! Until then it is `incomplete` at Stripe, or in a trial that nobody has confirmed
//! (<https://docs.stripe.com/billing/subscriptions/overview>). What the shopper could still confirm
//! is taken away before the subscription is, so that Stripe decides who was first.

use perennial_stripe::{
    CancellationReason, IdempotencyKey, PaymentIntentStatus, SetupIntentStatus, StripeError,
};
use perennial_types::{
    Attempt, AttemptState, FailureReason, Subscription, SubscriptionId, SubscriptionStatus,
};

use crate::{Finish, FlowError, Flows, outgoing::checkout_failed};

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
        if read.payment_method_id().is_none() && self.save_method(attempt, &read.id).await? {
            let (user, customer) = (&attempt.user, &attempt.customer);
            let item = self.refresh_subscription(user, customer, &read.id).await?;
            model = item.subscription.unwrap_or(model);
        }
        if self.table.confirm(attempt).await? {
            return Ok(Confirming::Answer(Finish::Subscribed {
                subscription: Box::new(model),
                created: true,
            }));
        }
        Ok(Confirming::LookAgain)
    }

    /// Stripe is asked to save the method on the subscription when it is confirmed. A subscription
    /// without one would end with its period, so this makes sure of it.
    async fn save_method(
        &self,
        attempt: &Attempt,
        subscription: &SubscriptionId,
    ) -> Result<bool, FlowError> {
        let method = match (&attempt.payment_intent, &attempt.setup_intent) {
            (Some(id), _) => {
                let intent = self.stripe.read_payment(id).await?.value;
                intent.payment_method_id().cloned()
            }
            (None, Some(id)) => {
                let intent = self.stripe.retrieve_setup_intent(id).await?.value;
                intent.payment_method_id().cloned()
            }
            (None, None) => None,
        };
        let Some(method) = method else {
            return Ok(false);
        };
        let key = IdempotencyKey::new(&format!("pays:{}", attempt.id))?;
        self.stripe
            .set_default_payment_method(subscription, &method, &key)
            .await?;
        Ok(true)
    }

    /// Why the shopper's last try failed, if it did.
    pub(crate) async fn refusal(
        &self,
        attempt: &Attempt,
        read: &perennial_stripe::Subscription,
    ) -> Result<Option<FailureReason>, FlowError> {
        if let Some(setup) = read.pending_setup() {
            let refused = setup.status == SetupIntentStatus::RequiresPaymentMethod
                && setup.last_setup_error.is_some();
            return Ok(refused.then_some(FailureReason::WalletDeclined));
        }
        let Some(id) = &attempt.payment_intent else {
            return Ok(None);
        };
        let payment = self.stripe.read_payment(id).await?.value;
        let refused = payment.status == PaymentIntentStatus::RequiresPaymentMethod
            && payment.last_payment_error.is_some();
        Ok(refused.then_some(FailureReason::PaymentDeclined))
    }

    /// Stripe lets an unpaid subscription expire by itself, and cancels one if somebody says so.
    fn why_it_ended(&self, attempt: &Attempt, model: &Subscription) -> FailureReason {
        let by_itself = model.status == SubscriptionStatus::IncompleteExpired
            && attempt.reason != Some(FailureReason::Canceled);
        if by_itself || attempt.open_until <= self.clock.now() {
            FailureReason::Expired
        } else {
            FailureReason::Canceled
        }
    }

    async fn end_confirming(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
    ) -> Result<Confirming, FlowError> {
        let (state, told) = match reason {
            FailureReason::Expired => {
                let told = checkout_failed(attempt, reason, self.clock.now());
                (AttemptState::Expired, Some(told))
            }
            _ => (AttemptState::Canceled, None),
        };
        let ended = self
            .table
            .end_confirming(attempt, state, reason, told.as_ref())
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
        let reason = if attempt.open_until <= self.clock.now() {
            FailureReason::Expired
        } else {
            // Noted first, for whoever hears of the end from Stripe, or goes on after this one died.
            let reason = FailureReason::Canceled;
            self.table.note_reason(attempt, reason).await?;
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
                Ok(status.is_terminal())
            }
            Err(error) => Err(error.into()),
        }
    }
}

const MISSING: FlowError = FlowError::Mismatch {
    what: "subscription",
};

fn subscription_of(attempt: &Attempt) -> Result<&SubscriptionId, FlowError> {
    attempt.subscription.as_ref().ok_or(MISSING)
}
