//! The Lambda; see the library for what it does.

use std::process::ExitCode;

use client_secret::App;
use perennial_config::Start as _;
use perennial_types::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_config::run_function(async |env| {
        let app = App::start(&env, Clock::system()).await?;
        perennial_http::run(app).await
    })
    .await
}
