//! The Lambda; see the library for what it does.

use perennial_config::Env;
use webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let app = App::start(&Env::process()).await?;
    perennial_http::run(app).await
}
