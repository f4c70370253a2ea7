//! `POST /shop/users/erase`: all that is kept of a user is deleted.

use perennial_api::{failure, refused};
use perennial_flows::{EraseError, actions::ActionErrorCode};
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseAsk {
    user: Option<String>,
}

/// What is not erased here, in the words of the answer.
#[derive(Serialize)]
struct Stays {
    what: &'static str,
    /// Until when; none for what the law or the shop's settings say.
    until: Option<Timestamp>,
}

const DAY: i64 = 24 * 3600;

impl App {
    pub(crate) async fn erase(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: EraseAsk = read_json(request)?;
        let user = Request::named_user(ask.user.as_deref())?;
        let context = self.clients.begin().await.map_err(failure)?;
        let erased = match Box::pin(context.erasures().erase(&user)).await {
            Ok(erased) => erased,
            Err(EraseError::Flow(error)) => return Err(failure(error)),
            Err(EraseError::Refused { why, open }) => return Err(still_open(why, &open)),
        };
        let body = json!({
            "user": user,
            "customers": erased.customers,
            "items": erased.items,
            "complete": erased.complete_at.is_none(),
            "complete_at": erased.complete_at,
            "stays": stays(self.clock.now()),
        });
        Ok(Response::json(200, &body))
    }
}

fn still_open(why: ActionErrorCode, open: &[String]) -> ApiError {
    let error = refused(why);
    match why {
        ActionErrorCode::PaymentUnderWay => error.with("payments", json!(open)),
        _ if open.is_empty() => error,
        _ => error.with("subscriptions", json!(open)),
    }
}

/// What outlives an erasure, and for how long.
fn stays(now: Timestamp) -> [Stays; 5] {
    let days = |days: i64| Some(now.plus_seconds(days * DAY));
    let stays = |what, until| Stays { what, until };
    [
        stays("stripe_invoices_and_payments", None),
        stays("stripe_event_ids", days(90)),
        stays("table_stream", days(1)),
        stays("table_backups", days(35)),
        stays("logs", None),
    ]
}
