//! Sending what a claim has frozen.
//!
//! The table's half of a step, its claim, is `perennial_store::ClaimedStep`. This is the other half: it is the
//! same for everything that is created or changed at Stripe, and says what is known afterwards.

use std::pin::Pin;

use perennial_store::ClaimedStep;
use perennial_stripe::{Failure, StripeError};
use perennial_types::{Claim, FrozenRequest, Lease, chance};

use crate::{Context, FlowError};

/// Longer than the time that one request has for Stripe, so that a holder whose lease has run out
/// is no longer sending.
const LEASE_SECONDS: i64 = 12;

/// A call that a step makes.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What came of a step.
pub(crate) enum Sent<T, F> {
    /// Stripe's answer.
    Made(T),
    /// What an earlier owner of the claim had made before its key was forgotten or spent.
    Found(F),
    /// Stripe or the bank has refused these bytes, and will refuse them again.
    Refused(StripeError),
    /// The key repeats an answer that says nothing, and nothing was found. The claim is still held.
    Spent(StripeError),
    /// Nothing is known, or nothing happened. The claim is released: the next caller sends the same
    /// bytes again.
    Released(StripeError),
}

impl Context {
    /// A lease for this caller.
    pub(crate) fn lease(&self) -> Lease {
        Lease {
            owner: format!("{:016x}{:016x}", chance::draw(), chance::draw()),
            until: self.clock.now().plus_seconds(LEASE_SECONDS),
        }
    }

    /// A new claim, of which Stripe knows nothing yet.
    pub(crate) fn claim(&self, request: FrozenRequest) -> Claim {
        Claim {
            lease: self.lease(),
            frozen_at: self.clock.now(),
            request,
        }
    }

    /// Sends what a claim of this caller has frozen. What may have come of it before, when Stripe no
    /// longer knows its key or the key is spent, is looked for with `find`.
    pub(crate) async fn send_claimed<'a, T, F, E: From<FlowError>>(
        &self,
        step: ClaimedStep<'_>,
        claim: &'a Claim,
        send: impl FnOnce(&'a FrozenRequest) -> Boxed<'a, Result<T, StripeError>>,
        find: impl Fn() -> Boxed<'a, Result<Option<F>, E>>,
    ) -> Result<Sent<T, F>, E> {
        if self.key_is_forgotten(claim.frozen_at)
            && let Some(found) = find().await?
        {
            return Ok(Sent::Found(found));
        }
        let request = &claim.request;
        let error = match send(request).await {
            Ok(made) => return Ok(Sent::Made(made)),
            Err(error) => error,
        };
        tracing::warn!(
            step = step.as_str(),
            key = request.idempotency_key.as_str(),
            request_id = error.request_id(),
            error = %error,
            "a step at Stripe was not carried out"
        );
        match error.failure() {
            Failure::Refused => Ok(Sent::Refused(error)),
            Failure::Spent => Ok(match find().await? {
                Some(found) => Sent::Found(found),
                None => Sent::Spent(error),
            }),
            Failure::Unknown | Failure::Nothing => {
                self.release(step, claim).await?;
                Ok(Sent::Released(error))
            }
        }
    }

    /// Lets the next caller take over at once.
    pub(crate) async fn release(
        &self,
        step: ClaimedStep<'_>,
        claim: &Claim,
    ) -> Result<(), FlowError> {
        self.table.release(step, &claim.lease.owner).await?;
        Ok(())
    }
}
