//! `GET /manage` and `GET /authorize`: where a signed link leads a shopper who is not signed in.
//!
//! The signature is the proof. A link of one purpose does not open the other, and whatever is wrong
//! with a link, the answer is in the same words. These links are in mails and in Apple's wallet, so a
//! browser whose link opens nothing is sent to the shop's page, which has a sentence for it.

mod authorize;
mod manage;

use perennial_api::{Link, LinkError, SignedLinks, failure, landing_of_link};
use perennial_config::{Api, Env, Rolling, Shop, Start, StartError, all, link_secret};
use perennial_flows::{Connections, FlowError};
use perennial_http::{ApiError, Handler, Request, Response, Routes, routes};
use perennial_stripe::StripeError;
use perennial_types::{Clock, CustomerId, UserId};
use secrecy::SecretString;

const NOT_OPENED: &str = "a link opened nothing; the shop's page says so";

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    connections: Connections,
    api: Api,
    shop: Shop,
    secret: Rolling<SecretString>,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), Shop::read(env), link_secret(env)));
        let (connections, (api, shop, secret)) = Connections::open(env, own).await?;
        Ok(Self {
            connections,
            api,
            shop,
            secret: secret.fetch().await?,
            clock,
        })
    }
}

impl App {
    /// What the link of this request is good for.
    async fn link(&self, request: &Request) -> Result<Link, ApiError> {
        let text = request.query.get("link").map_or("", String::as_str);
        let now = self.clock.now();
        let known = self.secret.current().await;
        let mut link = SignedLinks::new(&known).read(text, now);
        if link == Err(LinkError::Signature) {
            // It may be signed with a secret that was put there since this copy started.
            if let Some(secret) = self.secret.after_refusal(&known, now).await {
                link = SignedLinks::new(&secret).read(text, now);
            }
        }
        link.map_err(|error| unknown_link().because(error))
    }

    async fn customer(&self, user: &UserId) -> Result<Option<CustomerId>, ApiError> {
        let customer = self.connections.table.known_customer(user).await;
        customer.map_err(|error| failure(FlowError::Store(error)))
    }

    async fn open(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        match (route, self.link(request).await?) {
            (
                Route::Manage,
                Link::Manage {
                    user,
                    number,
                    saved,
                },
            ) => self.manage(&user, number, saved).await,
            (Route::Authorize, Link::Authorize { user, payment }) => {
                self.authorize(request, &user, &payment).await
            }
            _ => Err(unknown_link()),
        }
    }
}

routes! {
    Manage = "GET /manage",
    Authorize = "GET /authorize",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        match self.open(route, request).await {
            Err(error) if !request.wants_json() => {
                error.log(&request.request_id, NOT_OPENED);
                let why = match error.code {
                    "unknown_link" => "expired",
                    _ => "unavailable",
                };
                Ok(Response::see_other(&landing_of_link(&self.shop, why)))
            }
            answer => answer,
        }
    }
}

/// The same words whether the link was never signed, was changed, has expired or is about something
/// that is not there.
fn unknown_link() -> ApiError {
    ApiError::new(
        404,
        "unknown_link",
        "This link is invalid or has expired. Ask the shop for another one.",
    )
}

/// Whether Stripe says that the object is not there.
fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
        || matches!(error, StripeError::Invalid { status: 404, .. })
}
