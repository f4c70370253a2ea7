//! The Lambda; see the library for what it does.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use partner_events::App;
use perennial_config::Start as _;
use perennial_types::Clock;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_config::run_function(async |env| {
        let app = App::start(&env, Clock::system()).await?;
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
            let app = app.clone();
            async move { app.handle(event.payload).await }
        }))
        .await
    })
    .await
}
