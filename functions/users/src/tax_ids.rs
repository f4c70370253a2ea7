//! `POST /shop/users/tax-ids`: the tax ids of a shopper who is a business, which are kept at Stripe alone.

use perennial_api::failure;
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::{MOST_TAX_IDS, TaxId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{App, answer_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxIdsAsk {
    user: Option<String>,
    tax_ids: Option<Vec<TaxId>>,
}

impl App {
    pub(crate) async fn set_tax_ids(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: TaxIdsAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let wanted = ask.tax_ids.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_field",
                "Send \"tax_ids\", a list of {\"type\", \"value\"}, or [] to remove all.",
            )
        })?;
        if wanted.len() > MOST_TAX_IDS {
            let why = format!("\"tax_ids\" has at most {MOST_TAX_IDS}.");
            return Err(ApiError::new(400, "invalid_field", why));
        }
        let context = self.clients.begin().await.map_err(failure)?;
        let actions = context.actions();
        let set = Box::pin(actions.set_tax_ids(&user, &wanted)).await;
        let set = set.map_err(answer_of)?;
        let tax_ids: Vec<Value> = set
            .tax_ids
            .iter()
            .map(|it| json!({ "type": it.kind, "verification": it.verification() }))
            .collect();
        Ok(Response::json(
            200,
            &json!({ "user": user, "customer": set.customer, "tax_ids": tax_ids }),
        ))
    }
}
