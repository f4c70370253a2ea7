//! The customer portal at Stripe: one configuration for each table, made and kept here, so that the portal offers what
//! Perennial can follow and nothing else.

use perennial_store::{ClaimedStep, PortalItem};
use perennial_stripe::{IdempotencyKey, KeepPortal, PortalConfiguration, StripeError};
use perennial_types::{Claim, Lease, Timestamp};

use crate::{Context, FlowError, claimed_step::Sent, listed};

/// The portal.
#[derive(Debug)]
pub struct Portal<'a> {
    cx: &'a Context,
}

/// What was found, or has been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalKept {
    /// The configuration was there, as it should be.
    Same,
    /// It was made, or found and written down.
    Made,
    /// It had become something else, and is what it should be again.
    Renewed,
    /// Another caller is making it.
    ByAnother,
}

impl<'a> Portal<'a> {
    /// That of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

impl Portal<'_> {
    /// Makes the configuration, or makes it again what it should be. Repeats change nothing; of several callers at once
    /// one makes it.
    pub async fn keep(&self) -> Result<PortalKept, FlowError> {
        let known = match self.cx.table.portal_item().await? {
            Some(PortalItem::Known { configuration }) => configuration,
            item => return self.make(item).await,
        };
        let keep = self.wanted();
        let found = match self.cx.stripe.retrieve_portal_configuration(&known).await {
            Ok(reply) => reply.value,
            Err(error) if is_missing(&error) => {
                // It is of another account, whose key was here before.
                self.cx.table.forget_portal(&known).await?;
                return self.make(None).await;
            }
            Err(error) => return Err(error.into()),
        };
        if keep.is_kept(&found) {
            return Ok(PortalKept::Same);
        }
        self.renew(&found).await?;
        Ok(PortalKept::Renewed)
    }

    fn wanted(&self) -> KeepPortal<'_> {
        KeepPortal {
            table: self.cx.table.name(),
        }
    }

    async fn renew(&self, found: &PortalConfiguration) -> Result<(), FlowError> {
        let stripe = &self.cx.stripe;
        let keep = self.wanted();
        stripe.renew_portal_configuration(&found.id, &keep).await?;
        Ok(())
    }

    async fn make(&self, item: Option<PortalItem>) -> Result<PortalKept, FlowError> {
        let table = &self.cx.table;
        let claim = match item {
            // Another caller was quicker.
            Some(PortalItem::Known { .. }) => return Ok(PortalKept::ByAnother),
            Some(PortalItem::Creating(claim)) if claim.lease.until > self.cx.clock.now() => {
                return Ok(PortalKept::ByAnother);
            }
            Some(PortalItem::Creating(claim)) => {
                let lease = self.cx.lease();
                let taken = table
                    .take_over(ClaimedStep::Portal, &claim.lease, &lease)
                    .await?;
                if !taken {
                    return Ok(PortalKept::ByAnother);
                }
                claim.taken_over(lease)
            }
            None => {
                let claim = self.new_claim()?;
                if !table.claim_portal(&claim).await? {
                    return Ok(PortalKept::ByAnother);
                }
                claim
            }
        };
        let configuration = self.create(&claim).await?;
        table.record_portal(&configuration).await?;
        Ok(PortalKept::Made)
    }

    fn new_claim(&self) -> Result<Claim, FlowError> {
        // A claim that failed for good is followed by another, so the key is the claim's.
        let lease = self.cx.lease();
        let key = IdempotencyKey::new(&format!("portal-configuration:{}", lease.owner))?;
        let claim = self.cx.claim(self.wanted().freeze(key));
        Ok(Claim { lease, ..claim })
    }

    /// The configuration of a claim of this caller: one that is there already, from an earlier table of this name or an
    /// earlier owner, or a new one.
    async fn create(&self, claim: &Claim) -> Result<String, FlowError> {
        let step = ClaimedStep::Portal;
        match self.find().await {
            Ok(None) => {}
            Ok(Some(found)) => {
                if !self.wanted().is_kept(&found) {
                    self.renew(&found).await?;
                }
                return Ok(found.id);
            }
            Err(error) => {
                self.cx.release(step, claim).await?;
                return Err(error);
            }
        }
        let sent = self.cx.send_claimed(
            step,
            claim,
            |request| Box::pin(self.cx.stripe.create_portal_configuration(request)),
            || Box::pin(self.find()),
        );
        match sent.await? {
            Sent::Made(reply) => Ok(reply.value.id),
            Sent::Found(found) => Ok(found.id),
            Sent::Released(error) => Err(error.into()),
            Sent::Refused(error) | Sent::Spent(error) => {
                // These bytes will be refused again; the next caller sends those of its own version under another key.
                let renewed = Claim {
                    lease: Lease {
                        owner: claim.lease.owner.clone(),
                        until: Timestamp::from_unix(0),
                    },
                    ..self.new_claim()?
                };
                self.cx.table.claim_portal(&renewed).await?;
                Err(error.into())
            }
        }
    }

    /// The newest configuration of Stripe's that was made for this table.
    async fn find(&self) -> Result<Option<PortalConfiguration>, FlowError> {
        let keep = self.wanted();
        let found = listed::find(
            |after: Option<String>| async move {
                let stripe = &self.cx.stripe;
                stripe.list_portal_configurations(after.as_deref()).await
            },
            |configuration| keep.made(configuration),
            |last| Some(last.id.clone()),
        );
        Ok(found.await?)
    }
}

fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
        || matches!(error, StripeError::Invalid { status: 404, .. })
}
