//! Customers that existed before this did, with their subscriptions.

use perennial_stripe::StripeError;
use perennial_types::{CustomerId, Subscription, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::subscriptions::Subscriptions;

impl SubscriptionActions<'_> {
    /// Writes down that a customer is this user's, and each of its subscriptions that has not ended. Nothing is changed
    /// at Stripe, and to do it again changes nothing here.
    pub async fn adopt(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Vec<Subscription>, ActionError> {
        let (stripe, table) = (&self.cx.stripe, &self.cx.table);
        match stripe.retrieve_customer(customer).await {
            Ok(found) if !found.value.deleted => {}
            Ok(_) | Err(StripeError::Invalid { status: 404, .. }) => {
                return Err(ActionErrorCode::UnknownCustomer.into());
            }
            Err(error) => return Err(error.into()),
        }
        if !table.record_customer(user, customer).await? {
            let known = table.known_customer(user).await?;
            let has_another = known.is_some_and(|known| known != *customer);
            return Err(if has_another {
                ActionErrorCode::HasCustomer.into()
            } else {
                ActionErrorCode::CustomerTaken.into()
            });
        }
        let subscriptions = Subscriptions::of(self.cx);
        let mut adopted = Vec::new();
        let mut after = None;
        loop {
            let page = stripe.list_subscriptions(customer, after.as_ref()).await?;
            let page = page.value;
            for listed in page.data.iter().filter(|it| !it.status.is_terminal()) {
                let read = subscriptions.refresh(user, customer, &listed.id).await?;
                adopted.push(read.model);
            }
            after = page.data.last().map(|last| last.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(adopted);
            }
        }
    }
}
