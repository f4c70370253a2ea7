//! One subscription for an attempt that the wallet has agreed to.

use std::ops::ControlFlow;

use perennial_store::{ClaimedStep, Completed, FIRST_FENCE, TakeSlot, UserItems};
use perennial_stripe::{
    CreateSubscription, Failure, IdempotencyKey, PaidBy, StripeError, metadata,
};
use perennial_types::{
    Attempt, AttemptId, Awaited, Claim, Confirming, CustomerId, Ending, FailureReason, First,
    FrozenRequest, Phase, SoldAs, Subscription, Trials, Wallet,
};

use super::{Checkouts, Finish, Outcome, Step};
use crate::{
    FlowError,
    claimed_step::Sent,
    codes, first_period, listed,
    shop_events::{Reading, about_subscription, checkout_failed},
    subscriptions::{Subscriptions, attempt_of, read_model},
    tax,
};

/// After an answer that never came, Stripe may still be at work.
const AFTER_UNKNOWN: u32 = 5;
/// After a stored failure, nothing changes before Stripe forgets the key.
const AFTER_STORED_FAILURE: u32 = 60;

/// For so long an agreement to be charged without confirming anything holds.
const STILL_MEANT_SECONDS: i64 = 30 * 60;

impl Checkouts<'_> {
    /// Takes the slot, freezes the request and sends it; with taxes, while nobody moves the customer.
    /// `paid_by` counts until the request is frozen, and may be missing from then on.
    pub(super) async fn subscribe(
        &self,
        attempt: &Attempt,
        items: &UserItems,
        paid_by: Option<PaidBy<'_>>,
    ) -> Result<Step<Outcome>, FlowError> {
        if attempt.tax.is_none() {
            return self.subscribe_for(attempt, items, paid_by).await;
        }
        let Some(turn) = self.cx.take_tax_turn(&attempt.user).await? else {
            return Ok(Step::Wait);
        };
        let step = Box::pin(self.subscribe_for(attempt, items, paid_by)).await;
        self.cx.end_tax_turn(&attempt.user, &turn).await;
        step
    }

    async fn subscribe_for(
        &self,
        attempt: &Attempt,
        items: &UserItems,
        paid_by: Option<PaidBy<'_>>,
    ) -> Result<Step<Outcome>, FlowError> {
        // The slot is that of the group which the plan is in today. Once it is taken, it stays.
        let mut attempt = attempt.clone();
        if attempt.is_issued() {
            attempt.group = Subscriptions::of(self.cx).group_of(&attempt);
        }
        let attempt = &attempt;
        if let ControlFlow::Break(step) = Box::pin(self.slot_access(attempt, items)).await? {
            return Ok(step);
        }
        let lease = self.cx.lease();
        let (trials, claim) = if let Phase::Subscribing {
            request, frozen_at, ..
        } = &attempt.phase
        {
            // What is frozen may have been sent, so only the answer counts.
            let (frozen_at, request) = (*frozen_at, request.clone());
            let claim = Claim {
                lease,
                frozen_at,
                request,
            };
            (Trials::Always, claim)
        } else {
            let paid_by = paid_by.ok_or(FlowError::ItemLacks("what pays for a checkout"))?;
            (self.cx.trials, self.cx.claim(freeze(attempt, paid_by)?))
        };
        let mut had = items.trials(&attempt.group);
        // Nothing was sent for it yet.
        if let Some(agreed) = attempt.discount.as_ref().filter(|_| attempt.is_issued())
            && !Box::pin(codes::still_holds(&self.cx.stripe, attempt, agreed)).await?
        {
            return self.end_unsent(attempt, FailureReason::CodeRefused).await;
        }
        if let Some(step) =
            Box::pin(self.tax_moved(attempt, items.slot(&attempt.group), &claim)).await?
        {
            return Ok(step);
        }
        if trials == Trials::Once && attempt.trial_days > 0 && had.any(|id| *id != attempt.id) {
            return self.end_unsent(attempt, FailureReason::TrialUsed).await;
        }
        let slot = items.slot(&attempt.group);
        let taken = match slot {
            // Its last finisher has died, with the request frozen and the free trial noted.
            Some(slot) if slot.attempt == attempt.id && slot.subscription.is_none() => {
                let step = ClaimedStep::Subscription(attempt);
                self.cx
                    .table
                    .take_over(step, &slot.lease(), &claim.lease)
                    .await?
            }
            _ => {
                let take = TakeSlot {
                    attempt,
                    seen: slot,
                    claim: &claim,
                    trials,
                };
                self.cx.table.take_slot(take).await?
            }
        };
        if taken {
            self.send(attempt, &claim).await
        } else {
            Ok(Step::Wait)
        }
    }

    /// Ends an attempt whose free trial another one has had since it began, whose promotion code has ended or whose
    /// taxes have changed. Its shopper has not agreed to be charged at once, or that.
    pub(super) async fn end_unsent(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
    ) -> Result<Step<Outcome>, FlowError> {
        let closed = self.close(attempt, Ending::Failed, reason).await?;
        Ok(if closed {
            Step::failed(reason)
        } else {
            Step::LookAgain
        })
    }

    async fn send(&self, attempt: &Attempt, claim: &Claim) -> Result<Step<Outcome>, FlowError> {
        let step = ClaimedStep::Subscription(attempt);
        let find = || Box::pin(self.find_subscription(&attempt.customer, &attempt.id));
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        // A saved method is charged without its shopper, who was shown an amount that may be another by then; and a
        // trial without a method begins when its shopper is there.
        let asks_nobody = matches!(attempt.wallet, Some(Wallet::AmazonPay) | None);
        let is_over = asks_nobody && age > STILL_MEANT_SECONDS;
        if attempt.first == First::Subscription
            && (is_over || self.cx.key_is_forgotten(claim.frozen_at))
        {
            return match find().await? {
                Some(found) => self.adopt(attempt, found).await,
                // Its shopper went away long ago, and would have to confirm another.
                None => self.fail(attempt, FailureReason::Expired).await,
            };
        }
        let sent = self.cx.send_claimed(
            step,
            claim,
            |request| Box::pin(self.cx.stripe.create_subscription(request)),
            || find(),
        );
        match sent.await? {
            Sent::Made(reply) => self.adopt(attempt, reply.value).await,
            Sent::Found(found) => self.adopt(attempt, found).await,
            Sent::Refused(error) => self.refused_to_subscribe(attempt, &error).await,
            Sent::Spent(_) => {
                self.cx.release(step, claim).await?;
                Ok(pending(AFTER_STORED_FAILURE))
            }
            Sent::Released(error) if error.failure() == Failure::Unknown => {
                Ok(pending(AFTER_UNKNOWN))
            }
            Sent::Released(error) => Err(error.into()),
        }
    }

    async fn refused_to_subscribe(
        &self,
        attempt: &Attempt,
        error: &StripeError,
    ) -> Result<Step<Outcome>, FlowError> {
        let reason = why_refused(attempt, error);
        match reason {
            // Deleted at Stripe: the next click creates another one.
            FailureReason::Canceled => {
                let (user, customer) = (&attempt.user, &attempt.customer);
                self.cx.table.forget_customer(user, customer).await?;
            }
            FailureReason::PaymentDeclined => {}
            FailureReason::TaxChanged => tracing::warn!(
                attempt = %attempt.id,
                code = error.code(),
                "Stripe does not recognize the customer's address"
            ),
            FailureReason::CodeRefused => tracing::warn!(
                attempt = %attempt.id,
                code = error.code(),
                "Stripe does not take the promotion code"
            ),
            _ => tracing::error!(
                attempt = %attempt.id,
                plan = %attempt.plan,
                price = %attempt.price,
                error = %error,
                "Stripe does not sell this plan"
            ),
        }
        self.fail(attempt, reason).await
    }

    pub(super) async fn fail(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
    ) -> Result<Step<Outcome>, FlowError> {
        let now = self.cx.clock.now();
        let told = checkout_failed(attempt, reason, now);
        if self
            .cx
            .table
            .fail_subscribing(attempt, reason, &told, now)
            .await?
        {
            Ok(Step::failed(reason))
        } else {
            Ok(Step::LookAgain)
        }
    }

    /// Writes down the subscription that Stripe says there is.
    pub(super) async fn adopt(
        &self,
        attempt: &Attempt,
        subscription: perennial_stripe::Subscription,
    ) -> Result<Step<Outcome>, FlowError> {
        let ours = attempt_of(&subscription).as_ref() == Some(&attempt.id);
        if !ours || *subscription.customer_id() != attempt.customer {
            return Err(FlowError::ForeignObject("subscription"));
        }
        // What is not written on it, since its request is an older version's, is known all the same.
        let sold = SoldAs {
            plan: attempt.plan.clone(),
            price: Some(attempt.price.clone()),
        };
        let plans = Subscriptions::of(self.cx).plans_for(&subscription).await;
        let model = read_model(&plans, &subscription, None, Some(sold));
        if attempt.first == First::Subscription {
            if model.status.is_terminal() {
                return self.fail(attempt, FailureReason::Expired).await;
            }
            if model.awaits_shopper() {
                return self.await_shopper(attempt, &model, subscription).await;
            }
        }
        let reading = Reading {
            given_back: None,
            next_charge: None,
            user: &attempt.user,
            old: None,
            new: &model,
            // It is paid, or its trial was confirmed before: Stripe leaves no subscription behind whose
            // first payment it refuses.
            began: true,
            fence: FIRST_FENCE,
        };
        let told = about_subscription(&reading, self.cx.clock.now());
        let now = self.cx.clock.now();
        let remind_at = Subscriptions::of(self.cx).remind_at(&subscription, &model, now);
        let written = (&model, remind_at);
        match self.cx.table.complete(attempt, written, &told).await? {
            Completed::Done => Ok(Step::Done(Outcome::Finished(Finish::Subscribed {
                subscription: Box::new(model),
                created: true,
            }))),
            Completed::ReadElsewhere => {
                let (user, customer) = (&attempt.user, &attempt.customer);
                let subscriptions = Subscriptions::of(self.cx);
                let reading = subscriptions.refresh(user, customer, &model.id).await?;
                Ok(Step::Done(Outcome::Finished(Finish::known(reading.model))))
            }
            Completed::Lost => Ok(Step::LookAgain),
        }
    }

    /// Writes down a subscription that came first, and what its shopper has to confirm.
    async fn await_shopper(
        &self,
        attempt: &Attempt,
        model: &Subscription,
        subscription: perennial_stripe::Subscription,
    ) -> Result<Step<Outcome>, FlowError> {
        let subscription = match awaited(&subscription) {
            Some(_) => subscription,
            // A list does not hold it.
            None => {
                self.cx
                    .stripe
                    .retrieve_subscription(&subscription.id)
                    .await?
                    .value
            }
        };
        let lacking = FlowError::AnswerLacks("what the shopper confirms of a subscription");
        let awaited = awaited(&subscription).ok_or(lacking)?;
        if self
            .cx
            .table
            .await_shopper(attempt, model, &awaited)
            .await?
            == Completed::Lost
        {
            return Ok(Step::LookAgain);
        }
        let confirming = Confirming {
            subscription: subscription.id.clone(),
            awaited,
        };
        Ok(Step::Done(Outcome::Confirm {
            attempt: Box::new(Attempt {
                phase: Phase::Confirming(confirming),
                ..attempt.clone()
            }),
            subscription: Box::new(subscription),
        }))
    }

    /// Looks for the attempt's subscription among all of the customer's, by listing them.
    pub(super) async fn find_subscription(
        &self,
        customer: &CustomerId,
        attempt: &AttemptId,
    ) -> Result<Option<perennial_stripe::Subscription>, FlowError> {
        let found = listed::find(
            |after| async move {
                let stripe = &self.cx.stripe;
                stripe.list_subscriptions(customer, after.as_ref()).await
            },
            |subscription| attempt_of(subscription).as_ref() == Some(attempt),
            |last| Some(last.id.clone()),
        );
        Ok(found.await?)
    }
}

/// Stripe may still be at work on what was sent.
pub(super) fn look_again_later() -> Step<Outcome> {
    pending(AFTER_UNKNOWN)
}

fn pending(retry_after: u32) -> Step<Outcome> {
    Step::Done(Outcome::Finished(Finish::Pending { retry_after }))
}

/// Why Stripe refuses a request that it would refuse again.
fn why_refused(attempt: &Attempt, error: &StripeError) -> FailureReason {
    if attempt.tax.is_some() && tax::is_about_place(error) {
        return FailureReason::TaxChanged;
    }
    let (code, param, message) = match error {
        StripeError::Invalid {
            code,
            param,
            message,
            ..
        } => (code, param, message),
        StripeError::Declined { .. } => return FailureReason::PaymentDeclined,
        _ => return FailureReason::Rejected,
    };
    match param.as_deref() {
        Some("customer") if code.as_deref() == Some("resource_missing") => FailureReason::Canceled,
        // The shopper has taken the method away since the wallet agreed, in Stripe's portal for one.
        Some("default_payment_method") => FailureReason::PaymentDeclined,
        Some(param) if param.starts_with("items") => FailureReason::PlanNotAvailable,
        param if codes::is_about_discounts(param) => FailureReason::CodeRefused,
        // Stripe names neither a code nor a parameter when a customer pays in another currency.
        _ if message
            .as_deref()
            .is_some_and(|text| text.contains("combine currencies")) =>
        {
            FailureReason::PlanNotAvailable
        }
        // Some of what Stripe has against a code it says in a sentence alone. The shopper may go on without it.
        _ if attempt.discount.is_some() => FailureReason::CodeRefused,
        _ => FailureReason::Rejected,
    }
}

/// What the shopper has to confirm: the payment method of a trial, or the first payment.
fn awaited(subscription: &perennial_stripe::Subscription) -> Option<Awaited> {
    if let Some(id) = subscription.pending_setup_intent_id() {
        return Some(Awaited::Setup(id.clone()));
    }
    let secret = subscription
        .newest_invoice()?
        .confirmation_secret
        .as_ref()?;
    secret.payment_intent().map(Awaited::Payment)
}

fn freeze(attempt: &Attempt, paid_by: PaidBy<'_>) -> Result<FrozenRequest, FlowError> {
    let items = first_period::items_of(&attempt.price, attempt.quantity, &attempt.addons);
    Ok(CreateSubscription {
        customer: &attempt.customer,
        price: &attempt.price,
        quantity: attempt.quantity,
        others: items.get(1..).unwrap_or_default(),
        promotion_code: attempt.discount.as_ref().map(|it| &it.promotion_code),
        automatic_tax: attempt.tax.is_some(),
        paid_by,
        trial_days: attempt.trial_days,
        attempt: attempt.id.as_str(),
        user: attempt.user.as_str(),
        plan: attempt.plan.as_str(),
        wallet: attempt.wallet.map_or(metadata::NO_WALLET, Wallet::as_str),
    }
    .freeze(IdempotencyKey::new(&format!("sub:{}", attempt.id))?))
}
