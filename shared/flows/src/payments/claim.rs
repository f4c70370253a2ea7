//! One claim for each key of the shop's servers.

use perennial_store::{Claimed, ClaimedStep, PaymentRequest, RequestKind, RequestState};
use perennial_types::{Claim, CustomerId, FrozenRequest, PaymentIntentId, UserId};

use super::{Asked, PaymentError, Refusal, Why};
use crate::{FlowError, Flows, Patience};

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
    pub(super) claim: Claim,
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
                        serde_json::from_str(&refusal).map_err(FlowError::KeptAnswer)?;
                    return Err(refusal.into());
                }
                RequestState::Sending(seen) if seen.lease <= self.clock.now() => {
                    let lease = self.lease();
                    let step = ClaimedStep::Payment(&asked.key);
                    if self.table.take_over(step, &seen.lease(), &lease).await? {
                        let claim = seen.taken_over(lease);
                        return Ok(Look::Mine(Box::new(Mine { request, claim })));
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
    pub(super) async fn claim_request(
        &self,
        asked: &Asked,
        draft: Draft,
    ) -> Result<Option<Mine>, PaymentError> {
        let claim = self.claim(draft.frozen);
        let request = PaymentRequest {
            kind: draft.kind,
            fingerprint: asked.fingerprint.clone(),
            caller: Some(asked.caller.clone()),
            customer: draft.customer,
            user: draft.user,
            payment: draft.payment,
            replaces: draft.replaces,
            payment_method: None,
            state: RequestState::Sending(claim.clone()),
        };
        let mut over = None;
        loop {
            let claimed = self
                .table
                .claim_payment_request(&asked.key, &request, over.as_deref(), claim.frozen_at)
                .await?;
            match (claimed, &request.replaces) {
                (Claimed::Won, _) => return Ok(Some(Mine { request, claim })),
                (Claimed::Replaced, Some(payment)) if over.is_none() => {
                    over = Some(self.failed_replacement(payment).await?);
                }
                (Claimed::Lost | Claimed::Replaced, _) => return Ok(None),
                (Claimed::Exhausted, _) => return Err(Why::IncrementsExhausted.into()),
            }
        }
    }

    /// Lets the next caller go ahead at once.
    pub(super) async fn give_up(&self, asked: &Asked, mine: &Mine) -> Result<(), PaymentError> {
        let step = ClaimedStep::Payment(&asked.key);
        Ok(self.release(step, &mine.claim).await?)
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
        let text = serde_json::to_string(&refusal).map_err(FlowError::KeptAnswer)?;
        let end = RequestState::Refused { refusal: text };
        self.table.finish_payment_request(&asked.key, &end).await?;
        Ok(refusal.into())
    }
}
