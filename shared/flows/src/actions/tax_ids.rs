//! The tax ids of a shopper who is a business, by which Stripe may charge no taxes, and which its invoices show.
//!
//! They are handed on and kept nowhere here. To set them again changes nothing, so nothing is frozen for it. What is
//! new is there before anything is taken away: a process that dies between has left some too many, and never none.
//! Of two requests at once, one waits until the other is through, so that the last of them counts as a whole.

use perennial_stripe::{HeldTaxId, IdempotencyKey, StripeError};
use perennial_types::{CustomerId, TaxId, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::{Customers, FlowError};

/// What has come of tax ids.
#[derive(Debug)]
pub struct TaxIdsSet {
    /// Who has them; none if there are none to have.
    pub customer: Option<CustomerId>,
    /// They, in the order in which they were named.
    pub tax_ids: Vec<HeldTaxId>,
}

impl SubscriptionActions<'_> {
    /// Gives the user's customer these tax ids and no others. The customer is created if there is one to give.
    pub async fn set_tax_ids(
        &self,
        user: &UserId,
        wanted: &[TaxId],
    ) -> Result<TaxIdsSet, ActionError> {
        let seen = self.cx.table.customer_item(user).await?;
        if seen.is_none() && wanted.is_empty() {
            return Ok(TaxIdsSet {
                customer: None,
                tax_ids: Vec::new(),
            });
        }
        let customers = Customers::of(self.cx);
        let customer = customers.known_or_created(user, seen, None).await?;
        let turn = self.cx.tax_turn(user).await?;
        let replaced = self.replace_tax_ids(&customer, wanted).await;
        self.cx.end_tax_turn(user, &turn).await;
        match replaced {
            Ok(tax_ids) => Ok(TaxIdsSet {
                customer: Some(customer),
                tax_ids,
            }),
            // Stripe has deleted it, and the next request creates another one.
            Err(StripeError::Invalid { status: 404, .. }) => {
                self.cx.table.forget_customer(user, &customer).await?;
                Err(FlowError::Busy.into())
            }
            // What Stripe says of it may have the number in it.
            Err(StripeError::Invalid { .. }) => Err(ActionErrorCode::TaxIdRefused.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn replace_tax_ids(
        &self,
        customer: &CustomerId,
        wanted: &[TaxId],
    ) -> Result<Vec<HeldTaxId>, StripeError> {
        let mut before = self.tax_ids_of(customer).await?;
        let mut held: Vec<HeldTaxId> = Vec::new();
        let mut created = Vec::new();
        for id in wanted {
            let place = before.iter().position(|it| it.is(id));
            let it = if let Some(same) = held.iter().find(|it| it.is(id)) {
                same.clone()
            } else if let Some(place) = place {
                before.remove(place)
            } else {
                let key = IdempotencyKey::drawn();
                match self.cx.stripe.create_tax_id(customer, id, &key).await {
                    Ok(reply) => {
                        created.push(reply.value.id.clone());
                        reply.value
                    }
                    Err(error) => {
                        // What is refused changes nothing. After another error the same request comes again.
                        for id in &created {
                            self.cx.stripe.delete_tax_id(customer, id).await.ok();
                        }
                        return Err(error);
                    }
                }
            };
            held.push(it);
        }
        for old in before {
            match self.cx.stripe.delete_tax_id(customer, &old.id).await {
                // Another request was quicker.
                Ok(_) | Err(StripeError::Invalid { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(held)
    }

    async fn tax_ids_of(&self, customer: &CustomerId) -> Result<Vec<HeldTaxId>, StripeError> {
        let mut all: Vec<HeldTaxId> = Vec::new();
        loop {
            let last = all.last().map(|it| it.id.clone());
            let stripe = &self.cx.stripe;
            let page = stripe.list_tax_ids(customer, last.as_deref()).await?.value;
            let more = page.has_more && !page.data.is_empty();
            all.extend(page.data);
            if !more {
                return Ok(all);
            }
        }
    }
}
