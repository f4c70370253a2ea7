//! What a function that opens checkouts is made of.

use perennial_config::{Api, Env, StartError, all, consent, email_claim, link_secret};
use perennial_flows::{Clients, Context, Issued, OpenCheckout};
use perennial_http::{ApiError, Request, Response, SubscriptionBody};
use perennial_types::{Clock, Consent};
use serde_json::{Value, json};

use crate::{
    BeginCheckout, SignedLinks, api_url, checkout::already_subscribed, failure, undecided,
    unknown_plan,
};

/// Opens checkouts, and answers pages about them.
#[derive(Debug, Clone)]
pub struct CheckoutEndpoint {
    /// The clients and the catalog.
    pub clients: Clients,
    /// What a page is told.
    pub api: Api,
    consent: Consent,
    email_claim: Option<String>,
    links: SignedLinks,
}

impl CheckoutEndpoint {
    /// Reads the environment and builds the clients.
    pub async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((
            Api::read(env),
            consent(env),
            email_claim(env),
            link_secret(env),
        ));
        let (clients, (api, consent, email_claim, links)) = Clients::start(env, clock, own).await?;
        Ok(Self {
            clients,
            api,
            consent,
            email_claim,
            links: SignedLinks::fetch(links).await?,
        })
    }

    /// Opens a checkout or goes on with the open one, of which `describe` says what the page is told.
    pub async fn begin(
        &self,
        request: &Request,
        begin: BeginCheckout,
        describe: fn(&Api, &OpenCheckout) -> Value,
    ) -> Result<Response, ApiError> {
        let context = self.clients.begin().await.map_err(failure)?;
        let email = self.email_claim.as_deref();
        let named = begin.plan.clone();
        let ask = begin.check(request, context.plans(), &self.api, &self.consent, email);
        let ask = match ask {
            Ok(ask) => ask,
            Err(error) => return Err(for_whom_it_is(&context, request, &named, error).await),
        };
        match context.checkouts().issue(&ask).await.map_err(failure)? {
            Issued::Created(open) => Ok(Response::json(201, &describe(&self.api, &open))),
            Issued::Resumed(open) => Ok(Response::json(200, &describe(&self.api, &open))),
            Issued::Subscribed(subscription) => {
                let subscription = subscription.named_by(context.plans());
                let body = json!({ "subscription": SubscriptionBody(subscription) });
                Ok(Response::json(201, &body))
            }
            Issued::AlreadySubscribed(subscription) => {
                let user = request.user()?;
                let number = context
                    .customers()
                    .link_number(user)
                    .await
                    .map_err(failure)?;
                let base = api_url(&self.api, request, "")?;
                let manage = self.links.manage(&base, user, number);
                Err(already_subscribed(*subscription, &manage))
            }
            Issued::Undecided { checkout, finish } => undecided(checkout, finish),
        }
    }
}

/// What is wrong with a request about a private plan, for a user to whom it is offered: to others there is no such plan.
/// A request without a mistake is told by what is read of the user anyway.
async fn for_whom_it_is(
    context: &Context,
    request: &Request,
    named: &str,
    error: ApiError,
) -> ApiError {
    let found = context.plans().get(named);
    let Some((name, plan)) = found.filter(|(_, plan)| plan.private) else {
        return error;
    };
    let user = match request.user() {
        Ok(user) => user,
        Err(nobody) => return nobody,
    };
    match context.customers().offers(user).await {
        Ok(offers) if offers.allow(name, plan) => error,
        Ok(_) => unknown_plan(),
        Err(failed) => failure(failed),
    }
}
