//! Stripe's subscriptions as the shop sees them: read under a fence, written as a read model, told of.

mod next_charge;
mod one_of_group;
mod read_model;
mod refresh;
mod refunds;
mod saved_method;

pub(crate) use one_of_group::report;
pub(crate) use read_model::{attempt_of, charged, read_model, sold_as};
pub(crate) use refresh::{Refreshed, first_invoice_tells, is_of};
pub(crate) use refunds::{Paid, PaidInvoice};
pub(crate) use saved_method::Saved;

use std::sync::Arc;

use perennial_types::Plans;

use crate::Context;

/// The read models of subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions<'a> {
    cx: &'a Context,
    /// Whether it reads to tell of the next charge.
    reminds: bool,
}

impl<'a> Subscriptions<'a> {
    /// Those of one request.
    pub(crate) fn of(cx: &'a Context) -> Self {
        Self { cx, reminds: false }
    }

    /// The plans that tell what a subscription is for. One that was bought here a moment ago may be of a
    /// plan that was published since this copy of the function has looked.
    pub(crate) async fn plans_for(
        &self,
        subscription: &perennial_stripe::Subscription,
    ) -> Arc<Plans> {
        let is_known = charged(subscription)
            .iter()
            .all(|price| self.cx.plans.knows(price));
        if is_known {
            return Arc::clone(&self.cx.plans);
        }
        let plans = self.cx.catalog.look_again().await;
        plans.unwrap_or_else(|_| Arc::clone(&self.cx.plans))
    }
}
