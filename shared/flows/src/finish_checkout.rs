//! The end of a checkout, which several callers may bring about.

use std::time::Duration;

use perennial_stripe::{CancellationReason, SetupIntent, SetupIntentStatus};
use perennial_types::{
    Attempt, AttemptId, AttemptState, ConfirmBy, FailureReason, Subscription, UserId,
};

use crate::{FlowError, Flows, confirming::Confirming, declines::Declined, subscribe::Step};

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
pub(crate) const PENDING: Finish = Finish::Pending {
    retry_after: ASK_AGAIN,
};
const WALLET_IS_TALKING: Duration = Duration::from_millis(800);

impl Finish {
    pub(crate) fn known(subscription: Subscription) -> Self {
        Self::Subscribed {
            subscription: Box::new(subscription),
            created: false,
        }
    }
}

impl Flows {
    /// Brings a checkout as far as it goes. It may be called by anybody, at any time, any number
    /// of times; all callers get the same answer, and at most one subscription comes of it.
    pub async fn finish_checkout(
        &self,
        user: &UserId,
        attempt: &AttemptId,
    ) -> Result<Finish, FlowError> {
        Box::pin(self.finish(user, attempt, None)).await
    }

    pub(crate) async fn attempt(
        &self,
        user: &UserId,
        id: &AttemptId,
    ) -> Result<Attempt, FlowError> {
        let attempt = self.table.attempt(user, id).await?;
        attempt.ok_or(FlowError::UnknownCheckout)
    }

    pub(crate) async fn finish(
        &self,
        user: &UserId,
        id: &AttemptId,
        known: Option<SetupIntent>,
    ) -> Result<Finish, FlowError> {
        let attempt = self.attempt(user, id).await?;
        // Boxed, because it holds all the ways to the end.
        Box::pin(self.finish_from(attempt, known)).await
    }

    /// The same, from an attempt that was just read. The user's other items are read only once there
    /// is something to subscribe to.
    pub(crate) async fn finish_from(
        &self,
        read: Attempt,
        mut known: Option<SetupIntent>,
    ) -> Result<Finish, FlowError> {
        let patience = self.patience();
        // A wallet that has agreed is not asked again while this waits for another finisher.
        let mut agreed = None;
        let (user, id) = (read.user.clone(), read.id.clone());
        let mut read = Some(read);
        loop {
            let attempt = &match read.take() {
                Some(attempt) => attempt,
                None => self.attempt(&user, &id).await?,
            };
            let payment_method = match attempt.state {
                AttemptState::Subscribed => return self.subscribed(attempt).await,
                AttemptState::Failed | AttemptState::Canceled | AttemptState::Expired => {
                    let reason = attempt.reason.unwrap_or(FailureReason::Canceled);
                    return Ok(Finish::Failed { reason });
                }
                AttemptState::Confirming => match self.look_at_confirmation(attempt).await? {
                    Confirming::Answer(finish) => return Ok(finish),
                    Confirming::Waiting(subscription) => {
                        let Some(reason) = self.refusal(attempt, &subscription).await? else {
                            return Ok(PENDING);
                        };
                        return self.still_confirming(attempt, reason).await;
                    }
                    Confirming::LookAgain if patience.wait().await => continue,
                    Confirming::LookAgain => return Ok(PENDING),
                },
                // The request is frozen, with the payment method in it.
                AttemptState::Subscribing => None,
                AttemptState::Issued if agreed.is_some() => agreed.clone(),
                AttemptState::Issued => match self.ask_wallet(attempt, known.take()).await? {
                    Wallet::Agreed(payment_method) => agreed.insert(payment_method).clone().into(),
                    Wallet::Answer(finish) => return Ok(finish),
                },
            };
            let items = self.load_user(&user).await?;
            match Box::pin(self.subscribe(attempt, &items, payment_method)).await? {
                Step::Answer(finish) => return Ok(finish),
                Step::LookAgain if !patience.is_over() => {}
                Step::Wait if patience.wait().await => {}
                Step::Confirm { .. } | Step::LookAgain | Step::Wait => return Ok(PENDING),
            }
        }
    }

    /// The subscription came first, and its shopper may confirm it again, unless that has failed too
    /// often.
    async fn still_confirming(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
    ) -> Result<Finish, FlowError> {
        if reason == FailureReason::TooManyDeclines {
            let noted = Attempt {
                reason: Some(reason),
                ..attempt.clone()
            };
            if !self.abandon_subscription(&noted).await? {
                return Ok(PENDING);
            }
        }
        Ok(Finish::Failed { reason })
    }

    async fn subscribed(&self, attempt: &Attempt) -> Result<Finish, FlowError> {
        let missing = FlowError::Mismatch {
            what: "subscription",
        };
        let id = attempt.subscription.as_ref().ok_or(missing)?;
        let known = self.table.subscription(&attempt.user, id).await?;
        if let Some(subscription) = known.and_then(|item| item.subscription) {
            return Ok(Finish::known(subscription.named_by(&self.plans)));
        }
        let item = self
            .refresh_subscription(&attempt.user, &attempt.customer, id)
            .await?;
        let missing = FlowError::Mismatch {
            what: "subscription",
        };
        Ok(Finish::known(item.subscription.ok_or(missing)?))
    }

    /// Reads the SetupIntent, whose status alone counts.
    async fn ask_wallet(
        &self,
        attempt: &Attempt,
        known: Option<SetupIntent>,
    ) -> Result<Wallet, FlowError> {
        let Some(id) = &attempt.setup_intent else {
            return self.without_setup_intent(attempt).await.map(Wallet::Answer);
        };
        let returned = known.is_some();
        let intent = match known {
            // A shopper may be back before Stripe has heard from the wallet.
            Some(intent) if intent.status == SetupIntentStatus::RequiresAction => {
                tokio::time::sleep(WALLET_IS_TALKING).await;
                self.stripe.retrieve_setup_intent(id).await?.value
            }
            Some(intent) if intent.id == *id => intent,
            _ => self.stripe.retrieve_setup_intent(id).await?.value,
        };
        if intent.customer_id() != Some(&attempt.customer) {
            return Err(FlowError::Mismatch {
                what: "SetupIntent's customer",
            });
        }
        if intent.livemode != self.livemode {
            return Err(FlowError::Mismatch {
                what: "SetupIntent's mode",
            });
        }
        match intent.status {
            SetupIntentStatus::Succeeded => {
                let method = self.method_of_setup(&intent).await?;
                if method.wallet() == Some(attempt.wallet) {
                    return Ok(Wallet::Agreed(method.id));
                }
                self.refuse_setup(attempt, &method, intent.created)
                    .await
                    .map(Wallet::Answer)
            }
            SetupIntentStatus::Canceled => {
                let (state, reason) = match attempt.reason {
                    // It was canceled here, by somebody who died before they wrote it down.
                    Some(reason @ FailureReason::TooManyDeclines) => (AttemptState::Failed, reason),
                    _ => (AttemptState::Canceled, FailureReason::Canceled),
                };
                self.close(attempt, state, reason).await?;
                Ok(Wallet::Answer(Finish::Failed { reason }))
            }
            _ if attempt.open_until <= self.clock.now() => {
                if self.abandon(attempt, CancellationReason::Abandoned).await? {
                    let reason = FailureReason::Expired;
                    return Ok(Wallet::Answer(Finish::Failed { reason }));
                }
                Ok(Wallet::Answer(PENDING))
            }
            SetupIntentStatus::RequiresPaymentMethod => self
                .wallet_refused(attempt, &intent)
                .await
                .map(Wallet::Answer),
            // Back from the wallet's page, which still waits: the shopper has left it. Should they
            // agree after all, in another tab, the webhook finishes the checkout.
            SetupIntentStatus::RequiresAction
                if returned || attempt.reason == Some(FailureReason::WalletAbandoned) =>
            {
                let reason = FailureReason::WalletAbandoned;
                if attempt.reason != Some(reason) {
                    self.table.note_reason(attempt, reason, None).await?;
                }
                Ok(Wallet::Answer(Finish::Failed { reason }))
            }
            _ => Ok(Wallet::Answer(PENDING)),
        }
    }

    /// Whoever was creating the SetupIntent has died, or is still at it.
    async fn without_setup_intent(&self, attempt: &Attempt) -> Result<Finish, FlowError> {
        if attempt.open_until > self.clock.now() {
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
                return self.end_declined_setup(attempt).await;
            }
            // The page may confirm the same SetupIntent again.
            ConfirmBy::Client => {}
            // This server's consent is spent; the next click opens another attempt.
            ConfirmBy::Server => {
                self.close(attempt, AttemptState::Failed, reason).await?;
            }
        }
        Ok(Finish::Failed { reason })
    }
}

enum Wallet {
    Agreed(perennial_types::PaymentMethodId),
    Answer(Finish),
}
