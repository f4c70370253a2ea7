//! One Stripe customer for each user, however many requests come at once.

use perennial_store::{ClaimedStep, CustomerItem, Offers};
use perennial_stripe::{CreateCustomer, IdempotencyKey, StripeError, metadata};
use perennial_types::{Claim, CustomerId, EmailAddress, Lease, Timestamp, UserId};

use crate::{Context, FlowError, claimed_step::Sent, context::KEY_SECONDS, listed};

/// The customers at Stripe.
#[derive(Debug)]
pub struct Customers<'a> {
    cx: &'a Context,
}

impl<'a> Customers<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// Stripe's clock says when a customer was created, and that of its claimant when it may have
/// been. They may differ by as much as is left for clocks of the 24 hours of a key.
const SLACK_SECONDS: i64 = 24 * 3600 - KEY_SECONDS;

impl Customers<'_> {
    /// The number that a link of this user has to name.
    pub async fn link_number(&self, user: &UserId) -> Result<u64, FlowError> {
        Ok(self.cx.table.link_number(user).await?)
    }

    /// The private plans that are offered to the user.
    pub async fn offers(&self, user: &UserId) -> Result<Offers, FlowError> {
        Ok(self.cx.table.offers(user).await?)
    }

    /// The user's customer, created if need be; `seen` is what the table knew of it. One that is created gets the e-mail
    /// address.
    pub(crate) async fn known_or_created(
        &self,
        user: &UserId,
        mut seen: Option<CustomerItem>,
        email: Option<&EmailAddress>,
    ) -> Result<CustomerId, FlowError> {
        let patience = self.cx.patience();
        loop {
            match seen {
                Some(CustomerItem::Known { customer }) => return Ok(customer),
                Some(CustomerItem::Erasing(_)) => return Err(FlowError::Erasing),
                Some(CustomerItem::Creating(claim)) if claim.lease.until > self.cx.clock.now() => {
                    if !patience.wait().await {
                        return Err(FlowError::Busy);
                    }
                }
                Some(CustomerItem::Creating(claim)) => {
                    let (step, lease) = (ClaimedStep::Customer(user), self.cx.lease());
                    if self.cx.table.take_over(step, &claim.lease, &lease).await? {
                        let claim = claim.taken_over(lease);
                        return self.create_customer(user, &claim, email).await;
                    }
                }
                None => {
                    let claim = self.new_claim(user)?;
                    if self.cx.table.claim_customer(user, &claim).await? {
                        return self.create_customer(user, &claim, email).await;
                    }
                }
            }
            seen = self.cx.table.customer_item(user).await?;
        }
    }

    fn new_claim(&self, user: &UserId) -> Result<Claim, FlowError> {
        let request = CreateCustomer {
            user: user.as_str(),
        };
        // A claim that failed for good is followed by another, so the key is the claim's and not the
        // user's.
        let lease = self.cx.lease();
        let key = IdempotencyKey::new(&format!("cus:{}", lease.owner))?;
        let claim = self.cx.claim(request.freeze(key));
        Ok(Claim { lease, ..claim })
    }

    /// Sends the frozen request and writes down the answer.
    async fn create_customer(
        &self,
        user: &UserId,
        claim: &Claim,
        email: Option<&EmailAddress>,
    ) -> Result<CustomerId, FlowError> {
        let step = ClaimedStep::Customer(user);
        let sent = self.cx.send_claimed(
            step,
            claim,
            |request| Box::pin(self.cx.stripe.create_customer(request)),
            || Box::pin(self.find_customer(user, claim.frozen_at, claim.lease.until)),
        );
        let customer = match sent.await? {
            Sent::Made(reply) => reply.value.id,
            Sent::Found(customer) => customer,
            Sent::Spent(error) => {
                // Stripe would repeat this for a day, which must not lock the user out.
                let renewed = Claim {
                    // The table lets an owner replace its own claim alone.
                    lease: Lease {
                        owner: claim.lease.owner.clone(),
                        until: Timestamp::from_unix(0),
                    },
                    ..self.new_claim(user)?
                };
                self.cx.table.claim_customer(user, &renewed).await?;
                return Err(error.into());
            }
            Sent::Refused(error) => {
                self.cx.release(step, claim).await?;
                return Err(error.into());
            }
            Sent::Released(error) => return Err(error.into()),
        };
        // Before it is written down, so that whoever takes a dead owner's claim over does it too.
        if let Some(email) = email {
            match self.cx.stripe.set_email(&customer, Some(email)).await {
                Ok(_) => {}
                // What Stripe says of it may have the address in it.
                Err(StripeError::Invalid { .. }) => {
                    tracing::warn!(%customer, "Stripe does not take the e-mail address of a token");
                }
                Err(error) => {
                    self.cx.release(step, claim).await?;
                    return Err(error.into());
                }
            }
        }
        if self.cx.table.record_customer(user, &customer).await? {
            return Ok(customer);
        }
        // Another caller took this claim over and was quicker; what is written down counts.
        match self.cx.table.customer_item(user).await? {
            Some(CustomerItem::Known { customer }) => Ok(customer),
            _ => Err(FlowError::Busy),
        }
    }

    /// Looks for the customer that a claim may have created before its key was forgotten.
    async fn find_customer(
        &self,
        user: &UserId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<CustomerId>, FlowError> {
        let (from, to) = (from.unix() - SLACK_SECONDS, to.unix() + SLACK_SECONDS);
        let found = listed::find(
            |after| async move {
                let stripe = &self.cx.stripe;
                let listed = stripe.list_customers_created_between(from, to, after.as_ref());
                listed.await
            },
            |customer| {
                let named = customer.metadata.get(metadata::USER);
                named.is_some_and(|name| name == user.as_str())
            },
            |last| Some(last.id.clone()),
        );
        Ok(found.await?.map(|customer| customer.id))
    }
}
