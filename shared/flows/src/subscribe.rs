//! One subscription for an attempt that the wallet has agreed to.

use perennial_store::{Awaited, ClaimedStep, Completed, FIRST_FENCE, TakeSlot, UserItems};
use perennial_stripe::{CreateSubscription, Failure, IdempotencyKey, PaidBy, StripeError};
use perennial_types::{
    Attempt, AttemptId, AttemptState, Claim, CustomerId, FailureReason, First, FrozenRequest,
    PaymentMethodId, SoldAs, Subscription, Trials,
};

use crate::{
    Finish, FlowError, Flows,
    outgoing::{Reading, about_subscription, checkout_failed},
    read_model::{attempt_of, read_model},
    right_to_subscribe::Right,
    step::Sent,
};

/// What a finisher does next.
pub(crate) enum Step {
    /// It is decided.
    Answer(Finish),
    /// Something has changed since the items were read.
    LookAgain,
    /// Somebody else is at it.
    Wait,
    /// The subscription came first, and waits for its shopper.
    Confirm {
        /// The attempt, as it is now.
        attempt: Box<Attempt>,
        /// With what they confirm.
        subscription: Box<perennial_stripe::Subscription>,
    },
}

/// After an answer that never came, Stripe may still be at work.
const AFTER_UNKNOWN: u32 = 5;
/// After a stored failure, nothing changes before Stripe forgets the key.
const AFTER_STORED_FAILURE: u32 = 60;

impl Flows {
    /// Takes the slot, freezes the request and sends it.
    pub(crate) async fn subscribe(
        &self,
        attempt: &Attempt,
        items: &UserItems,
        payment_method: Option<PaymentMethodId>,
    ) -> Result<Step, FlowError> {
        // The slot is that of the group which the plan is in today. Once it is taken, it stays.
        let mut attempt = attempt.clone();
        if attempt.state == AttemptState::Issued {
            attempt.group = self.group_of(&attempt);
        }
        let attempt = &attempt;
        match self.right_to_subscribe(attempt, items).await? {
            Right::Free => {}
            Right::Step(step) => return Ok(step),
        }
        // What is frozen may have been sent, so only the answer counts.
        let trials = match attempt.subscription_request {
            Some(_) => Trials::Always,
            None => self.trials,
        };
        let mut had = items.trials(&attempt.group);
        if trials == Trials::Once && attempt.trial_days > 0 && had.any(|id| *id != attempt.id) {
            return self.trial_used(attempt).await;
        }
        let slot = items.slot(&attempt.group);
        let mut claim = self.claim(None);
        claim.frozen_at = attempt.frozen_at.unwrap_or(claim.frozen_at);
        claim.request = Some(match (&attempt.subscription_request, payment_method) {
            (Some(frozen), _) => frozen.clone(),
            (None, Some(method)) => freeze(attempt, PaidBy::Method(&method))?,
            (None, None) if attempt.first == First::Subscription => {
                freeze(attempt, PaidBy::Shopper(attempt.wallet))?
            }
            (None, None) => {
                return Err(FlowError::Mismatch {
                    what: "frozen request",
                });
            }
        });
        let taken = match slot {
            // Its last finisher has died, with the request frozen and the free trial noted.
            Some(slot) if slot.attempt == attempt.id => {
                let step = ClaimedStep::Subscription(attempt);
                self.table
                    .take_over(step, &slot.lease(), &claim.lease())
                    .await?
            }
            _ => {
                let take = TakeSlot {
                    attempt,
                    seen: slot,
                    claim: &claim,
                    trials,
                };
                self.table.take_slot(take).await?
            }
        };
        if taken {
            self.send(attempt, &claim).await
        } else {
            Ok(Step::Wait)
        }
    }

    /// Ends an attempt whose free trial another one has had since it began. Its shopper has not agreed
    /// to be charged at once.
    async fn trial_used(&self, attempt: &Attempt) -> Result<Step, FlowError> {
        let reason = FailureReason::TrialUsed;
        let closed = self.close(attempt, AttemptState::Failed, reason).await?;
        Ok(if closed {
            Step::Answer(Finish::Failed { reason })
        } else {
            Step::LookAgain
        })
    }

    async fn send(&self, attempt: &Attempt, claim: &Claim) -> Result<Step, FlowError> {
        let step = ClaimedStep::Subscription(attempt);
        let find = || Box::pin(self.find_subscription(&attempt.customer, &attempt.id));
        if attempt.first == First::Subscription && self.key_is_forgotten(claim.frozen_at) {
            return match find().await? {
                Some(found) => self.adopt(attempt, found).await,
                // Its shopper went away a day ago, so there is nobody to confirm another.
                None => self.fail(attempt, FailureReason::Expired).await,
            };
        }
        let sent = self.send_claimed(
            step,
            claim,
            |request| Box::pin(self.stripe.create_subscription(request)),
            || find(),
        );
        match sent.await? {
            Sent::Made(reply) => self.adopt(attempt, reply.value).await,
            Sent::Found(found) => self.adopt(attempt, found).await,
            Sent::Refused(error) => self.refused_to_subscribe(attempt, &error).await,
            Sent::Spent(_) => {
                self.release(step, claim).await?;
                Ok(Step::Answer(Finish::Pending {
                    retry_after: AFTER_STORED_FAILURE,
                }))
            }
            Sent::Released(error) if error.failure() == Failure::Unknown => {
                Ok(Step::Answer(Finish::Pending {
                    retry_after: AFTER_UNKNOWN,
                }))
            }
            Sent::Released(error) => Err(error.into()),
        }
    }

    async fn refused_to_subscribe(
        &self,
        attempt: &Attempt,
        error: &StripeError,
    ) -> Result<Step, FlowError> {
        let reason = why_refused(error);
        match reason {
            // Deleted at Stripe: the next click creates another one.
            FailureReason::Canceled => {
                let (user, customer) = (&attempt.user, &attempt.customer);
                self.table.forget_customer(user, customer).await?;
            }
            FailureReason::PaymentDeclined => {}
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

    async fn fail(&self, attempt: &Attempt, reason: FailureReason) -> Result<Step, FlowError> {
        let told = checkout_failed(attempt, reason, self.clock.now());
        let now = self.clock.now();
        if self
            .table
            .fail_subscribing(attempt, reason, &told, now)
            .await?
        {
            Ok(Step::Answer(Finish::Failed { reason }))
        } else {
            Ok(Step::LookAgain)
        }
    }

    /// Writes down the subscription that Stripe says there is.
    async fn adopt(
        &self,
        attempt: &Attempt,
        subscription: perennial_stripe::Subscription,
    ) -> Result<Step, FlowError> {
        let ours = attempt_of(&subscription).as_ref() == Some(&attempt.id);
        if !ours || *subscription.customer_id() != attempt.customer {
            return Err(FlowError::Mismatch {
                what: "subscription",
            });
        }
        // What is not written on it, since its request is an older version's, is known all the same.
        let sold = SoldAs {
            plan: attempt.plan.clone(),
            price: Some(attempt.price.clone()),
        };
        let plans = self.plans_for(&subscription).await;
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
            user: &attempt.user,
            old: None,
            new: &model,
            // It is paid, or its trial was confirmed before: Stripe leaves no subscription behind whose
            // first payment it refuses.
            began: true,
            fence: FIRST_FENCE,
        };
        let told = about_subscription(&reading, self.clock.now());
        match self.table.complete(attempt, &model, &told).await? {
            Completed::Done => Ok(Step::Answer(Finish::Subscribed {
                subscription: Box::new(model),
                created: true,
            })),
            Completed::ReadElsewhere => {
                let (user, customer) = (&attempt.user, &attempt.customer);
                let item = self.refresh_subscription(user, customer, &model.id).await?;
                Ok(Step::Answer(Finish::known(
                    item.subscription.unwrap_or(model),
                )))
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
    ) -> Result<Step, FlowError> {
        let subscription = match awaited(&subscription) {
            Some(_) => subscription,
            // A list does not hold it.
            None => {
                self.stripe
                    .retrieve_subscription(&subscription.id)
                    .await?
                    .value
            }
        };
        let missing = FlowError::Mismatch {
            what: "subscription's client secret",
        };
        let awaited = awaited(&subscription).ok_or(missing)?;
        if self.table.await_shopper(attempt, model, &awaited).await? == Completed::Lost {
            return Ok(Step::LookAgain);
        }
        let mut attempt = Attempt {
            state: AttemptState::Confirming,
            subscription: Some(subscription.id.clone()),
            ..attempt.clone()
        };
        match awaited {
            Awaited::Setup(id) => attempt.setup_intent = Some(id),
            Awaited::Payment(id) => attempt.payment_intent = Some(id),
        }
        Ok(Step::Confirm {
            attempt: Box::new(attempt),
            subscription: Box::new(subscription),
        })
    }

    /// Looks for the attempt's subscription among all of the customer's, by listing them.
    pub(crate) async fn find_subscription(
        &self,
        customer: &CustomerId,
        attempt: &AttemptId,
    ) -> Result<Option<perennial_stripe::Subscription>, FlowError> {
        let mut after = None;
        loop {
            let page = self
                .stripe
                .list_subscriptions(customer, after.as_ref())
                .await?
                .value;
            after = page.data.last().map(|subscription| subscription.id.clone());
            let more = page.has_more;
            let found = page
                .data
                .into_iter()
                .find(|subscription| attempt_of(subscription).as_ref() == Some(attempt));
            if found.is_some() || !more || after.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Why Stripe refuses a request that it would refuse again.
fn why_refused(error: &StripeError) -> FailureReason {
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
        // Stripe names neither a code nor a parameter when a customer pays in another currency.
        _ if message
            .as_deref()
            .is_some_and(|text| text.contains("combine currencies")) =>
        {
            FailureReason::PlanNotAvailable
        }
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
    Ok(CreateSubscription {
        customer: &attempt.customer,
        price: &attempt.price,
        paid_by,
        trial_days: attempt.trial_days,
        attempt: attempt.id.as_str(),
        user: attempt.user.as_str(),
        plan: attempt.plan.as_str(),
        wallet: attempt.wallet.as_str(),
    }
    .freeze(IdempotencyKey::new(&format!("sub:{}", attempt.id))?))
}
