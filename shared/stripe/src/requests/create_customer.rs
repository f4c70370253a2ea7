//! <https://docs.stripe.com/api/customers/create>

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A customer for a user of the shop. No name or address goes along: Stripe gets the wallet's.
#[derive(Debug, Clone, Copy)]
pub struct CreateCustomer<'a> {
    /// The shop's own user.
    pub user: &'a str,
}

impl CreateCustomer<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new().with(&["metadata", metadata::USER], self.user);
        freeze(path::CUSTOMERS, form, key)
    }
}
