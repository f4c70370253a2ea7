//! `POST /client-secret`: from a click on a wallet's button to a SetupIntent.

use perennial_api::{BeginCheckout, CheckoutEndpoint};
use perennial_config::{Api, Env, Start, StartError};
use perennial_flows::{OpenCheckout, ServerConsent};
use perennial_http::{ApiError, Handler, Request, Response, Routes, read_json};
use perennial_types::{Clock, First};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App(CheckoutEndpoint);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    plan: String,
    wallet: String,
    #[serde(default)]
    confirm: Confirm,
    consent: Option<String>,
    trial_days: Option<u32>,
    return_to: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Confirm {
    #[default]
    Client,
    Server,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        CheckoutEndpoint::start(env, clock).await.map(Self)
    }
}

impl Handler for App {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /client-secret", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        self.0.begin(request, read(request)?, describe).await
    }
}

fn describe(api: &Api, open: &OpenCheckout) -> Value {
    json!({
        "checkout": open.attempt.id,
        "setup_intent": open.attempt.setup_intent(),
        "client_secret": open.client_secret.expose_secret(),
        "publishable_key": api.publishable_key,
        "status": open.status,
        "redirect_url": open.redirect_url,
        "return_url": open.return_url.as_str(),
        "expires_at": open.attempt.open_until,
    })
}

fn read(request: &Request) -> Result<BeginCheckout, ApiError> {
    request.user()?;
    let ask: Ask = read_json(request)?;
    let server = match ask.confirm {
        Confirm::Client => None,
        Confirm::Server => Some(consent(request)?),
    };
    Ok(BeginCheckout {
        plan: ask.plan,
        wallet: ask.wallet,
        first: First::SetupIntent,
        consent: ask.consent,
        trial_days: ask.trial_days,
        return_to: ask.return_to,
        server,
    })
}

/// Far more than a browser says of itself, and less than Stripe refuses, which would look like a
/// mistake of the shop's.
const LONGEST_USER_AGENT: usize = 1024;

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
    let user_agent = part(&request.user_agent, "User-Agent")?;
    if user_agent.len() > LONGEST_USER_AGENT || user_agent.chars().any(char::is_control) {
        return Err(ApiError::new(
            400,
            "consent_incomplete",
            format!(
                "With \"confirm\":\"server\" the shopper's User-Agent is part of the mandate. It must be at most {LONGEST_USER_AGENT} characters without control characters."
            ),
        ));
    }
    Ok(ServerConsent {
        ip_address: part(&request.source_ip, "address")?,
        user_agent,
    })
}
