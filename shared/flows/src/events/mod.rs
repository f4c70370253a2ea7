//! What an event of Stripe leads to. Its body plays no part: what it is about is read again.

mod apply;
mod payment_methods;

use crate::{Context, Resolver};

/// Stripe's events, as they lie in the inbox.
#[derive(Debug)]
pub struct Events<'a> {
    cx: &'a Context,
}

impl<'a> Events<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }

    fn resolver(&self) -> Resolver {
        let (stripe, table) = (self.cx.stripe.clone(), self.cx.table.clone());
        Resolver::new(stripe, table, self.cx.livemode)
    }
}
