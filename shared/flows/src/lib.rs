//! What happens between a shopper's click and a subscription that is paid, and afterwards.
//!
//! A request begins with [`Clients::begin`], which gives a [`Context`]: the clients, the plans and the
//! time of that request. What is done in it belongs to one of its parts, which call each other downward
//! only:
//!
//! ```text
//! Sweeps ─┬─> Events ─┬─> Checkouts ─┬─> Subscriptions
//!         └───────────┴──────────────┤
//!                         Payments ──┴─> Customers
//!                          Actions ────> Subscriptions
//! Sweeps ───> Erasures ───> Checkouts, Customers
//! ```
//!
//! Each step that creates something at Stripe is claimed in the table first, with the exact
//! request that will be sent; a repeat of the step sends the same bytes. Any of several
//! callers may finish a checkout, and all of them get the same answer.

pub mod actions;
mod catalog;
mod checkouts;
mod claimed_step;
mod clients;
pub mod codes;
mod context;
mod customers;
mod erasure;
mod error;
mod events;
pub mod first_period;
mod listed;
mod owners;
pub mod payments;
mod portal;
mod shop_events;
mod subscriptions;
mod sweep_budget;
pub mod sweeps;
pub mod tax;

pub use catalog::{PublishError, Published, RefreshedPlans, Resolver};
pub use checkouts::{
    Again, Checkouts, Finish, IssueCheckout, Issued, OpenCheckout, Return, ReturnedIntent,
    ServerConsent, ToConfirm,
};
pub use clients::{Clients, Connections};
pub use context::Context;
pub use customers::Customers;
pub use erasure::{EraseError, Erased, Erasures};
pub use error::FlowError;
pub use events::Events;
pub use portal::{Portal, PortalKept};
pub use sweep_budget::SweepBudget;
