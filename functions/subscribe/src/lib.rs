//! `POST /subscriptions`: the subscription of a checkout that the wallet has agreed to, or one that
//! comes first and waits for its shopper.

mod ask;

use perennial_api::{
    BeginCheckout, SignedLinks, already_subscribed, failure, manage_link, parse_checkout, undecided,
};
use perennial_config::{Api, Env, Start, StartError, all, consent, link_secret};
use perennial_flows::{Clients, Finish, Issued, OpenCheckout};
use perennial_http::{ApiError, Handler, Request, Response, Routes, SubscriptionBody, read_json};
use perennial_types::{Clock, Consent, First};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use ask::{Ask, AskedFirst, unclear};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    api: Api,
    consent: Consent,
    links: SignedLinks,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), consent(env), link_secret(env)));
        let (clients, (api, consent, links)) = Clients::start(env, clock, own).await?;
        Ok(Self {
            clients,
            api,
            consent,
            links: SignedLinks::fetch(links).await?,
        })
    }
}

impl App {
    async fn finish(&self, request: &Request, checkout: &str) -> Result<Response, ApiError> {
        let id = parse_checkout(checkout)?;
        let flows = self.clients.begin().await.map_err(failure)?;
        let finish = flows.checkouts().finish(request.user()?, &id).await;
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

    async fn begin(&self, request: &Request, begin: BeginCheckout) -> Result<Response, ApiError> {
        let flows = self.clients.begin().await.map_err(failure)?;
        let ask = begin.check(request, flows.plans(), &self.api, &self.consent)?;
        match flows.checkouts().issue(&ask).await.map_err(failure)? {
            Issued::Created(open) => Ok(Response::json(201, &self.describe(&open))),
            Issued::Resumed(open) => Ok(Response::json(200, &self.describe(&open))),
            Issued::AlreadySubscribed(subscription) => {
                let manage = manage_link(&flows, &self.links, &self.api, request).await?;
                Err(already_subscribed(*subscription, &manage))
            }
            Issued::Undecided { checkout, finish } => undecided(checkout, finish),
        }
    }

    fn describe(&self, open: &OpenCheckout) -> Value {
        json!({
            "checkout": open.attempt.id,
            "subscription": open.attempt.subscription(),
            "confirm": open.confirm.as_str(),
            "client_secret": open.client_secret.expose_secret(),
            "publishable_key": self.api.publishable_key,
            "status": open.status,
            "return_url": open.return_url.as_str(),
            "expires_at": open.attempt.open_until,
        })
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
                first: None,
                consent: None,
                trial_days: None,
                return_to: None,
            } => self.finish(request, &checkout).await,
            Ask {
                checkout: None,
                plan: Some(plan),
                wallet: Some(wallet),
                first: Some(AskedFirst::Subscription),
                consent,
                trial_days,
                return_to,
            } => {
                let begin = BeginCheckout {
                    plan,
                    wallet,
                    first: First::Subscription,
                    consent,
                    trial_days,
                    return_to,
                    server: None,
                };
                self.begin(request, begin).await
            }
            ask => Err(unclear(&ask)),
        }
    }
}
