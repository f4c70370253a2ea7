//! `POST /subscriptions`: the subscription of a checkout that the wallet has agreed to.

use perennial_api::{checkout, failure, parse_checkout};
use perennial_config::{Env, Problems, StartError};
use perennial_flows::{Finish, Flows};
use perennial_http::{ApiError, Handler, Request, Response, read_json};
use perennial_types::{Clock, FailureReason};
use serde::Deserialize;
use serde_json::json;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    flows: Flows,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    checkout: String,
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
        let user = request.user()?;
        let ask: Ask = read_json(request)?;
        let id = parse_checkout(&ask.checkout)?;
        match self
            .flows
            .finish_checkout(user, &id)
            .await
            .map_err(failure)?
        {
            Finish::Subscribed {
                subscription,
                created,
            } => {
                let status = if created { 201 } else { 200 };
                Ok(Response::json(
                    status,
                    &json!({ "subscription": subscription }),
                ))
            }
            Finish::Pending { retry_after } => {
                let body = checkout(id, Finish::Pending { retry_after });
                Ok(Response::json(202, &body).with_header("retry-after", retry_after.to_string()))
            }
            Finish::Failed { reason } => {
                let error = ApiError::new(status(reason), reason.as_str(), reason.message());
                Err(error.with("may_retry", json!(reason.may_retry())))
            }
        }
    }
}

fn status(reason: FailureReason) -> u16 {
    match reason {
        FailureReason::PaymentDeclined
        | FailureReason::WalletDeclined
        | FailureReason::WalletAbandoned => 402,
        FailureReason::AlreadySubscribed | FailureReason::Canceled | FailureReason::Expired => 409,
        FailureReason::Rejected => 502,
    }
}
