//! <https://docs.stripe.com/api/invoices/create_preview>, of a subscription that is not there yet

use perennial_types::{BillingAddress, CustomerId, PromotionCodeId};

use super::ManyOf;
use crate::form::Form;

/// What the first period of another subscription would cost.
#[derive(Debug, Clone, Copy)]
pub struct PreviewFirst<'a> {
    /// Whose it would be; somebody's who is no customer yet without.
    pub customer: Option<&'a CustomerId>,
    /// What it is made of.
    pub items: &'a [ManyOf<'a>],
    /// What is taken off.
    pub discount: PreviewDiscount<'a>,
    /// What is added.
    pub tax: PreviewTax<'a>,
}

/// What is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewDiscount<'a> {
    /// What the customer has at Stripe, if anything.
    OfCustomer,
    /// Nothing.
    None,
    /// What a promotion code takes off.
    Code(&'a PromotionCodeId),
}

/// By which address Stripe reckons taxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewTax<'a> {
    /// It reckons none.
    None,
    /// By what it knows of the customer.
    OfCustomer,
    /// By this one, in place of the customer's.
    At(&'a BillingAddress),
}

impl PreviewFirst<'_> {
    pub(crate) fn form(&self) -> Form {
        let mut form = Form::new();
        if let Some(customer) = self.customer {
            form = form.with(&["customer"], customer.as_str());
        }
        if let PreviewTax::At(address) = self.tax {
            let field = |name| ["customer_details", "address", name];
            form = form.with(&field("country"), address.country());
            if let Some(code) = address.postal_code() {
                form = form.with(&field("postal_code"), code);
            }
        } else if self.customer.is_none() {
            // Somebody has to be described, be it with what goes without saying.
            form = form.with(&["customer_details", "tax_exempt"], "none");
        }
        for (index, item) in self.items.iter().enumerate() {
            form = item.item(form, &["subscription_details"], index);
        }
        form = match self.discount {
            PreviewDiscount::OfCustomer => form,
            PreviewDiscount::None => form.with(&["discounts"], ""),
            PreviewDiscount::Code(code) => {
                form.with(&["discounts", "0", "promotion_code"], code.as_str())
            }
        };
        match self.tax {
            PreviewTax::None => form,
            PreviewTax::OfCustomer | PreviewTax::At(_) => {
                form.with(&["automatic_tax", "enabled"], "true")
            }
        }
    }
}
