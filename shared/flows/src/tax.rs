//! Taxes: what a plan costs with those of an address, and whether that is still what was shown.
//!
//! It is asked for before the shopper's click, at the click, and before the subscription is asked for. The address is
//! on its way to Stripe alone, where the customer keeps it: neither an attempt nor the log has it, so what Stripe says
//! against it is not passed on.

use perennial_store::CustomerItem;
use perennial_stripe::{
    ManyOf, Preview, PreviewDiscount, PreviewFirst, PreviewTax, Stripe, StripeError,
};
use perennial_types::{
    AgreedTax, Attempt, BillingAddress, CustomerId, Lease, TaxRefusal, TaxedPrice, UserId,
};

use crate::{
    Context, FlowError,
    first_period::{self, ForWhom, items_of},
};

/// What each period of a plan costs at an address, without a promotion code and without a discount that the customer
/// has.
pub async fn shown(stripe: &Stripe, whom: ForWhom<'_>) -> Result<TaxedPrice, FlowError> {
    let preview = first_period::preview(stripe, whom, PreviewDiscount::None).await;
    taxed(preview, &whom.bought())
}

/// The same for a customer whose address Stripe has.
pub(crate) async fn at_customer(
    stripe: &Stripe,
    customer: &CustomerId,
    items: &[ManyOf<'_>],
) -> Result<TaxedPrice, FlowError> {
    let first = PreviewFirst {
        customer: Some(customer),
        items,
        discount: PreviewDiscount::None,
        tax: PreviewTax::OfCustomer,
    };
    let preview = stripe.preview_first(&first).await;
    match taxed(preview.map(|preview| preview.value), items) {
        Err(FlowError::Tax(TaxRefusal::AddressNotRecognized)) => {
            Err(FlowError::Tax(TaxRefusal::AddressNeeded))
        }
        taxed => taxed,
    }
}

/// Whether an attempt costs each period what its shopper was shown, where its customer is by now. What Stripe does not
/// say costs something else.
pub(crate) async fn still_holds(
    stripe: &Stripe,
    attempt: &Attempt,
    agreed: AgreedTax,
) -> Result<bool, FlowError> {
    let items = items_of(&attempt.price, attempt.quantity, &attempt.addons);
    let first = PreviewFirst {
        customer: Some(&attempt.customer),
        items: &items,
        discount: PreviewDiscount::None,
        tax: PreviewTax::OfCustomer,
    };
    match stripe.preview_first(&first).await {
        Ok(preview) => {
            let cost = first_period::cost(&preview.value, &items);
            Ok(preview.value.is_taxed() && cost.amount == agreed.amount)
        }
        Err(StripeError::Invalid { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Context {
    /// Takes the turn at the address and the tax ids of a user; none while another request has it.
    pub(crate) async fn take_tax_turn(&self, user: &UserId) -> Result<Option<Lease>, FlowError> {
        let (lease, now) = (self.lease(), self.clock.now());
        let taken = self.table.take_tax_turn(user, &lease, now).await?;
        Ok(taken.then_some(lease))
    }

    /// Waits for the turn.
    pub(crate) async fn tax_turn(&self, user: &UserId) -> Result<Lease, FlowError> {
        let patience = self.patience();
        loop {
            if let Some(turn) = self.take_tax_turn(user).await? {
                return Ok(turn);
            }
            if let Some(CustomerItem::Erasing(_)) = self.table.customer_item(user).await? {
                return Err(FlowError::Erasing);
            }
            if !patience.wait().await {
                return Err(FlowError::Busy);
            }
        }
    }

    /// Gives the turn back. What was done in it counts, whether or not that can be written down: its lease ends by
    /// itself.
    pub(crate) async fn end_tax_turn(&self, user: &UserId, turn: &Lease) {
        if let Err(error) = self.table.end_tax_turn(user, &turn.owner).await {
            tracing::warn!(error = %FlowError::from(error).chain(), "a turn at the taxes of a user ends by its lease");
        }
    }
}

/// Gives the customer this address, unless they have it. False if Stripe has no such customer any more.
pub(crate) async fn move_customer(
    stripe: &Stripe,
    customer: &CustomerId,
    address: &BillingAddress,
) -> Result<bool, FlowError> {
    let seen = stripe.retrieve_customer(customer).await;
    match seen {
        Ok(seen) if seen.value.deleted => return Ok(false),
        Ok(seen) if seen.value.is_at(address) => return Ok(true),
        Ok(_) => {}
        Err(StripeError::Invalid { status: 404, .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    match stripe.set_address(customer, address).await {
        Ok(_) => Ok(true),
        Err(StripeError::Invalid { status: 404, .. }) => Ok(false),
        Err(StripeError::Invalid { .. }) => Err(FlowError::Tax(TaxRefusal::AddressNotRecognized)),
        Err(error) => Err(error.into()),
    }
}

/// Whether Stripe's refusal is about where a customer is.
pub(crate) fn is_about_place(error: &StripeError) -> bool {
    let StripeError::Invalid { code, param, .. } = error else {
        return false;
    };
    let is_named = |param: &str| param.starts_with("customer_details") || param == "address";
    code.as_deref() == Some("customer_tax_location_invalid")
        || param.as_deref().is_some_and(is_named)
}

fn taxed(
    preview: Result<Preview, StripeError>,
    items: &[ManyOf<'_>],
) -> Result<TaxedPrice, FlowError> {
    let price = items.first().map(|item| item.price.as_str());
    let unknown = FlowError::Tax(TaxRefusal::AddressNotRecognized);
    let preview = match preview {
        Ok(preview) if preview.lacks_location() => return Err(unknown),
        Ok(preview) if preview.is_taxed() => preview,
        Ok(_) => {
            tracing::error!(price, "Stripe does not reckon the taxes of a plan");
            return Err(FlowError::PlanNotAvailable);
        }
        Err(error) if is_about_place(&error) => return Err(unknown),
        Err(error @ StripeError::Invalid { .. }) => {
            let code = error.code();
            tracing::error!(price, code, "Stripe does not reckon the taxes of a plan");
            return Err(FlowError::PlanNotAvailable);
        }
        Err(error) => return Err(error.into()),
    };
    let cost = first_period::cost(&preview, items);
    Ok(TaxedPrice {
        amount: cost.amount,
        tax: cost.tax,
        behavior: cost.behavior,
    })
}
