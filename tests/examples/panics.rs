//! A function that panics at each request, with a value in the text of every other one.

use std::process::ExitCode;

use perennial_config::{Env, Start, StartError};
use perennial_http::{ApiError, Handler, Request, Response, Routes};
use perennial_types::Clock;

struct Panics;

impl Start for Panics {
    async fn start(_: &Env, _: Clock) -> Result<Self, StartError> {
        Ok(Self)
    }
}

impl Handler for Panics {
    type Route = ();
    const ROUTES: Routes<()> = &[("GET /wallets", ())];

    #[allow(clippy::panic, reason = "this is what it is for")]
    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        if let Some(value) = request.header("value") {
            panic!("cannot be read: {value}");
        }
        panic!("a reason that was known when this was written");
    }
}

fn main() -> ExitCode {
    perennial_http::main::<Panics>()
}
