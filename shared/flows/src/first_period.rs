//! What the first period of a plan would cost a user, as Stripe reckons it.

use perennial_store::{CustomerItem, UserItems};
use perennial_stripe::{
    ManyOf, Preview, PreviewDiscount, PreviewFirst, PreviewTax, Stripe, StripeError,
};
use perennial_types::{
    BillingAddress, BoughtAddon, CustomerId, Plan, PriceId, TaxBehavior, Timestamp,
};

/// For whom and for what an amount is to be, and when.
#[derive(Debug, Clone, Copy)]
pub struct ForWhom<'a> {
    /// What is bought, with the free trial that the user would get and what all of them cost.
    pub plan: &'a Plan,
    /// How many of it.
    pub quantity: u64,
    /// What is bought beside it.
    pub addons: &'a [BoughtAddon],
    /// By which address taxes are reckoned; none are without.
    pub address: Option<&'a BillingAddress>,
    /// What the table knows of the user.
    pub items: &'a UserItems,
    /// The present moment.
    pub now: Timestamp,
}

impl<'a> ForWhom<'a> {
    /// What is bought.
    pub(crate) fn bought(&self) -> Vec<ManyOf<'a>> {
        items_of(&self.plan.price, self.quantity, self.addons)
    }
}

/// What is bought: the plan first.
pub(crate) fn items_of<'a>(
    price: &'a PriceId,
    quantity: u64,
    addons: &'a [BoughtAddon],
) -> Vec<ManyOf<'a>> {
    let plan = ManyOf { price, quantity };
    let addons = addons.iter().map(|it| ManyOf {
        price: &it.price,
        quantity: it.quantity,
    });
    std::iter::once(plan).chain(addons).collect()
}

/// What a period costs, in the currency's smallest unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) amount: u64,
    pub(crate) taken_off: i64,
    pub(crate) tax: u64,
    pub(crate) behavior: Option<TaxBehavior>,
}

/// Asks Stripe, which does nothing.
pub(crate) async fn preview(
    stripe: &Stripe,
    whom: ForWhom<'_>,
    discount: PreviewDiscount<'_>,
) -> Result<Preview, StripeError> {
    let (customer, items) = (known_customer(whom.items), whom.bought());
    let first = PreviewFirst {
        customer,
        items: &items,
        discount,
        tax: whom.address.map_or(PreviewTax::None, PreviewTax::At),
    };
    let mut preview = stripe.preview_first(&first).await;
    if let (Some(_), Err(StripeError::Invalid { param, .. })) = (customer, &preview)
        && param.as_deref() == Some("customer")
    {
        // Deleted at Stripe: a click creates another one.
        let first = PreviewFirst {
            customer: None,
            ..first
        };
        preview = stripe.preview_first(&first).await;
    }
    preview.map(|preview| preview.value)
}

/// What a period of these costs. What else an invoice would have is not theirs.
pub(crate) fn cost(preview: &Preview, items: &[ManyOf<'_>]) -> Cost {
    let lines = || {
        let all = preview.lines.data.iter();
        all.filter(|it| items.iter().any(|item| it.price() == Some(item.price)))
    };
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.fold(0, i64::saturating_add);
    let amount = sum(&mut lines().map(perennial_stripe::PreviewLine::total));
    let tax = sum(&mut lines().map(perennial_stripe::PreviewLine::tax));
    Cost {
        amount: u64::try_from(amount).unwrap_or(0),
        taken_off: sum(&mut lines().map(perennial_stripe::PreviewLine::discount)),
        tax: u64::try_from(tax).unwrap_or(0),
        behavior: lines().find_map(perennial_stripe::PreviewLine::tax_behavior),
    }
}

pub(crate) fn known_customer(items: &UserItems) -> Option<&CustomerId> {
    match &items.customer {
        Some(CustomerItem::Known { customer }) => Some(customer),
        _ => None,
    }
}
