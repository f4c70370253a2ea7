//! `POST /client-secret`: from a click on a wallet's button to a SetupIntent.

use perennial_api::{BeginCheckout, already_subscribed, failure, undecided};
use perennial_config::{Api, Env, Problems, StartError};
use perennial_flows::{Flows, IssueCheckout, Issued, OpenCheckout, ServerConsent};
use perennial_http::{ApiError, Handler, Request, Response, read_json};
use perennial_types::{Clock, Consent, First};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    flows: Flows,
    api: Api,
    consent: Consent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    plan: String,
    wallet: String,
    #[serde(default)]
    confirm: Confirm,
    consent: Option<String>,
    return_to: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Confirm {
    #[default]
    Client,
    Server,
}

impl App {
    /// Reads the environment and builds the clients.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let mut problems = Problems::default();
        let mode = perennial_config::stripe_mode(env, &mut Problems::default());
        let api = Api::read(env, mode, &mut problems);
        let consent = perennial_config::consent(env, &mut problems);
        Ok(Self {
            flows: Flows::start(env, problems, clock).await?,
            api,
            consent,
        })
    }

    fn read(&self, request: &Request) -> Result<IssueCheckout, ApiError> {
        request.user()?;
        let ask: Ask = read_json(request)?;
        let server = match ask.confirm {
            Confirm::Client => None,
            Confirm::Server => Some(consent(request)?),
        };
        let begin = BeginCheckout {
            plan: ask.plan,
            wallet: ask.wallet,
            first: First::SetupIntent,
            consent: ask.consent,
            return_to: ask.return_to,
            server,
        };
        begin.check(request, self.flows.plans(), &self.api, &self.consent)
    }

    fn describe(&self, open: &OpenCheckout) -> Value {
        json!({
            "checkout": open.attempt.id,
            "setup_intent": open.attempt.setup_intent,
            "client_secret": open.client_secret.expose_secret(),
            "publishable_key": self.api.publishable_key,
            "status": open.status,
            "redirect_url": open.redirect_url,
            "return_url": open.return_url.as_str(),
            "expires_at": open.attempt.open_until,
        })
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        let ask = self.read(request)?;
        match self.flows.issue_checkout(&ask).await.map_err(failure)? {
            Issued::Created(open) => Ok(Response::json(201, &self.describe(&open))),
            Issued::Resumed(open) => Ok(Response::json(200, &self.describe(&open))),
            Issued::AlreadySubscribed(subscription) => Err(already_subscribed(&subscription)),
            Issued::Undecided { checkout, finish } => undecided(checkout, finish),
        }
    }
}

/// The record of the mandate has to be true, so it is what API Gateway saw.
fn consent(request: &Request) -> Result<ServerConsent, ApiError> {
    let part = |value: &Option<String>, what: &str| {
        let value = value
            .as_deref()
            .map(str::trim)
            .filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned).ok_or_else(|| {
            ApiError::new(
                400,
                "consent_incomplete",
                format!("With \"confirm\":\"server\" the shopper's {what} is part of the mandate, and this request came without one."),
            )
        })
    };
    Ok(ServerConsent {
        ip_address: part(&request.source_ip, "address")?,
        user_agent: part(&request.user_agent, "User-Agent")?,
    })
}
