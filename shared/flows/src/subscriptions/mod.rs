//! Stripe's subscriptions as the shop sees them: read under a fence, written as a read model, told of.

mod one_of_group;
mod read_model;
mod refresh;
mod refunds;

pub(crate) use one_of_group::report;
pub(crate) use read_model::{attempt_of, charged, read_model, sold_as};
pub(crate) use refresh::is_of;
pub(crate) use refunds::{Paid, PaidInvoice};

use crate::Context;

/// The read models of subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions<'a> {
    pub(crate) cx: &'a Context,
}
