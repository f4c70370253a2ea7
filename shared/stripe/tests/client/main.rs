//! The client against a server that answers as Stripe does, well and badly.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]

mod attempts;
mod failures;
mod keys;
mod objects;
mod payment_objects;
mod payment_requests;
mod requests;
mod support;
mod transport;
mod wallets;
