//! The Lambda; see the library for what it does.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_process::run_function(async |_| {
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
            shop_events::handle(&event.payload)
        }))
        .await
    })
    .await
}
