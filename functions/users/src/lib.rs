//! What the shop's servers do with a user as a whole: `POST /shop/customers` and `POST /shop/users/...`.
//!
//! A function of its own, because it alone of those with routes may delete what is kept of a user.

mod address;
mod adopt;
mod email;
mod erase;
mod grant;
mod offer;
mod tax_ids;

use perennial_api::{failure, refused};
use perennial_config::{Env, Start, StartError};
use perennial_flows::{Clients, actions::ActionError};
use perennial_http::{ApiError, Handler, Request, Response, Routes, routes};
use perennial_types::Clock;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, ()) = Clients::start(env, clock.clone(), Ok(())).await?;
        Ok(Self { clients, clock })
    }
}

routes! {
    Adopt = "POST /shop/customers",
    SetAddress = "POST /shop/users/address",
    SetEmail = "POST /shop/users/email",
    SetTaxIds = "POST /shop/users/tax-ids",
    SetOffer = "POST /shop/users/offer",
    Erase = "POST /shop/users/erase",
    Grant = "POST /shop/users/grant",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        request.check_server()?;
        match route {
            Route::Adopt => self.adopt(request).await,
            Route::SetAddress => self.set_address(request).await,
            Route::SetEmail => self.set_email(request).await,
            Route::SetTaxIds => self.set_tax_ids(request).await,
            Route::SetOffer => self.set_offer(request).await,
            Route::Erase => self.erase(request).await,
            Route::Grant => self.grant(request).await,
        }
    }
}

fn answer_of(error: ActionError) -> ApiError {
    match error {
        ActionError::Flow(error) => failure(error),
        ActionError::Refused(refusal) => refused(refusal.why),
    }
}
