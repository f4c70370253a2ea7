//! The Lambda; see the library for what it does.

use perennial_config::Env;
use wallets::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Env::process();
    perennial_config::start_log(&env);
    let app = App::start(&env).await?;
    perennial_http::run(app).await
}
