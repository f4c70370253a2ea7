//! <https://docs.stripe.com/api/subscriptions/create>

use perennial_types::{CustomerId, PaymentMethodId, PriceId};

use super::{freeze, metadata, path};
use crate::{
    form::Form,
    frozen::{FrozenRequest, IdempotencyKey},
};

/// A subscription that charges a method which was set up before.
#[derive(Debug, Clone, Copy)]
pub struct CreateSubscription<'a> {
    /// Whose it is.
    pub customer: &'a CustomerId,
    /// What it costs.
    pub price: &'a PriceId,
    /// What is charged; it belongs to the customer.
    pub payment_method: &'a PaymentMethodId,
    /// The days before the first payment; 0 for none.
    pub trial_days: u32,
    /// The checkout attempt.
    pub attempt: &'a str,
    /// The shop's own user.
    pub user: &'a str,
    /// The name of the plan.
    pub plan: &'a str,
    /// The name of the wallet that pays.
    pub wallet: &'a str,
}

impl CreateSubscription<'_> {
    /// The request as it will be sent.
    ///
    /// A trial is given in days, not as a date, so that the bytes do not depend on when they are
    /// built.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = Form::new()
            .with(&["customer"], self.customer.as_str())
            .with(&["items", "0", "price"], self.price.as_str())
            .with(&["default_payment_method"], self.payment_method.as_str())
            // The shopper is not there to be asked again.
            .with(&["off_session"], "true")
            // A refused first payment leaves no half subscription behind.
            .with(&["payment_behavior"], "error_if_incomplete")
            .with(&["billing_mode", "type"], "flexible");
        if self.trial_days > 0 {
            form = form
                .with_number(&["trial_period_days"], i64::from(self.trial_days))
                .with(
                    &["trial_settings", "end_behavior", "missing_payment_method"],
                    "cancel",
                );
        }
        let form = form
            .with(&["metadata", metadata::ATTEMPT], self.attempt)
            .with(&["metadata", metadata::USER], self.user)
            .with(&["metadata", metadata::PLAN], self.plan)
            .with(&["metadata", metadata::WALLET], self.wallet)
            .with(&["expand", ""], "latest_invoice")
            .with(&["expand", ""], "default_payment_method");
        freeze(path::SUBSCRIPTIONS, form, key)
    }
}
