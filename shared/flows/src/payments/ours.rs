//! Which payments are Perennial's. The Stripe account may have other applications, whose payments
//! are none of the shop's servers' business here.

use perennial_stripe::{PaymentIntent, metadata};
use perennial_types::{PaymentIntentId, UserId};

use super::{PaymentError, PaymentErrorCode, Payments};

/// A payment of one of our users.
pub(super) struct OurPayment {
    pub(super) payment: PaymentIntent,
    pub(super) user: UserId,
    /// Whether it pays an invoice of one of the user's subscriptions.
    pub(super) of_subscription: bool,
}

impl Payments<'_> {
    /// Reads a payment that was started here for a customer of ours, or that pays for one of their
    /// subscriptions. Of any other, the answer is that there is none.
    ///
    /// The metadata alone would not do: it can be copied to another payment, and a second stack on
    /// the same Stripe account writes the same names.
    pub(super) async fn our_payment(
        &self,
        id: &PaymentIntentId,
    ) -> Result<OurPayment, PaymentError> {
        let payment = self.read_payment(id).await?;
        let unknown = || PaymentError::from(PaymentErrorCode::UnknownPayment);
        if payment.livemode != self.cx.livemode {
            return Err(unknown());
        }
        let customer = payment.customer_id().ok_or_else(unknown)?;
        let user = self.cx.table.user_of_customer(customer).await?;
        let user = user.ok_or_else(unknown)?;
        if payment.metadata.contains_key(metadata::REQUEST) {
            let named = payment.metadata.get(metadata::USER);
            if named.is_none_or(|named| named != user.as_str()) {
                return Err(unknown());
            }
            return Ok(OurPayment {
                payment,
                user,
                of_subscription: false,
            });
        }
        let paid = self.cx.stripe.list_invoices_paid_by(payment.id.as_str());
        let paid = paid.await?.value;
        let mut invoices = paid.data.iter().filter_map(|paid| paid.invoice.as_ref());
        let subscription = invoices.find_map(|invoice| invoice.subscription_id());
        let subscription = subscription.ok_or_else(unknown)?;
        match self.cx.table.subscription(&user, subscription).await? {
            Some(_) => Ok(OurPayment {
                payment,
                user,
                of_subscription: true,
            }),
            None => Err(unknown()),
        }
    }
}
