//! What happens to payments, invoices and subscriptions, at once or by itself as time goes on.

pub(crate) mod attempt;
pub(crate) mod cancel;
pub(crate) mod charges;
pub(crate) mod collect;
pub(crate) mod first_transaction;
pub(crate) mod invoicing;
pub(crate) mod payment_outcome;
pub(crate) mod periods;
pub(crate) mod renew;
