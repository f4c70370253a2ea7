//! The sandbox over HTTP, as a client of Stripe's API and a shopper meet it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of these tests fail a test as its body does"
)]

mod amounts;
mod apple_pay;
mod coupons;
mod credit_notes;
mod discounts;
mod domains;
mod dunning;
mod endings;
mod faults;
mod frozen;
mod idempotency;
mod invoice_changes;
mod lists;
mod money_back;
mod nested_parameters;
mod pages;
mod parameters;
mod pausing;
mod payment_holds;
mod payment_intents;
mod payment_refusals;
mod persistence;
mod planting;
mod portal;
mod portal_configurations;
mod previews;
mod probe;
mod prorations;
mod refusals;
mod renewals;
mod schedules;
mod setup_intents;
mod subscription_changes;
mod subscription_items;
mod subscriptions;
mod support;
mod tax_objects;
mod taxes;
mod trials;
mod unpaid_changes;
mod webhooks;
