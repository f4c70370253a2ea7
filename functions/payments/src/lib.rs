//! Payments that the shop's own servers ask for: now, later, held and taken, given back.
//!
//! API Gateway lets only requests through that AWS Signature Version 4 signs, and this function
//! refuses those that did not pass there.

mod answer;
mod ask;
mod asked;
mod carry_out;
mod page;

use perennial_api::SignedLinks;
use perennial_config::{Api, Env, Shop, Start, StartError, all, link_secret};
use perennial_flows::Clients;
use perennial_http::{ApiError, Handler, Request, Response, Routes};
use perennial_types::Clock;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    api: Api,
    shop: Shop,
    links: SignedLinks,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), Shop::read(env), link_secret(env)));
        let (clients, (api, shop, links)) = Clients::connect(env, clock.clone(), own).await?;
        Ok(Self {
            clients,
            api,
            shop,
            links: SignedLinks::fetch(links).await?,
            clock,
        })
    }
}

/// The routes of the function.
#[derive(Debug, Clone, Copy)]
pub enum Route {
    /// A payment, off-session or in the page.
    Pay,
    /// What has become of a payment.
    Show,
    /// Something is done with a payment.
    Change(Change),
    /// A token becomes a saved method.
    Migrate,
    /// Why a saved method is declined.
    Diagnose,
}

/// What is done with a payment.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// More is authorized.
    Increment,
    /// What is authorized is captured.
    Capture,
    /// It is canceled.
    Cancel,
    /// It is refunded.
    Refund,
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = &[
        ("POST /payments", Route::Pay),
        ("GET /payments/{payment}", Route::Show),
        (
            "POST /payments/{payment}/increment",
            Route::Change(Change::Increment),
        ),
        (
            "POST /payments/{payment}/capture",
            Route::Change(Change::Capture),
        ),
        (
            "POST /payments/{payment}/cancel",
            Route::Change(Change::Cancel),
        ),
        (
            "POST /payments/{payment}/refunds",
            Route::Change(Change::Refund),
        ),
        ("POST /payment-methods/migrate", Route::Migrate),
        (
            "GET /payment-methods/{payment_method}/diagnosis",
            Route::Diagnose,
        ),
    ];

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        request.check_server()?;
        // None of these is about plans.
        let flows = &self.clients.begin_without_plans();
        match route {
            Route::Pay => Box::pin(self.pay(flows, request)).await,
            Route::Show => self.show(flows, request).await,
            Route::Change(change) => Box::pin(self.change(flows, request, change)).await,
            Route::Migrate => Box::pin(self.migrate(flows, request)).await,
            Route::Diagnose => Box::pin(self.diagnose(flows, request)).await,
        }
    }
}
