//! What an event of Stripe leads to. Its body plays no part: what it is about is read again.

mod apply;
mod payment_methods;

use crate::Context;

/// Stripe's events, as they lie in the inbox.
#[derive(Debug)]
pub struct Events<'a> {
    pub(crate) cx: &'a Context,
}
