//! The sandbox over HTTP, as a client of Stripe's API and a shopper meet it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of these tests fail a test as its body does"
)]

mod apple_pay;
mod domains;
mod faults;
mod idempotency;
mod lists;
mod money_back;
mod pages;
mod parameters;
mod payment_holds;
mod payment_intents;
mod payment_refusals;
mod persistence;
mod portal;
mod renewals;
mod setup_intents;
mod subscription_changes;
mod subscriptions;
mod support;
mod webhooks;
