//! `POST /subscriptions`: the subscription of a checkout that the wallet has agreed to, or one that
//! comes first and waits for its shopper.

mod ask;

use perennial_api::{BeginCheckout, CheckoutEndpoint, failure, parse_checkout, undecided};
use perennial_config::{Api, Env, Start, StartError};
use perennial_flows::{Again, Finish, FlowError, OpenCheckout};
use perennial_http::{ApiError, Handler, Request, Response, Routes, SubscriptionBody, read_json};
use perennial_types::{Clock, First, Wallet};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use ask::{Ask, AskedFirst, unclear};

/// The function.
#[derive(Debug, Clone)]
pub struct App(CheckoutEndpoint);

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        CheckoutEndpoint::start(env, clock).await.map(Self)
    }
}

impl App {
    async fn finish(&self, request: &Request, checkout: &str) -> Result<Response, ApiError> {
        let id = parse_checkout(checkout)?;
        let context = self.0.clients.begin().await.map_err(failure)?;
        let finish = context.checkouts().finish(request.user()?, &id).await;
        match finish.map_err(failure)? {
            Finish::Subscribed {
                subscription,
                created,
            } if !subscription.status.is_terminal() => {
                let status = if created { 201 } else { 200 };
                Ok(Response::json(
                    status,
                    &json!({ "subscription": SubscriptionBody(*subscription) }),
                ))
            }
            finish => undecided(id, finish),
        }
    }
}

impl Handler for App {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /subscriptions", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        request.user()?;
        match read_json::<Ask>(request)? {
            Ask {
                checkout: Some(checkout),
                plan: None,
                wallet: None,
                quantity: None,
                addons: None,
                first: None,
                consent: None,
                trial_days: None,
                discount: None,
                tax: None,
                billing_address: None,
                return_to: None,
                again: None,
                due_now: None,
            } => self.finish(request, &checkout).await,
            Ask {
                checkout: None,
                plan: Some(plan),
                wallet: Some(wallet),
                quantity,
                addons,
                first: Some(AskedFirst::Subscription),
                consent,
                trial_days,
                discount,
                tax,
                billing_address,
                return_to,
                again: None,
                due_now: None,
            } => {
                let begin = BeginCheckout {
                    plan,
                    quantity,
                    addons: addons.unwrap_or_default(),
                    wallet,
                    first: First::Subscription,
                    consent,
                    trial_days,
                    discount,
                    tax,
                    billing_address,
                    return_to,
                    again: None,
                    server: None,
                };
                self.0.begin(request, begin, describe).await
            }
            Ask {
                checkout: None,
                plan: Some(plan),
                wallet: None,
                quantity,
                addons,
                first: None,
                consent,
                trial_days,
                discount: None,
                tax,
                billing_address: None,
                return_to: None,
                again: Some(of),
                due_now: Some(due_now),
            } => {
                let unknown = FlowError::UnknownSubscription;
                let of = of.parse().map_err(|_| failure(unknown))?;
                let begin = BeginCheckout {
                    plan,
                    quantity,
                    addons: addons.unwrap_or_default(),
                    wallet: Wallet::AmazonPay.as_str().to_owned(),
                    first: First::Subscription,
                    consent,
                    trial_days,
                    discount: None,
                    tax,
                    billing_address: None,
                    return_to: None,
                    again: Some(Again::after(of, due_now)),
                    server: None,
                };
                self.0.begin(request, begin, describe).await
            }
            ask => Err(unclear(&ask)),
        }
    }
}

fn describe(api: &Api, open: &OpenCheckout) -> Value {
    json!({
        "checkout": open.attempt.id,
        "subscription": open.attempt.subscription(),
        "confirm": open.confirm.as_str(),
        "client_secret": open.client_secret.expose_secret(),
        "publishable_key": api.publishable_key,
        "status": open.status,
        "return_url": open.return_url.as_str(),
        "expires_at": open.attempt.open_until,
    })
}
