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
        let mut ask: Ask = read_json(request)?;
        // To say that it begins with one is to say nothing.
        ask.without_payment_method = ask.without_payment_method.filter(|without| *without);
        match wanted(ask)? {
            Wanted::Finish(checkout) => self.finish(request, &checkout).await,
            Wanted::Begin(begin) => self.0.begin(request, *begin, describe).await,
        }
    }
}

/// What a body asks for.
enum Wanted {
    /// The subscription of a checkout.
    Finish(String),
    /// One that comes first.
    Begin(Box<BeginCheckout>),
}

fn wanted(ask: Ask) -> Result<Wanted, ApiError> {
    if let Ask {
        checkout: Some(checkout),
        ..
    } = &ask
    {
        let alone = Ask {
            checkout: Some(checkout.clone()),
            ..Ask::default()
        };
        return if ask == alone {
            Ok(Wanted::Finish(checkout.clone()))
        } else {
            Err(unclear(&ask))
        };
    }
    let begin = match &ask {
        Ask {
            plan: Some(_),
            wallet: None,
            first: None,
            discount: None,
            billing_address: None,
            return_to: None,
            again: Some(of),
            due_now: Some(due_now),
            without_payment_method: None,
            ..
        } => {
            let unknown = FlowError::UnknownSubscription;
            let of = of.parse().map_err(|_| failure(unknown))?;
            BeginCheckout {
                again: Some(Again::after(of, *due_now)),
                wallet: Some(Wallet::AmazonPay.as_str().to_owned()),
                ..begin(ask)
            }
        }
        Ask {
            plan: Some(_),
            wallet: Some(_),
            first: Some(AskedFirst::Subscription),
            again: None,
            due_now: None,
            without_payment_method: None,
            ..
        }
        | Ask {
            plan: Some(_),
            wallet: None,
            first: None,
            consent: None,
            discount: None,
            return_to: None,
            again: None,
            due_now: None,
            without_payment_method: Some(_),
            ..
        } => begin(ask),
        _ => return Err(unclear(&ask)),
    };
    Ok(Wanted::Begin(Box::new(begin)))
}

fn begin(ask: Ask) -> BeginCheckout {
    BeginCheckout {
        plan: ask.plan.unwrap_or_default(),
        quantity: ask.quantity,
        addons: ask.addons.unwrap_or_default(),
        wallet: ask.wallet,
        first: First::Subscription,
        consent: ask.consent,
        trial_days: ask.trial_days,
        discount: ask.discount,
        tax: ask.tax,
        billing_address: ask.billing_address,
        return_to: ask.return_to,
        again: None,
        server: None,
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
