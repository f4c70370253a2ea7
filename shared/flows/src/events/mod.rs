//! What an event of Stripe leads to. Its body plays no part: what it is about is read again.

mod apply;
mod payment_methods;

use perennial_store::InboxItem;

use crate::{Context, FlowError, Resolver};

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

    /// Leaves an event that cannot be applied now to the sweep, which looks at it the next time. False if
    /// that could not be noted.
    pub async fn leave_to_sweep(&self, item: &InboxItem) -> bool {
        let event = item.event.as_str();
        match self.cx.table.bring_forward(item, self.cx.clock.now()).await {
            Ok(_) => {
                tracing::warn!(event, "an event that fails is left to the sweep");
                true
            }
            Err(error) => {
                let error = FlowError::from(error).chain();
                tracing::warn!(event, error, "an event could not be left to the sweep");
                false
            }
        }
    }

    fn resolver(&self) -> Resolver {
        let (stripe, table) = (self.cx.stripe.clone(), self.cx.table.clone());
        Resolver::new(stripe, table, self.cx.livemode)
    }
}
