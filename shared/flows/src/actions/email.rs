//! The address to which Stripe writes: its receipts, and what it says before and after a renewal.
//!
//! It is handed on and kept nowhere here. To set it again changes nothing, so nothing is claimed for it.

use perennial_stripe::StripeError;
use perennial_types::{CustomerId, EmailAddress, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::{Customers, FlowError};

impl SubscriptionActions<'_> {
    /// Gives the user's customer another e-mail address, or none, and answers with the customer. It is created if there
    /// is an address for it.
    pub async fn set_email(
        &self,
        user: &UserId,
        email: Option<&EmailAddress>,
    ) -> Result<Option<CustomerId>, ActionError> {
        let seen = self.cx.table.customer_item(user).await?;
        if seen.is_none() && email.is_none() {
            return Ok(None);
        }
        let customers = Customers::of(self.cx);
        let customer = customers.known_or_created(user, seen, None).await?;
        match self.cx.stripe.set_email(&customer, email).await {
            Ok(_) => Ok(Some(customer)),
            // Stripe has deleted it, and the next request creates another one.
            Err(StripeError::Invalid { status: 404, .. }) => {
                self.cx.table.forget_customer(user, &customer).await?;
                Err(FlowError::Busy.into())
            }
            // What Stripe says of it may have the address in it.
            Err(StripeError::Invalid { .. }) => Err(ActionErrorCode::EmailRefused.into()),
            Err(error) => Err(error.into()),
        }
    }
}
