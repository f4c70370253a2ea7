//! `POST /shop/subscriptions/{subscription}/links`: the signed links that a shop puts into its mails.

use perennial_api::{REPAIR_LINK_SECONDS, api_url, failure};
use perennial_flows::actions::ActionError;
use perennial_http::{ApiError, Request, Response};
use perennial_types::{By, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::{App, ask::OfUser, read_without_key, refused};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkAsk {
    user: Option<String>,
    kind: Kind,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Cancel,
    Repair,
}

impl OfUser for LinkAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl App {
    pub(crate) async fn shop_link(&self, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, LinkAsk) = read_without_key(By::Server, request)?;
        let base = api_url(&self.api, request, "")?;
        let context = self.clients.begin().await.map_err(failure)?;
        let actions = context.actions();
        let known = actions.known(&asked.user, &asked.subscription);
        let known = known.await.map_err(|error| match error {
            ActionError::Flow(error) => failure(error),
            ActionError::Refused(refusal) => refused(refusal.why),
        })?;
        let signer = self.links.signer().await;
        let (user, id) = (&asked.user, &asked.subscription);
        let (kind, url, expires_at): (_, _, Option<Timestamp>) = match ask.kind {
            Kind::Cancel => ("cancel", signer.cancel(&base, user, id, known.number), None),
            Kind::Repair => {
                let until = self.clock.now().plus_seconds(REPAIR_LINK_SECONDS);
                ("repair", signer.repair(&base, user, id, until), Some(until))
            }
        };
        let body = json!({"kind": kind, "url": url.as_str(), "expires_at": expires_at});
        Ok(Response::json(200, &body))
    }
}
