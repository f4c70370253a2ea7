//! The harness of the journeys: a whole Perennial for each test, with a way to ask each endpoint,
//! to play the shopper and Stripe, to count calls, and to end a function in the middle of its work.
//!
//! A [`TestApp`] runs the functions in this process, or their real binaries behind a Runtime API as
//! Lambda has one. When it is dropped, it fails the test if work is left over, if a secret or
//! something personal is at rest, or if Stripe holds two of what a user may have one of.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness fails its test by panicking"
)]

mod answer;
mod app;
mod calls;
mod catalog;
mod client;
mod exchanges;
mod functions;
mod lambda;
mod leftovers;
mod log;
mod proxy;
mod roles;
mod runtime;
mod sandbox;
mod secrets_manager;
mod shopper;
mod signature;
mod table;
mod wait;

pub use answer::Answer;
pub use app::{Setup, TestApp};
pub use calls::Calls;
pub use catalog::{demo_plans, demo_plans_for_all, demo_prices, without_pace};
pub use client::{Caller, USER_AGENT, http};
pub use lambda::{Lambda, binary};
pub use log::{ListensToAll, Log};
pub use proxy::Proxy;
pub use roles::{Grant, Roles};
pub use sandbox::StripeSandbox;
pub use secrets_manager::SecretsManager;
pub use shopper::Shopper;
pub use signature::sign;
pub use table::{DynamoDb, plain};
pub use wait::wait_until;
