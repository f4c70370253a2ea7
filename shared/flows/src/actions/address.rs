//! Where a shopper is, by which Stripe reckons the taxes on what they have.
//!
//! It is handed on and kept nowhere here. To set it again changes nothing, so nothing is frozen for it. While a checkout
//! is charged for what was shown at the address of before, it waits.

use perennial_types::{BillingAddress, CustomerId, TaxRefusal, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::{Customers, FlowError, tax};

impl SubscriptionActions<'_> {
    /// Gives the user's customer this address, and answers with the customer, who is created if there is none.
    pub async fn set_address(
        &self,
        user: &UserId,
        address: &BillingAddress,
    ) -> Result<CustomerId, ActionError> {
        let seen = self.cx.table.customer_item(user).await?;
        let customers = Customers::of(self.cx);
        let customer = customers.known_or_created(user, seen, None).await?;
        let turn = self.cx.tax_turn(user).await?;
        let moved = tax::move_customer(&self.cx.stripe, &customer, address).await;
        self.cx.end_tax_turn(user, &turn).await;
        match moved {
            Ok(true) => Ok(customer),
            // Stripe has deleted it, and the next request creates another one.
            Ok(false) => {
                self.cx.table.forget_customer(user, &customer).await?;
                Err(FlowError::Busy.into())
            }
            Err(FlowError::Tax(TaxRefusal::AddressNotRecognized)) => {
                Err(ActionErrorCode::AddressRefused.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
