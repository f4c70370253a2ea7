//! Customers that existed before this did, with their subscriptions.

use perennial_store::CustomerItem;
use perennial_stripe::StripeError;
use perennial_types::{CustomerId, Subscription, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::{
    Customers, FlowError,
    subscriptions::{Subscriptions, read_model},
};

/// Whether a customer is adopted, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It is written down.
    Real,
    /// Nothing is written: the answer is what the adoption would have been.
    DryRun,
}

impl SubscriptionActions<'_> {
    /// Writes down that a customer is this user's, and each of its subscriptions that has not ended. Nothing is changed
    /// at Stripe, and to do it again changes nothing here.
    pub async fn adopt(
        &self,
        user: &UserId,
        customer: &CustomerId,
        adoption: Adoption,
    ) -> Result<Vec<Subscription>, ActionError> {
        let stripe = &self.cx.stripe;
        match stripe.retrieve_customer(customer).await {
            Ok(found) if !found.value.deleted => {}
            Ok(_) | Err(StripeError::Invalid { status: 404, .. }) => {
                return Err(ActionErrorCode::UnknownCustomer.into());
            }
            Err(error) => return Err(error.into()),
        }
        self.make_owner(user, customer, adoption).await?;
        let subscriptions = Subscriptions::of(self.cx);
        let mut adopted = Vec::new();
        let mut after = None;
        loop {
            let page = stripe.list_subscriptions(customer, after.as_ref()).await?;
            let page = page.value;
            for listed in page.data.iter().filter(|it| !it.status.is_terminal()) {
                let model = match adoption {
                    Adoption::Real => {
                        let read = subscriptions.refresh(user, customer, &listed.id);
                        read.await?.model
                    }
                    Adoption::DryRun => {
                        // A list does not tell how its newest invoice stands.
                        let read = stripe.retrieve_subscription(&listed.id).await?.value;
                        let sold_as = subscriptions.sold_as(&read, None).await?;
                        read_model(&self.cx.plans, &read, None, sold_as)
                    }
                };
                adopted.push(model);
            }
            after = page.data.last().map(|last| last.id.clone());
            if !page.has_more || after.is_none() {
                if adoption == Adoption::Real {
                    self.cx.table.end_adoption(user, customer).await?;
                }
                return Ok(adopted);
            }
        }
    }

    /// Makes the customer this user's, or says why it cannot be.
    async fn make_owner(
        &self,
        user: &UserId,
        customer: &CustomerId,
        adoption: Adoption,
    ) -> Result<(), ActionError> {
        let table = &self.cx.table;
        if adoption == Adoption::Real && table.adopt_customer(user, customer).await? {
            return Ok(());
        }
        match table.customer_item(user).await? {
            Some(CustomerItem::Erasing(_)) => return Err(FlowError::Erasing.into()),
            // A click has begun, and Stripe may have created a customer for it by now.
            creating @ Some(CustomerItem::Creating(_)) => {
                if adoption == Adoption::Real {
                    let customers = Customers::of(self.cx);
                    customers.known_or_created(user, creating, None).await?;
                }
                return Err(ActionErrorCode::HasCustomer.into());
            }
            Some(CustomerItem::Known { customer: known }) if known != *customer => {
                return Err(ActionErrorCode::HasCustomer.into());
            }
            _ => {}
        }
        let is_taken = match adoption {
            // It was not written, and not because of the user.
            Adoption::Real => true,
            Adoption::DryRun => {
                let owner = table.user_of_customer(customer).await?;
                owner.is_some_and(|owner| owner != *user)
            }
        };
        if is_taken {
            return Err(ActionErrorCode::CustomerTaken.into());
        }
        Ok(())
    }
}
