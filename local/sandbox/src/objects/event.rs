//! An event, and how many endpoints have not taken it yet.

use crate::error::ApiError;
use crate::list::{in_range, page_by};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, deliveries};
use serde_json::Value;

/// Events can be read for this long.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// `GET /v1/events/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    let mut event = world.at_path(Kind::Event, &call.id)?;
    count_pending(world, &mut event);
    Ok(event)
}

/// `GET /v1/events`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let params = &call.params;
    if params.has("type") && params.has("types") {
        return Err(ApiError::exclusive("type", "types"));
    }
    let types = params.list("types");
    let oldest = world.now() - KEPT_SECONDS;
    let fits = |event: &Value| {
        let name = event.text("type").unwrap_or_default();
        let wanted = params
            .text("type")
            .is_none_or(|pattern| deliveries::matches(pattern, name))
            && (types.is_empty()
                || types
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|pattern| deliveries::matches(pattern, name)));
        let delivered = params
            .at("delivery_success")
            .as_bool()
            .is_none_or(|wanted| deliveries::all_delivered(world, event.id()) == wanted);
        let recent = event
            .int("created")
            .is_some_and(|created| created >= oldest);
        wanted && delivered && recent && in_range(event.int("created"), params.at("created"))
    };
    let exact = params.text("type").filter(|kind| !kind.contains('*'));
    let by = exact.map(|kind| ("type", kind));
    let mut page = page_by(world, Kind::Event, by, "/v1/events", params, fits)?;
    if let Some(Value::Array(events)) = page.get_mut("data") {
        for event in events {
            count_pending(world, event);
        }
    }
    Ok(page)
}

fn count_pending(world: &World, event: &mut Value) {
    event.set("pending_webhooks", deliveries::pending(world, event.id()));
}
