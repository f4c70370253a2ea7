//! What happens to payments, invoices and subscriptions, at once or by itself as time goes on.

pub(crate) mod attempt;
pub(crate) mod balance;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod charges;
pub(crate) mod collect;
pub(crate) mod cycle;
pub(crate) mod discounts;
pub(crate) mod dunning;
pub(crate) mod ending;
pub(crate) mod first_transaction;
pub(crate) mod invoicing;
pub(crate) mod lines;
pub(crate) mod minimum;
pub(crate) mod pausing;
pub(crate) mod payment_outcome;
pub(crate) mod pending_update;
pub(crate) mod periods;
pub(crate) mod phases;
pub(crate) mod proration;
pub(crate) mod renew;
pub(crate) mod resuming;
pub(crate) mod retries;
pub(crate) mod taxes;
pub(crate) mod totals;
pub(crate) mod updates;
