//! `POST /shop/users/grant`: a plan for free, of which Stripe hears nothing.

use perennial_api::failure;
use perennial_flows::actions::AskedGrant;
use perennial_http::{ApiError, Request, Response, read_json, read_value};
use perennial_types::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{App, answer_of, email::present};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantAsk {
    user: Option<String>,
    plan: Option<String>,
    /// None if it is not there, which `null` is not.
    #[serde(default, deserialize_with = "present")]
    grant: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    until: Option<Timestamp>,
    quantity: Option<u64>,
}

impl App {
    pub(crate) async fn grant(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: GrantAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let missing = |why| ApiError::new(400, "missing_field", why);
        let plan = ask.plan.ok_or_else(|| {
            missing("Say which plan: send \"plan\", the name of one in plans.json.")
        })?;
        let grant = ask.grant.ok_or_else(|| {
            missing("Send \"grant\", with \"until\" or {} for no end, or null to take it away.")
        })?;
        let given: Option<Given> = match grant {
            Value::Null => None,
            grant => Some(read_value(grant)?),
        };
        let asked = given.map(|it| AskedGrant {
            until: it.until,
            quantity: it.quantity,
        });
        let context = self.clients.begin().await.map_err(failure)?;
        let grants = Box::pin(context.actions().give_plan(&user, &plan, asked)).await;
        let grants = grants.map_err(answer_of)?;
        Ok(Response::json(
            200,
            &json!({ "user": user, "grants": grants }),
        ))
    }
}
