//! What an ended subscription was paid with, for another one of the same shopper.

use perennial_store::Offers;
use perennial_stripe::{ManyOf, PreviewDiscount, PreviewFirst, PreviewTax, StripeError};
use perennial_types::{CustomerId, PaymentMethodId, PlanTax, Subscription, SubscriptionId, UserId};

use super::Subscriptions;
use crate::FlowError;

/// A payment method that may be charged again when its shopper says so.
pub(crate) struct SavedMethod {
    pub(crate) method: PaymentMethodId,
    pub(crate) customer: CustomerId,
    /// The private plans that were offered to the user.
    pub(crate) offers: Offers,
}

/// Whether it is there to be charged.
pub(crate) enum Saved {
    Yes(SavedMethod),
    /// It is not saved any more, or is of a wallet whose sheet has to be asked again.
    No,
    /// The subscription has not ended.
    Lives(Box<Subscription>),
}

impl Subscriptions<'_> {
    /// The method of an ended subscription of this user, if Stripe still has it for the user's customer.
    pub(crate) async fn saved_method(
        &self,
        user: &UserId,
        id: &SubscriptionId,
    ) -> Result<Saved, FlowError> {
        let item = self.cx.table.subscription(user, id).await?;
        let known = item.and_then(|item| item.subscription);
        let known = known.ok_or(FlowError::UnknownSubscription)?;
        if !known.status.is_terminal() {
            return Ok(Saved::Lives(Box::new(known)));
        }
        let (customer, offers) = self.cx.table.customer_and_offers(user).await?;
        let (Some(method), Some(customer)) = (known.saved_method(), customer) else {
            return Ok(Saved::No);
        };
        match self.cx.stripe.retrieve_payment_method(method).await {
            Ok(read) if read.value.customer_id() == Some(&customer) => {
                Ok(Saved::Yes(SavedMethod {
                    method: method.clone(),
                    customer,
                    offers,
                }))
            }
            // It was taken off the customer, in Stripe's portal or at Amazon.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(Saved::No),
            Err(error) => Err(error.into()),
        }
    }

    /// What the first invoice of another subscription to these comes to, after what the customer has left.
    pub(crate) async fn due_first(
        &self,
        customer: &CustomerId,
        items: &[ManyOf<'_>],
        (tax, trial_days): (Option<PlanTax>, u32),
    ) -> Result<i64, FlowError> {
        if trial_days > 0 {
            return Ok(0);
        }
        let first = PreviewFirst {
            customer: Some(customer),
            items,
            discount: PreviewDiscount::OfCustomer,
            tax: match tax {
                Some(PlanTax::Automatic) => PreviewTax::OfCustomer,
                None => PreviewTax::None,
            },
        };
        match self.cx.stripe.preview_first(&first).await {
            Ok(preview) => Ok(preview.value.amount_due),
            // It would not sell it either.
            Err(StripeError::Invalid { .. }) => Err(FlowError::PlanNotAvailable),
            Err(error) => Err(error.into()),
        }
    }
}
