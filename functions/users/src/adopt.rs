//! `POST /shop/customers`: a customer that exists becomes a user's.

use perennial_api::{failure, not_an_id};
use perennial_flows::actions::Adoption;
use perennial_http::{ApiError, ManagedSubscription, Request, Response, read_json};
use perennial_types::{By, CustomerId};
use serde::Deserialize;
use serde_json::json;

use crate::{App, answer_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptAsk {
    user: Option<String>,
    customer: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl App {
    pub(crate) async fn adopt(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: AdoptAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
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
        let adopted = adopted.map_err(answer_of)?;
        let (now, plans) = (self.clock.now(), context.plans());
        let adopted = adopted.into_iter().map(|it| {
            let named = it.named_by(plans);
            ManagedSubscription::new(named, By::Server, now, plans)
        });
        let adopted: Vec<ManagedSubscription> = adopted.collect();
        let body = json!({ "customer": customer, "subscriptions": adopted });
        Ok(Response::json(200, &body))
    }
}
