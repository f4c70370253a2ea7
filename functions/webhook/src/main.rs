//! The Lambda; see the library for what it does.

use std::process::ExitCode;

use webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_config::run_function(async |env| {
        let app = App::start(&env).await?;
        perennial_http::run(app).await
    })
    .await
}
