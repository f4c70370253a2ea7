//! One claim for each key of the shop's servers.

use perennial_store::{Claimed, ClaimedStep, PaymentRequest, RequestKind, RequestState, Sending};
use perennial_types::{Claim, FrozenRequest, Lease, Timestamp};

use super::{PaymentError, PaymentErrorCode, Payments, Refusal, RequestKey};
use crate::{FlowError, context::WaitBudget};

/// What the table knows of a key.
pub(super) enum KeyState {
    /// Nothing.
    New,
    /// The lease of its claim was over; this caller holds it now.
    HeldClaim(Box<HeldClaim>),
    /// This is what came of it.
    Done {
        request: Box<PaymentRequest>,
        result: String,
    },
}

/// A claim that this caller holds.
pub(super) struct HeldClaim {
    pub(super) request: PaymentRequest,
    pub(super) lease: Lease,
    pub(super) frozen_at: Timestamp,
    /// Nothing if the request holds what is not kept.
    frozen: Option<FrozenRequest>,
}

impl HeldClaim {
    /// The claim, with what was frozen.
    pub(super) fn claim(&self) -> Result<Claim, FlowError> {
        let lacking = FlowError::ItemLacks("the frozen request");
        Ok(Claim {
            lease: self.lease.clone(),
            frozen_at: self.frozen_at,
            request: self.frozen.clone().ok_or(lacking)?,
        })
    }
}

/// What is claimed.
pub(super) struct NewRequest {
    pub(super) kind: RequestKind,
    /// Nothing if the request holds what is not kept.
    pub(super) frozen: Option<FrozenRequest>,
}

impl Payments<'_> {
    /// Looks up a key, and waits while another request holds its lease.
    pub(super) async fn look(
        &self,
        asked: &RequestKey,
        patience: &WaitBudget,
    ) -> Result<KeyState, PaymentError> {
        loop {
            let Some(request) = self.cx.table.payment_request(&asked.key).await? else {
                return Ok(KeyState::New);
            };
            if request.fingerprint != asked.fingerprint {
                return Err(PaymentErrorCode::KeyReused.into());
            }
            match request.state.clone() {
                RequestState::Done { result } => {
                    let request = Box::new(request);
                    return Ok(KeyState::Done { request, result });
                }
                RequestState::Refused { refusal } => {
                    let refusal: Refusal =
                        serde_json::from_str(&refusal).map_err(FlowError::KeptAnswer)?;
                    return Err(refusal.into());
                }
                RequestState::Sending(seen) if seen.lease <= self.cx.clock.now() => {
                    let lease = self.cx.lease();
                    let step = ClaimedStep::Payment(&asked.key);
                    if self.cx.table.take_over(step, &seen.lease(), &lease).await? {
                        return Ok(KeyState::HeldClaim(Box::new(HeldClaim {
                            request,
                            lease,
                            frozen_at: seen.frozen_at,
                            frozen: seen.request,
                        })));
                    }
                }
                RequestState::Sending(_) => {}
            }
            if !patience.wait().await {
                return Err(FlowError::Busy.into());
            }
        }
    }

    /// Claims a key; nothing if another request was first.
    pub(super) async fn claim_request(
        &self,
        asked: &RequestKey,
        draft: NewRequest,
    ) -> Result<Option<HeldClaim>, PaymentError> {
        let lease = self.cx.lease();
        let sending = Sending {
            owner: lease.owner.clone(),
            lease: lease.until,
            frozen_at: self.cx.clock.now(),
            request: draft.frozen.clone(),
        };
        let request = PaymentRequest {
            kind: draft.kind,
            fingerprint: asked.fingerprint.clone(),
            caller: Some(asked.caller.clone()),
            state: RequestState::Sending(sending.clone()),
        };
        let mut over = None;
        loop {
            let claimed = self
                .cx
                .table
                .claim_payment_request(&asked.key, &request, over.as_deref(), sending.frozen_at)
                .await?;
            match (claimed, request.kind.replaces()) {
                (Claimed::Won, _) => {
                    return Ok(Some(HeldClaim {
                        request,
                        lease,
                        frozen_at: sending.frozen_at,
                        frozen: draft.frozen,
                    }));
                }
                (Claimed::Replaced, Some(payment)) if over.is_none() => {
                    over = Some(self.failed_replacement(payment).await?);
                }
                (Claimed::Lost | Claimed::Replaced, _) => return Ok(None),
                (Claimed::Exhausted, _) => return Err(PaymentErrorCode::IncrementsExhausted.into()),
            }
        }
    }

    /// Lets the next caller go ahead at once.
    pub(super) async fn release_claim(
        &self,
        asked: &RequestKey,
        mine: &HeldClaim,
    ) -> Result<(), PaymentError> {
        let step = ClaimedStep::Payment(&asked.key);
        self.cx.table.release(step, &mine.lease.owner).await?;
        Ok(())
    }

    /// Writes down what came of a request.
    pub(super) async fn done(&self, asked: &RequestKey, result: &str) -> Result<(), PaymentError> {
        let end = RequestState::Done {
            result: result.to_owned(),
        };
        self.cx
            .table
            .finish_payment_request(&asked.key, &end)
            .await?;
        Ok(())
    }

    /// Writes down that nothing came of a request, for good.
    pub(super) async fn refuse(
        &self,
        asked: &RequestKey,
        refusal: Refusal,
    ) -> Result<PaymentError, PaymentError> {
        let text = serde_json::to_string(&refusal).map_err(FlowError::KeptAnswer)?;
        let end = RequestState::Refused { refusal: text };
        self.cx
            .table
            .finish_payment_request(&asked.key, &end)
            .await?;
        Ok(refusal.into())
    }
}
