//! `POST /shop/users/offer`: a private plan is offered to a user, or no longer is.

use perennial_api::failure;
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::PlanName;
use serde::Deserialize;
use serde_json::json;

use crate::{App, answer_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferAsk {
    user: Option<String>,
    plan: Option<String>,
    offered: Option<bool>,
}

impl App {
    pub(crate) async fn set_offer(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: OfferAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let plan = ask
            .plan
            .ok_or_else(|| missing("Send \"plan\", the name of a private plan."))?;
        let plan: PlanName = plan.parse().map_err(|_| {
            let why = "\"plan\" is a name of 1 to 64 lower-case letters, digits and hyphens.";
            ApiError::new(400, "invalid_field", why)
        })?;
        let offered = ask.offered.ok_or_else(|| {
            missing("Send \"offered\": true to offer the plan, false to take the offer back.")
        })?;
        let offers = if offered {
            let context = self.clients.begin().await.map_err(failure)?;
            context.actions().offer(&user, &plan).await
        } else {
            let context = self.clients.begin_without_plans();
            context.actions().withdraw_offer(&user, &plan).await
        };
        let offers = offers.map_err(answer_of)?;
        Ok(Response::json(
            200,
            &json!({ "user": user, "offers": offers }),
        ))
    }
}

fn missing(what: &'static str) -> ApiError {
    ApiError::new(400, "missing_field", what)
}
