//! The Lambda; see the library for what it does.

use std::{convert::Infallible, process::ExitCode};

use lambda_runtime::{LambdaEvent, service_fn};
use perennial_config::Start as _;
use perennial_types::Clock;
use serde_json::Value;
use worker::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_config::run_function(async |env| {
        let app = App::start(&env, Clock::system()).await?;
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(app.handle(event.payload).await) }
        }))
        .await
    })
    .await
}
