//! The Lambda; see the library for what it does.

use lambda_runtime::{LambdaEvent, service_fn};
use perennial_config::Env;
use reconcile::App;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Env::process();
    perennial_config::start_log(&env);
    let app = App::start(&env).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let app = app.clone();
        async move { app.handle(event.payload).await }
    }))
    .await
}
