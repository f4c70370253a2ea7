//! The sandbox over HTTP, as a client of Stripe's API and a shopper meet it.

mod faults;
mod idempotency;
mod lists;
mod pages;
mod parameters;
mod persistence;
mod renewals;
mod setup_intents;
mod subscriptions;
mod support;
mod webhooks;
