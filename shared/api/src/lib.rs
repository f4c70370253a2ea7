//! How the journeys answer over HTTP: the one place where a domain error becomes a status.

mod checkout;
mod failure;
mod links;
mod signed_links;
pub mod stripe_js;

pub use checkout::{Checkout, checkout, parse_checkout, unknown_checkout};
pub use failure::failure;
pub use links::{api_url, landing};
pub use signed_links::{Link, LinkError, SignedLinks};
