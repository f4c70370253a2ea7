//! `GET /confirm`, where a wallet sends the shopper back to, and `GET /checkouts/{checkout}`,
//! which a page polls.
//!
//! A return is a navigation from another site, so it has no token; `Flows::confirm_return` says what
//! proves it.

use perennial_api::{
    Checkout, checkout, failure, landing, landing_without_checkout, parse_checkout,
    unknown_checkout,
};
use perennial_config::{Env, Shop, Start, StartError};
use perennial_flows::{Clients, Finish, FlowError, Return, ReturnedIntent};
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_types::{Clock, ReturnPath};
use secrecy::SecretString;

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
                error.log(request, UNSETTLED);
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
        let flows = self.clients.begin().await?;
        flows.confirm_return(back).await
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
        let flows = self.clients.begin().await.map_err(failure)?;
        let finish = flows.finish_checkout(user, &id).await.map_err(failure)?;
        let checkout = checkout(id, finish);
        let response = Response::json(200, &checkout);
        Ok(match checkout.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        })
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        if request.route == "GET /checkouts/{checkout}" {
            return self.poll(request, request.parameter("checkout")).await;
        }
        match self.confirm(request).await {
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

fn read_return(request: &Request) -> Result<Return, ApiError> {
    let parameter = |name: &'static str| {
        let value = request.query.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_parameter",
                format!("The address lacks {name}. Use the return_url of POST /client-secret as it is; Stripe adds the rest."),
            )
        })
    };
    let (intent, id, secret) = if request.query.contains_key("payment_intent") {
        let id = parameter("payment_intent")?;
        let intent = id.parse().map(ReturnedIntent::Payment);
        (intent, id, parameter("payment_intent_client_secret")?)
    } else {
        let id = parameter("setup_intent")?;
        let intent = id.parse().map(ReturnedIntent::Setup);
        (intent, id, parameter("setup_intent_client_secret")?)
    };
    let checkout = parameter("checkout")?;
    let intent = intent.map_err(|_| unknown_checkout())?;
    // A secret begins with its intent's id, so that most made-up ones cost no call.
    if !secret.starts_with(&format!("{id}_secret_")) {
        return Err(unknown_checkout());
    }
    Ok(Return {
        intent,
        secret: SecretString::from(secret.as_str()),
        checkout: parse_checkout(checkout)?,
    })
}
