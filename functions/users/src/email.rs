//! `POST /shop/users/email`: the address to which Stripe writes, which is kept at Stripe alone.

use perennial_api::failure;
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::EmailAddress;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::{App, answer_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailAsk {
    user: Option<String>,
    /// None if it is not there, which `null` is not.
    #[serde(default, deserialize_with = "present")]
    email: Option<Value>,
}

pub(crate) fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl App {
    pub(crate) async fn set_email(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: EmailAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let email = ask.email.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_field",
                "Send \"email\", an address, or null to remove it.",
            )
        })?;
        let email = match &email {
            Value::Null => None,
            // What is wrong with it is said without it.
            other => Some(
                EmailAddress::parse(other.as_str().unwrap_or_default()).map_err(|error| {
                    let why = format!("\"email\" is an address or null: {error}.");
                    ApiError::new(400, "invalid_field", why)
                })?,
            ),
        };
        let context = self.clients.begin().await.map_err(failure)?;
        let actions = context.actions();
        let customer = Box::pin(actions.set_email(&user, email.as_ref())).await;
        let customer = customer.map_err(answer_of)?;
        Ok(Response::json(
            200,
            &json!({ "user": user, "customer": customer }),
        ))
    }
}
