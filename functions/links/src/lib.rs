//! `GET /manage` and `GET /authorize`: where a signed link leads a shopper who is not signed in.

use perennial_config::{Env, Problems, StartError};
use perennial_flows::Flows;
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_types::Clock;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    flows: Flows,
}

impl App {
    /// Reads the environment and builds the clients.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
        Ok(Self {
            flows: Flows::start(env, Problems::default(), clock).await?,
        })
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        let _ = (&self.flows, request);
        Err(ApiError::new(
            404,
            "unknown_route",
            "There is no such route.",
        ))
    }
}
