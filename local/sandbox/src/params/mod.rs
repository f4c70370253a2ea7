//! What a request may say, checked against Stripe's own parameter trees.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod currencies;
pub(crate) mod form;
pub(crate) mod limits;
pub(crate) mod schema;
