//! How the journeys answer over HTTP: the one place where a domain error becomes a status.

mod begin_checkout;
mod checkout;
mod checkout_endpoint;
mod failure;
mod link_keys;
mod links;
mod server_consent;
mod server_request;
pub mod stripe_js;

pub use begin_checkout::{
    BeginCheckout, buy_addons, check_addon_numbers, check_quantity, find_plan, plan_not_available,
    unknown_plan,
};
pub use checkout::{Checkout, checkout, parse_checkout, undecided, unknown_checkout};
pub use checkout_endpoint::CheckoutEndpoint;
pub use failure::{failure, no_plans, refused};
pub use link_keys::{LinkKeys, unknown_link};
pub use links::{api_url, landing, landing_of_link, landing_without_checkout, without};
pub use perennial_links::{Link, LinkError, REPAIR_LINK_SECONDS, SignedLinks};
pub use server_consent::server_consent;
pub use server_request::{not_an_id, request_fingerprint, request_key};
