//! The journeys of shoppers through the real thing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    // A table of cases is long and easy to read.
    clippy::too_many_lines,
    reason = "a test fails by panicking, in its helpers as well"
)]

/// Each journey twice: with the functions in this process, and with their binaries as Lambda runs
/// them. The second is for `cargo test -- --ignored`, since binaries take long to start.
macro_rules! on_both {
    ($($journey:ident),* $(,)?) => {
        mod in_this_process {
            $(#[tokio::test]
            async fn $journey() {
                super::$journey(perennial_tests::TestApp::start().await).await;
            })*
        }

        mod behind_the_runtime_api {
            $(#[tokio::test]
            #[ignore = "slow: the binaries behind the Runtime API"]
            async fn $journey() {
                super::$journey(perennial_tests::TestApp::start_on_lambda().await).await;
            })*
        }
    };
}

mod actions;
mod addon_checkouts;
mod addresses;
mod adopting;
mod adopting_many;
mod answers;
mod apple_pay;
mod archive;
mod at_once;
mod bad_input;
mod bounded;
mod call_counts;
mod catalog;
mod claimed_steps;
mod clocks;
mod codes;
mod configuration;
mod declines;
mod disputed_access;
mod emailing;
mod ended;
mod ending;
mod endpoint_types;
mod erasing;
mod event_orders;
mod features;
mod forgotten;
mod fraud_warnings;
mod grants;
mod iam;
mod killed;
mod links;
mod logs;
mod lost_browser;
mod lost_setups;
mod many;
mod modes;
mod money_back;
mod more_wallets;
mod one_function;
mod overdue;
mod payments;
mod permissions;
mod portal;
mod private_plans;
mod provoked;
mod quantities;
mod refused;
mod refused_plans;
mod renamed;
mod resumed;
mod rolled_secrets;
mod stream_batches;
mod stripe_failures;
mod subscribing;
mod sweeps;
mod switched;
mod table_failures;
mod tax;
mod time_budget;
mod trials;
mod unreadable;
mod users;
mod wallet_health;
mod wallets;
mod whose_subscription;
mod wrong_method;
