//! What happens to subscriptions and invoices, at once or by itself as time goes on.

pub(crate) mod attempt;
pub(crate) mod cancel;
pub(crate) mod collect;
pub(crate) mod invoicing;
pub(crate) mod periods;
pub(crate) mod renew;
