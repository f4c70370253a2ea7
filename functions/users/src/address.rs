//! `POST /shop/users/address`: where a shopper is, by which Stripe reckons taxes, and which is kept at Stripe alone.

use perennial_api::failure;
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::BillingAddress;
use serde::Deserialize;
use serde_json::json;

use crate::{App, answer_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressAsk {
    user: Option<String>,
    billing_address: BillingAddress,
}

impl App {
    pub(crate) async fn set_address(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: AddressAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let context = self.clients.begin().await.map_err(failure)?;
        let actions = context.actions();
        let customer = Box::pin(actions.set_address(&user, &ask.billing_address)).await;
        let customer = customer.map_err(answer_of)?;
        Ok(Response::json(
            200,
            &json!({ "user": user, "customer": customer }),
        ))
    }
}
