//! How the journeys answer over HTTP: the one place where a domain error becomes a status.

mod begin_checkout;
mod checkout;
mod checkout_endpoint;
mod failure;
mod links;
mod signed_links;
pub mod stripe_js;

pub use begin_checkout::{BeginCheckout, find_plan, plan_not_available};
pub use checkout::{Checkout, checkout, parse_checkout, undecided, unknown_checkout};
pub use checkout_endpoint::CheckoutEndpoint;
pub use failure::{failure, no_plans};
pub use links::{api_url, landing, landing_of_link, landing_without_checkout, without};
pub use signed_links::{Link, LinkError, SignedLinks};
