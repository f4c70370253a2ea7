//! `POST /client-secret`: from a click on a wallet's button to a SetupIntent.

use std::collections::BTreeMap;

use perennial_api::{BeginCheckout, CheckoutEndpoint, server_consent};
use perennial_config::{Api, Env, Start, StartError};
use perennial_flows::OpenCheckout;
use perennial_http::{ApiError, Handler, Request, Response, Routes, read_json};
use perennial_types::{AgreedDiscount, AgreedTax, BillingAddress, Clock, First};
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
    quantity: Option<u64>,
    addons: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    confirm: Confirm,
    consent: Option<String>,
    trial_days: Option<u32>,
    discount: Option<AgreedDiscount>,
    tax: Option<AgreedTax>,
    billing_address: Option<BillingAddress>,
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
        Confirm::Server => Some(server_consent(request)?),
    };
    Ok(BeginCheckout {
        plan: ask.plan,
        quantity: ask.quantity,
        addons: ask.addons.unwrap_or_default(),
        wallet: Some(ask.wallet),
        first: First::SetupIntent,
        consent: ask.consent,
        trial_days: ask.trial_days,
        discount: ask.discount,
        tax: ask.tax,
        billing_address: ask.billing_address,
        return_to: ask.return_to,
        again: None,
        server,
    })
}
