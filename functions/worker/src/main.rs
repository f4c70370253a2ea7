//! The Lambda; see the library for what it does.

use std::convert::Infallible;

use lambda_runtime::{LambdaEvent, service_fn};
use perennial_config::Env;
use serde_json::Value;
use worker::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Env::process();
    perennial_config::start_log(&env);
    let app = App::start(&env).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.handle(event.payload).await) }
    }))
    .await
}
