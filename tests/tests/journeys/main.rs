//! The journeys of shoppers through the real thing.

/// Each journey twice: with the functions in this process, and with their binaries as Lambda runs
/// them.
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
            async fn $journey() {
                super::$journey(perennial_tests::TestApp::start_on_lambda().await).await;
            })*
        }
    };
}

mod at_once;
mod bad_input;
mod call_counts;
mod configuration;
mod event_orders;
mod killed;
mod lost_browser;
mod refused;
mod resumed;
mod stripe_failures;
mod subscribing;
mod table_failures;
mod wallet_health;
