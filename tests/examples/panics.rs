//! A function that panics at each request, with a value in the text of every other one.

use std::process::ExitCode;

use perennial_http::{ApiError, Handler, Request, Response};

#[derive(Clone)]
struct Panics;

impl Handler for Panics {
    #[allow(clippy::panic, reason = "this is what it is for")]
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        if let Some(value) = request.header("value") {
            panic!("cannot be read: {value}");
        }
        panic!("a reason that was known when this was written");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    perennial_config::run_function(async |_| perennial_http::run(Panics).await).await
}
