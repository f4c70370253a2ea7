//! `GET /manage` and `GET /authorize`: where a signed link leads a shopper who is not signed in.
//!
//! The signature is the proof. A link of one purpose does not open the other, and whatever is wrong
//! with a link, the answer is in the same words. These links are in mails and in Apple's wallet, so a
//! browser whose link opens nothing is sent to the shop's page, which has a sentence for it.

mod authorize;
mod manage;

use perennial_api::{Link, LinkKeys, failure, landing_of_link, unknown_link};
use perennial_config::{Api, Env, Shop, Start, StartError, all, link_secret};
use perennial_flows::{Connections, FlowError};
use perennial_http::{ApiError, Handler, Request, Response, Routes, routes};
use perennial_stripe::StripeError;
use perennial_types::{Clock, CustomerId, UserId};

const NOT_OPENED: &str = "a link opened nothing; the shop's page says so";

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    connections: Connections,
    api: Api,
    shop: Shop,
    links: LinkKeys,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), Shop::read(env), link_secret(env)));
        let (connections, (api, shop, secret)) = Connections::open(env, own).await?;
        let checked = connections.table.check_mode().await;
        checked.map_err(StartError::table)?;
        Ok(Self {
            connections,
            api,
            shop,
            links: LinkKeys::fetch(secret).await?,
            clock,
        })
    }
}

impl App {
    async fn customer(&self, user: &UserId) -> Result<Option<CustomerId>, ApiError> {
        let customer = self.connections.table.known_customer(user).await;
        customer.map_err(|error| failure(FlowError::Store(error)))
    }

    async fn open(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        let text = request.query.get("link").map_or("", String::as_str);
        let link = self.links.open(text, self.clock.now()).await?;
        match (route, link) {
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

/// Whether Stripe says that the object is not there.
fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
        || matches!(error, StripeError::Invalid { status: 404, .. })
}
