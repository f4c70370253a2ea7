//! `POST /shop/customers`: a customer that exists becomes a user's.

use perennial_api::failure;
use perennial_flows::actions::{ActionError, Adoption};
use perennial_http::{ApiError, ManagedSubscription, Request, Response, read_json};
use perennial_types::{By, CustomerId};
use serde::Deserialize;
use serde_json::json;

use crate::{App, ask::not_an_id, refused, user_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptAsk {
    user: Option<String>,
    customer: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl App {
    pub(crate) async fn adopt(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let ask: AdoptAsk = read_json(request)?;
        let user = user_of(by, request, ask.user.as_deref())?;
        let customer = ask.customer.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_field",
                "Say which customer: send \"customer\", an id of Stripe, cus_....",
            )
        })?;
        let customer: CustomerId = customer
            .parse()
            .map_err(|_| not_an_id("customer", "cus_..."))?;
        let adoption = if ask.dry_run {
            Adoption::DryRun
        } else {
            Adoption::Real
        };
        let context = self.clients.begin().await.map_err(failure)?;
        let adopted = Box::pin(context.actions().adopt(&user, &customer, adoption)).await;
        let adopted = adopted.map_err(|error| match error {
            ActionError::Flow(error) => failure(error),
            ActionError::Refused(refusal) => refused(refusal.why),
        })?;
        let adopted = adopted.into_iter().map(|it| self.body(&context, by, it));
        let adopted: Vec<ManagedSubscription> = adopted.collect();
        let body = json!({ "customer": customer, "subscriptions": adopted });
        Ok(Response::json(200, &body))
    }
}
