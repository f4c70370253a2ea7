//! The end of a checkout, which several callers may bring about.

use std::{ops::ControlFlow, time::Duration};

use perennial_stripe::{CancellationReason, PaidBy, SetupIntent, SetupIntentStatus};
use perennial_types::{
    Attempt, AttemptId, ConfirmBy, Confirming, Ending, FailureReason, PaymentMethodId, Phase,
    SetupIntentId, Subscription, SubscriptionId, UserId,
};

use super::{Checkouts, Outcome, Step, declines::Declined};
use crate::{FlowError, subscriptions::Subscriptions};

/// How a checkout stands, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// There is a subscription.
    Subscribed {
        /// Its read model.
        subscription: Box<Subscription>,
        /// Whether this very call wrote it down first.
        created: bool,
    },
    /// It is not decided yet.
    Pending {
        /// Seconds after which to ask again.
        retry_after: u32,
    },
    /// There is none.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

/// A wallet answers within seconds.
const ASK_AGAIN: u32 = 2;
pub(super) const PENDING: Finish = Finish::Pending {
    retry_after: ASK_AGAIN,
};
const WALLET_IS_TALKING: Duration = Duration::from_millis(800);

impl Finish {
    pub(super) fn known(subscription: Subscription) -> Self {
        Self::Subscribed {
            subscription: Box::new(subscription),
            created: false,
        }
    }
}

/// A checkout that is being finished.
struct Finishing {
    id: AttemptId,
    /// A wallet that has agreed is not asked again while this waits for another request.
    agreed: Option<PaymentMethodId>,
}

impl Finishing {
    fn new(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.clone(),
            agreed: None,
        }
    }
}

impl Checkouts<'_> {
    /// Brings a checkout as far as it goes. It may be called by anybody, at any time, any number
    /// of times; all callers get the same answer, and at most one subscription comes of it.
    pub async fn finish(&self, user: &UserId, id: &AttemptId) -> Result<Finish, FlowError> {
        let attempt = self.attempt(user, id).await?;
        self.finish_from(attempt, None).await
    }

    /// The same, from an attempt that was just read; `known` is its SetupIntent, if that was read, too.
    pub(super) async fn finish_from(
        &self,
        read: Attempt,
        known: Option<SetupIntent>,
    ) -> Result<Finish, FlowError> {
        // Boxed, because it holds all the ways to the end.
        Box::pin(self.finish_all(read, known)).await
    }

    async fn finish_all(
        &self,
        read: Attempt,
        mut known: Option<SetupIntent>,
    ) -> Result<Finish, FlowError> {
        let patience = self.cx.patience();
        let user = read.user.clone();
        // What is asked for, and above it what has to be finished first.
        let mut below = Vec::new();
        let mut finishing = Finishing::new(&read);
        let mut read = Some(read);
        loop {
            let attempt = match read.take() {
                Some(attempt) => attempt,
                None => self.attempt(&user, &finishing.id).await?,
            };
            let step = self.advance(&attempt, &mut finishing.agreed, known.take());
            match Box::pin(step).await? {
                Step::Done(finish) => {
                    let Some(waiting) = below.pop() else {
                        return Ok(finish);
                    };
                    finishing = waiting;
                    // Its slot may be left over, and is found again then.
                    let waits = matches!(finish, Finish::Pending { .. });
                    if patience.is_over() || (waits && !patience.wait().await) {
                        return Ok(PENDING);
                    }
                }
                Step::FinishFirst(other)
                    if below.iter().all(|it: &Finishing| it.id != other.id) =>
                {
                    below.push(std::mem::replace(&mut finishing, Finishing::new(&other)));
                    read = Some(*other);
                }
                Step::LookAgain if !patience.is_over() => {}
                Step::Wait | Step::FinishFirst(_) if patience.wait().await => {}
                Step::LookAgain | Step::Wait | Step::FinishFirst(_) => return Ok(PENDING),
            }
        }
    }

    /// One look at a checkout. The user's other items are read only once there is something to
    /// subscribe to.
    async fn advance(
        &self,
        attempt: &Attempt,
        agreed: &mut Option<PaymentMethodId>,
        known: Option<SetupIntent>,
    ) -> Result<Step<Finish>, FlowError> {
        let paid_by = match &attempt.phase {
            Phase::Subscribed { subscription, .. } => {
                return self.subscribed(attempt, subscription).await.map(Step::Done);
            }
            Phase::Ended { reason, .. } => {
                return Ok(Step::Done(Finish::Failed { reason: *reason }));
            }
            Phase::Confirming(open) => return self.advance_confirming(attempt, open).await,
            Phase::Creating(_) | Phase::Opened => {
                return self.without_setup_intent(attempt).await.map(Step::Done);
            }
            Phase::AwaitingSetup(id) => {
                if agreed.is_none() {
                    match self.ask_wallet(attempt, id, known).await? {
                        ControlFlow::Continue(method) => *agreed = Some(method),
                        ControlFlow::Break(finish) => return Ok(Step::Done(finish)),
                    }
                }
                agreed.as_ref().map(PaidBy::Method)
            }
            // The request is frozen, with what pays in it.
            Phase::Subscribing { .. } => None,
        };
        let items = self.cx.load_user(&attempt.user).await?;
        let step = Box::pin(self.subscribe(attempt, &items, paid_by)).await?;
        Ok(match step {
            Step::Done(Outcome::Finished(finish)) => Step::Done(finish),
            Step::Done(Outcome::Confirm { .. }) => Step::Done(PENDING),
            Step::LookAgain => Step::LookAgain,
            Step::Wait => Step::Wait,
            Step::FinishFirst(other) => Step::FinishFirst(other),
        })
    }

    async fn advance_confirming(
        &self,
        attempt: &Attempt,
        open: &Confirming,
    ) -> Result<Step<Finish>, FlowError> {
        Ok(match self.look_at_confirmation(attempt, open).await? {
            Step::Done(Outcome::Finished(finish)) => Step::Done(finish),
            Step::Done(Outcome::Confirm { subscription, .. }) => {
                Step::Done(match self.refusal(attempt, open, &subscription).await? {
                    Some(reason) => self.still_confirming(attempt, open, reason).await?,
                    None => PENDING,
                })
            }
            Step::FinishFirst(other) => Step::FinishFirst(other),
            Step::LookAgain | Step::Wait => Step::Wait,
        })
    }

    /// The subscription came first, and its shopper may confirm it again, unless that has failed too
    /// often.
    async fn still_confirming(
        &self,
        attempt: &Attempt,
        open: &Confirming,
        reason: FailureReason,
    ) -> Result<Finish, FlowError> {
        if reason == FailureReason::TooManyDeclines {
            let noted = Attempt {
                reason: Some(reason),
                ..attempt.clone()
            };
            if !self.abandon_subscription(&noted, open).await? {
                return Ok(PENDING);
            }
        }
        Ok(Finish::Failed { reason })
    }

    async fn subscribed(
        &self,
        attempt: &Attempt,
        id: &SubscriptionId,
    ) -> Result<Finish, FlowError> {
        let known = self.cx.table.subscription(&attempt.user, id).await?;
        if let Some(subscription) = known.and_then(|item| item.subscription) {
            return Ok(Finish::known(subscription.named_by(&self.cx.plans)));
        }
        let (user, customer) = (&attempt.user, &attempt.customer);
        let reading = Subscriptions::of(self.cx)
            .refresh(user, customer, id)
            .await?;
        Ok(Finish::known(reading.model))
    }

    /// Reads the SetupIntent, whose status alone counts.
    async fn ask_wallet(
        &self,
        attempt: &Attempt,
        id: &SetupIntentId,
        known: Option<SetupIntent>,
    ) -> Result<ControlFlow<Finish, PaymentMethodId>, FlowError> {
        let returned = known.is_some();
        let stripe = &self.cx.stripe;
        let intent = match known {
            // A shopper may be back before Stripe has heard from the wallet.
            Some(intent) if intent.status == SetupIntentStatus::RequiresAction => {
                tokio::time::sleep(WALLET_IS_TALKING).await;
                stripe.retrieve_setup_intent(id).await?.value
            }
            Some(intent) if intent.id == *id => intent,
            _ => stripe.retrieve_setup_intent(id).await?.value,
        };
        let is_ours = intent.customer_id() == Some(&attempt.customer);
        if !is_ours || intent.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("SetupIntent"));
        }
        let finish = match intent.status {
            SetupIntentStatus::Succeeded => {
                let method = self.method_of_setup(&intent).await?;
                if method.wallet() == attempt.wallet {
                    return Ok(ControlFlow::Continue(method.id));
                }
                self.refuse_setup(attempt, &method, intent.created).await?
            }
            SetupIntentStatus::Canceled => {
                let (ending, reason) = match attempt.reason {
                    // It was canceled here, by a request that died before it wrote that down.
                    Some(reason @ FailureReason::TooManyDeclines) => (Ending::Failed, reason),
                    _ => (Ending::Canceled, FailureReason::Canceled),
                };
                self.close(attempt, ending, reason).await?;
                Finish::Failed { reason }
            }
            _ if attempt.open_until <= self.cx.clock.now() => {
                if self.abandon(attempt, CancellationReason::Abandoned).await? {
                    let reason = FailureReason::Expired;
                    Finish::Failed { reason }
                } else {
                    PENDING
                }
            }
            SetupIntentStatus::RequiresPaymentMethod => {
                self.wallet_refused(attempt, &intent).await?
            }
            // Back from the wallet's page, which still waits: the shopper has left it. Should they
            // agree after all, in another tab, the webhook finishes the checkout.
            SetupIntentStatus::RequiresAction
                if returned || attempt.reason == Some(FailureReason::WalletAbandoned) =>
            {
                let reason = FailureReason::WalletAbandoned;
                if attempt.reason != Some(reason) {
                    self.cx.table.note_reason(attempt, reason, None).await?;
                }
                Finish::Failed { reason }
            }
            _ => PENDING,
        };
        Ok(ControlFlow::Break(finish))
    }

    /// The request that was creating its SetupIntent has died, or is still at it.
    async fn without_setup_intent(&self, attempt: &Attempt) -> Result<Finish, FlowError> {
        if attempt.open_until > self.cx.clock.now() {
            return Ok(PENDING);
        }
        self.abandon(attempt, CancellationReason::Abandoned).await?;
        Ok(Finish::Failed {
            reason: FailureReason::Expired,
        })
    }

    async fn wallet_refused(
        &self,
        attempt: &Attempt,
        intent: &SetupIntent,
    ) -> Result<Finish, FlowError> {
        let Some(error) = &intent.last_setup_error else {
            // The page has not confirmed yet.
            return Ok(PENDING);
        };
        let reason = match error.code.as_deref() {
            Some("setup_intent_setup_attempt_expired" | "payment_method_provider_timeout") => {
                FailureReason::WalletAbandoned
            }
            _ => FailureReason::WalletDeclined,
        };
        let declined = Declined::Setup(intent);
        let counted = self.count_declines(attempt, reason, declined).await?;
        match attempt.confirm {
            ConfirmBy::Client if counted == FailureReason::TooManyDeclines => {
                return self.end_declined_setup(attempt, intent).await;
            }
            // The page may confirm the same SetupIntent again.
            ConfirmBy::Client => {}
            // This server's consent is spent; the next click opens another attempt.
            ConfirmBy::Server => {
                self.close(attempt, Ending::Failed, reason).await?;
            }
        }
        Ok(Finish::Failed { reason })
    }
}
