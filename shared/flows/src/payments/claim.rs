//! One claim for each key of the shop's servers.

use perennial_store::{Claimed, PaymentRequest, RequestKind, RequestState, Sending};
use perennial_stripe::{Effect, FrozenRequest, StripeError};
use perennial_types::{CustomerId, PaymentIntentId, Timestamp, UserId};

use super::{Asked, PaymentError, Refusal, Why};
use crate::{FlowError, Flows, Patience, owner};

/// What the table knows of a key.
pub(super) enum Look {
    /// Nothing.
    New,
    /// It was claimed by somebody who is gone; it is this caller's now.
    Mine(Box<Mine>),
    /// This is what came of it.
    Done {
        request: Box<PaymentRequest>,
        result: String,
    },
}

/// A claim that this caller holds.
pub(super) struct Mine {
    pub(super) request: PaymentRequest,
    pub(super) sending: Sending,
}

/// What is claimed.
pub(super) struct Draft {
    pub(super) kind: RequestKind,
    pub(super) customer: Option<CustomerId>,
    pub(super) user: Option<UserId>,
    pub(super) payment: Option<PaymentIntentId>,
    /// The payment that is canceled first.
    pub(super) replaces: Option<PaymentIntentId>,
    /// Nothing if the request holds what is not kept.
    pub(super) frozen: Option<FrozenRequest>,
}

/// Why a request that was sent brought nothing.
pub(super) enum Failed {
    /// The bank said no.
    Declined(StripeError),
    /// Stripe said no.
    Invalid(StripeError),
    /// Stripe will repeat an answer under this key that says nothing about what was done.
    Spent(StripeError),
}

impl Flows {
    /// Looks up a key, and waits while somebody else is at it.
    pub(super) async fn look(
        &self,
        asked: &Asked,
        patience: &Patience,
    ) -> Result<Look, PaymentError> {
        loop {
            let Some(request) = self.table.payment_request(&asked.key).await? else {
                return Ok(Look::New);
            };
            if request.fingerprint != asked.fingerprint {
                return Err(Why::KeyReused.into());
            }
            match request.state.clone() {
                RequestState::Done { result } => {
                    let request = Box::new(request);
                    return Ok(Look::Done { request, result });
                }
                RequestState::Refused { refusal } => {
                    let refusal: Refusal =
                        serde_json::from_str(&refusal).map_err(FlowError::FrozenRequest)?;
                    return Err(refusal.into());
                }
                RequestState::Sending(seen) if seen.lease <= self.clock.now() => {
                    let (me, lease) = (owner(), self.lease());
                    let taken = self
                        .table
                        .take_over_payment_request(&asked.key, &seen, &me, lease);
                    if taken.await? {
                        let sending = Sending {
                            owner: me,
                            lease,
                            ..seen
                        };
                        return Ok(Look::Mine(Box::new(Mine { request, sending })));
                    }
                }
                RequestState::Sending(_) => {}
            }
            if !patience.wait().await {
                return Err(FlowError::Busy.into());
            }
        }
    }

    /// Claims a key; nothing if somebody else was quicker.
    pub(super) async fn claim(
        &self,
        asked: &Asked,
        draft: Draft,
    ) -> Result<Option<Mine>, PaymentError> {
        let frozen = draft
            .frozen
            .map(|request| serde_json::to_string(&request))
            .transpose()
            .map_err(FlowError::FrozenRequest)?;
        let now = self.clock.now();
        let sending = Sending {
            owner: owner(),
            lease: self.lease(),
            frozen_at: now,
            request: frozen,
        };
        let request = PaymentRequest {
            kind: draft.kind,
            fingerprint: asked.fingerprint.clone(),
            caller: Some(asked.caller.clone()),
            customer: draft.customer,
            user: draft.user,
            payment: draft.payment,
            replaces: draft.replaces,
            payment_method: None,
            state: RequestState::Sending(sending.clone()),
        };
        let mut over = None;
        loop {
            let claimed = self
                .table
                .claim_payment_request(&asked.key, &request, over.as_deref(), now)
                .await?;
            match (claimed, &request.replaces) {
                (Claimed::Won, _) => return Ok(Some(Mine { request, sending })),
                (Claimed::Replaced, Some(payment)) if over.is_none() => {
                    over = Some(self.failed_replacement(payment).await?);
                }
                (Claimed::Lost | Claimed::Replaced, _) => return Ok(None),
                (Claimed::Exhausted, _) => return Err(Why::IncrementsExhausted.into()),
            }
        }
    }

    /// Sorts a failure. What may be sent again is given up for now, so that whoever comes next need
    /// not wait, and is the caller's answer.
    pub(super) async fn sort_failure(
        &self,
        asked: &Asked,
        mine: &Mine,
        error: StripeError,
    ) -> Result<Failed, PaymentError> {
        tracing::warn!(
            request = asked.key,
            kind = ?mine.request.kind,
            request_id = error.request_id(),
            error = %error,
            "a request of the shop's servers was not carried out"
        );
        match &error {
            StripeError::Declined { .. } => Ok(Failed::Declined(error)),
            StripeError::Invalid { .. } => Ok(Failed::Invalid(error)),
            StripeError::IdempotencyMismatch { .. }
            | StripeError::Unavailable {
                effect: Effect::Unknown,
                replayed: true,
                ..
            } => Ok(Failed::Spent(error)),
            StripeError::KeyInUse { .. }
            | StripeError::Unavailable { .. }
            | StripeError::RateLimited { .. }
            | StripeError::Unauthenticated { .. }
            | StripeError::Forbidden { .. } => {
                self.release(asked, mine).await?;
                Err(error.into())
            }
        }
    }

    /// Lets the next caller go ahead at once.
    pub(super) async fn release(&self, asked: &Asked, mine: &Mine) -> Result<(), PaymentError> {
        let past = Timestamp::from_unix(0);
        let me = &mine.sending.owner;
        self.table
            .take_over_payment_request(&asked.key, &mine.sending, me, past)
            .await?;
        Ok(())
    }

    /// Writes down what came of a request.
    pub(super) async fn done(&self, asked: &Asked, result: &str) -> Result<(), PaymentError> {
        let end = RequestState::Done {
            result: result.to_owned(),
        };
        self.table.finish_payment_request(&asked.key, &end).await?;
        Ok(())
    }

    /// Writes down that nothing came of a request, for good.
    pub(super) async fn refuse(
        &self,
        asked: &Asked,
        refusal: Refusal,
    ) -> Result<PaymentError, PaymentError> {
        let text = serde_json::to_string(&refusal).map_err(FlowError::FrozenRequest)?;
        let end = RequestState::Refused { refusal: text };
        self.table.finish_payment_request(&asked.key, &end).await?;
        Ok(refusal.into())
    }
}

impl Mine {
    /// The bytes that are sent.
    pub(super) fn frozen(&self) -> Result<FrozenRequest, PaymentError> {
        let missing = FlowError::Mismatch {
            what: "frozen request",
        };
        let text = self.sending.request.as_ref().ok_or(missing)?;
        Ok(serde_json::from_str(text).map_err(FlowError::FrozenRequest)?)
    }
}
