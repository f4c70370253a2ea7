//! <https://docs.stripe.com/api/subscriptions/create>

use perennial_types::{
    CustomerId, PaymentMethodId, PriceId, PromotionCodeId, TrialWithoutMethod, Wallet,
};

use super::{ManyOf, freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A subscription.
#[derive(Debug, Clone, Copy)]
pub struct CreateSubscription<'a> {
    /// Whose it is.
    pub customer: &'a CustomerId,
    /// What it costs.
    pub price: &'a PriceId,
    /// How many of it.
    pub quantity: u64,
    /// What is bought beside it.
    pub others: &'a [ManyOf<'a>],
    /// The promotion code that is redeemed with it. A discount of the customer's counts without one, and not beside it.
    pub promotion_code: Option<&'a PromotionCodeId>,
    /// Whether Stripe reckons taxes by where the customer is.
    pub automatic_tax: bool,
    /// How it gets its payment method.
    pub paid_by: PaidBy<'a>,
    /// The days before the first payment; 0 for none.
    pub trial_days: u32,
    /// The checkout attempt.
    pub attempt: &'a str,
    /// The shop's own user.
    pub user: &'a str,
    /// The name of the plan.
    pub plan: &'a str,
    /// The name of the wallet that pays, or [`metadata::NO_WALLET`].
    pub wallet: &'a str,
}

/// How a subscription gets its payment method.
#[derive(Debug, Clone, Copy)]
pub enum PaidBy<'a> {
    /// It was set up before, and belongs to the customer. A refused first payment leaves nothing
    /// behind.
    Method(&'a PaymentMethodId),
    /// The shopper confirms the first payment, or the SetupIntent of a trial, with this wallet.
    /// Until then the subscription is incomplete, or in a trial that nobody has confirmed.
    Shopper(Wallet),
    /// It has none, and begins with a free trial at whose end this becomes of it if there still is none.
    Nothing(TrialWithoutMethod),
}

impl CreateSubscription<'_> {
    /// The request as it will be sent.
    ///
    /// A trial is given in days, not as a date, so that the bytes do not depend on when they are
    /// built.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = Form::new().with(&["customer"], self.customer.as_str());
        let plan = ManyOf {
            price: self.price,
            quantity: self.quantity,
        };
        form = plan.item(form, &[], 0);
        for (index, other) in (1..).zip(self.others) {
            form = other.item(form, &[], index);
        }
        if let Some(code) = self.promotion_code {
            form = form.with(&["discounts", "0", "promotion_code"], code.as_str());
        }
        if self.automatic_tax {
            form = form.with(&["automatic_tax", "enabled"], "true");
        }
        form = match self.paid_by {
            PaidBy::Method(method) => form
                .with(&["default_payment_method"], method.as_str())
                // The shopper is not there to be asked again.
                .with(&["off_session"], "true")
                // A refused first payment leaves no half subscription behind.
                .with(&["payment_behavior"], "error_if_incomplete"),
            PaidBy::Shopper(wallet) => form
                .with(&["payment_behavior"], "default_incomplete")
                .with(
                    &["payment_settings", "save_default_payment_method"],
                    "on_subscription",
                )
                // Unlike the intents', this list may still be written at the pinned version.
                .with(
                    &["payment_settings", "payment_method_types", ""],
                    wallet.row().method_type,
                ),
            // Nobody is asked for anything, and nothing is due.
            PaidBy::Nothing(_) => form,
        };
        let without_method = match self.paid_by {
            PaidBy::Nothing(without_method) => without_method,
            PaidBy::Method(_) | PaidBy::Shopper(_) => TrialWithoutMethod::Cancel,
        };
        form = form.with(&["billing_mode", "type"], "flexible");
        if self.trial_days > 0 {
            form = form
                .with_number(&["trial_period_days"], i64::from(self.trial_days))
                .with(
                    &["trial_settings", "end_behavior", "missing_payment_method"],
                    without_method.as_str(),
                );
        }
        form = form
            .with(&["metadata", metadata::ATTEMPT], self.attempt)
            .with(&["metadata", metadata::USER], self.user)
            .with(&["metadata", metadata::PLAN], self.plan)
            // The price of the item may be switched at Stripe; this one stays.
            .with(&["metadata", metadata::PRICE], self.price.as_str())
            .with(&["metadata", metadata::WALLET], self.wallet);
        let expanded = match self.paid_by {
            PaidBy::Method(_) | PaidBy::Nothing(_) => ["latest_invoice", "default_payment_method"],
            PaidBy::Shopper(_) => ["latest_invoice.confirmation_secret", "pending_setup_intent"],
        };
        for field in expanded {
            form = form.with(&["expand", ""], field);
        }
        freeze(path::SUBSCRIPTIONS, form, key)
    }
}
