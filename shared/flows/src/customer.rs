//! One Stripe customer for each user, whoever clicks how often at once.

use perennial_store::{CustomerClaim, CustomerItem};
use perennial_stripe::{CreateCustomer, FrozenRequest, IdempotencyKey, metadata};
use perennial_types::{CustomerId, Timestamp, UserId};

use crate::{FlowError, Flows, KEY_SECONDS, owner};

/// Stripe's clock says when a customer was created, and that of whoever claimed it when it may have
/// been. They may differ by as much as is left for clocks of the 24 hours of a key.
const SLACK_SECONDS: i64 = 24 * 3600 - KEY_SECONDS;

impl Flows {
    /// The number that a link of this user has to name.
    pub async fn link_number(&self, user: &UserId) -> Result<u64, FlowError> {
        Ok(self.table.link_number(user).await?)
    }

    /// The user's customer, created if need be; `seen` is what the table knew of it.
    pub(crate) async fn customer(
        &self,
        user: &UserId,
        mut seen: Option<CustomerItem>,
    ) -> Result<CustomerId, FlowError> {
        let patience = self.patience();
        loop {
            match seen {
                Some(CustomerItem::Known { customer }) => return Ok(customer),
                Some(CustomerItem::Creating(claim)) if claim.lease > self.clock.now() => {
                    if !patience.wait().await {
                        return Err(FlowError::Busy);
                    }
                }
                Some(CustomerItem::Creating(claim)) => {
                    let me = owner();
                    let lease = self.lease();
                    if self
                        .table
                        .take_over_customer(user, &claim, &me, lease)
                        .await?
                    {
                        let mine = CustomerClaim {
                            owner: me,
                            lease,
                            ..claim
                        };
                        return self.create_customer(user, &mine).await;
                    }
                }
                None => {
                    let claim = self.new_claim(user)?;
                    if self.table.claim_customer(user, &claim).await? {
                        return self.create_customer(user, &claim).await;
                    }
                }
            }
            seen = self.table.customer_item(user).await?;
        }
    }

    fn new_claim(&self, user: &UserId) -> Result<CustomerClaim, FlowError> {
        let owner = owner();
        let key = IdempotencyKey::new(&format!("cus:{owner}"))?;
        let request = CreateCustomer {
            user: user.as_str(),
        }
        .freeze(key);
        Ok(CustomerClaim {
            owner,
            lease: self.lease(),
            request: serde_json::to_string(&request).map_err(FlowError::FrozenRequest)?,
            frozen_at: self.clock.now(),
        })
    }

    /// Sends the frozen request and writes down the answer.
    async fn create_customer(
        &self,
        user: &UserId,
        claim: &CustomerClaim,
    ) -> Result<CustomerId, FlowError> {
        let found = if self.key_is_forgotten(claim.frozen_at) {
            self.find_customer(user, claim.frozen_at, claim.lease)
                .await?
        } else {
            None
        };
        let customer = if let Some(customer) = found {
            customer
        } else {
            let request: FrozenRequest =
                serde_json::from_str(&claim.request).map_err(FlowError::FrozenRequest)?;
            match self.stripe.create_customer(&request).await {
                Ok(reply) => reply.value.id,
                Err(error) if error.is_stored() => match self.after_stored(user, claim).await? {
                    Some(customer) => customer,
                    None => return Err(error.into()),
                },
                Err(error) => {
                    // The same bytes may be sent again at once, by whoever comes next.
                    let (owner, past) = (&claim.owner, Timestamp::from_unix(0));
                    self.table
                        .take_over_customer(user, claim, owner, past)
                        .await?;
                    return Err(error.into());
                }
            }
        };
        if self.table.record_customer(user, &customer).await? {
            return Ok(customer);
        }
        // Somebody took this claim over and was quicker; what is written down counts.
        match self.table.customer_item(user).await? {
            Some(CustomerItem::Known { customer }) => Ok(customer),
            _ => Err(FlowError::Busy),
        }
    }

    /// Stripe would repeat a stored failure for a day, which must not lock the user out: the
    /// customer that came of the request nevertheless, or a new request for the next click.
    async fn after_stored(
        &self,
        user: &UserId,
        claim: &CustomerClaim,
    ) -> Result<Option<CustomerId>, FlowError> {
        let found = self.find_customer(user, claim.frozen_at, claim.lease);
        if let Some(customer) = found.await? {
            return Ok(Some(customer));
        }
        let renewed = CustomerClaim {
            // The table lets an owner replace its own claim alone.
            owner: claim.owner.clone(),
            lease: Timestamp::from_unix(0),
            ..self.new_claim(user)?
        };
        self.table.claim_customer(user, &renewed).await?;
        Ok(None)
    }

    /// Looks for the customer that a claim may have created before its key was forgotten.
    async fn find_customer(
        &self,
        user: &UserId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<CustomerId>, FlowError> {
        let (from, to) = (from.unix() - SLACK_SECONDS, to.unix() + SLACK_SECONDS);
        let mut after = None;
        loop {
            let page = self
                .stripe
                .list_customers_created_between(from, to, after.as_ref())
                .await?
                .value;
            let found = page.data.iter().find(|customer| {
                customer
                    .metadata
                    .get(metadata::USER)
                    .is_some_and(|name| name == user.as_str())
            });
            if let Some(customer) = found {
                return Ok(Some(customer.id.clone()));
            }
            after = page.data.last().map(|customer| customer.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(None);
            }
        }
    }
}
