//! `GET /confirm`, where a wallet sends the shopper back to, and `GET /checkouts/{checkout}`,
//! which a page polls.
//!
//! A return is a navigation from another site, so it has no token; `Context::confirm_return` says what
//! proves it.

mod returned;

use perennial_api::{
    Checkout, checkout, failure, landing, landing_without_checkout, parse_checkout,
    unknown_checkout,
};
use perennial_config::{Env, Shop, Start, StartError};
use perennial_flows::{Clients, Finish, FlowError, Return};
use perennial_http::{ApiError, Handler, Request, Response, Routes, routes};
use perennial_types::{Clock, ReturnPath};

use returned::read_return;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    shop: Shop,
}

const UNSETTLED: &str = "a return could not be settled; the shop's page will ask again";

/// When Stripe or the table does not answer, the shop's page asks again after this.
const ASK_AGAIN: u32 = 3;

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, shop) = Clients::start(env, clock, Shop::read(env)).await?;
        Ok(Self { clients, shop })
    }
}

impl App {
    async fn confirm(&self, request: &Request) -> Result<Response, ApiError> {
        let back = read_return(request)?;
        let id = back.checkout.clone();
        match self.settle(&back).await {
            Ok((finish, return_to)) => {
                Ok(self.answer(request, &checkout(id, finish), return_to.as_ref()))
            }
            Err(FlowError::UnknownCheckout) => Err(unknown_checkout()),
            // The shopper has agreed at the wallet and must not end on an error page: the shop's
            // page asks again, and the webhook finishes the checkout in any case.
            Err(error) if !request.wants_json() => {
                let error = failure(error);
                error.log(&request.request_id, UNSETTLED);
                let pending = Finish::Pending {
                    retry_after: ASK_AGAIN,
                };
                Ok(self.answer(request, &checkout(id, pending), None))
            }
            Err(error) => Err(failure(error)),
        }
    }

    async fn settle(&self, back: &Return) -> Result<(Finish, Option<ReturnPath>), FlowError> {
        // One budget for all of it, the reads of the proof included.
        let context = self.clients.begin().await?;
        context.checkouts().confirm_return(back).await
    }

    fn answer(
        &self,
        request: &Request,
        checkout: &Checkout,
        return_to: Option<&ReturnPath>,
    ) -> Response {
        if request.wants_json() {
            return Response::json(200, checkout);
        }
        Response::see_other(&landing(&self.shop, return_to, checkout))
    }

    async fn poll(&self, request: &Request, text: &str) -> Result<Response, ApiError> {
        let user = request.user()?;
        let id = parse_checkout(text)?;
        let context = self.clients.begin().await.map_err(failure)?;
        let finish = context
            .checkouts()
            .finish(user, &id)
            .await
            .map_err(failure)?;
        let checkout = checkout(id, finish);
        let response = Response::json(200, &checkout);
        Ok(match checkout.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        })
    }
}

routes! {
    Return = "GET /confirm",
    Poll = "GET /checkouts/{checkout}",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        let answer = match route {
            Route::Return => self.confirm(request).await,
            Route::Poll => return self.poll(request, request.parameter("checkout")).await,
        };
        match answer {
            // A page of raw JSON would keep the client secret in the address bar and in the history.
            Err(error) if error.status < 500 && !request.wants_json() => {
                tracing::info!(
                    request_id = request.request_id,
                    code = error.code,
                    "a return leads to no checkout"
                );
                let page = landing_without_checkout(&self.shop, error.code);
                Ok(Response::see_other(&page))
            }
            answer => answer,
        }
    }
}
