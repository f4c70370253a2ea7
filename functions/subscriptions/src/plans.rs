//! What is offered, for signed-out visitors too.

use perennial_http::{PlanBody, Response};
use perennial_types::Plans;
use serde::Serialize;

/// How long a page's price may be behind, beside the minute that a function is.
const CACHED_SECONDS: u32 = 60;

#[derive(Serialize)]
struct Offered<'a> {
    version: u64,
    plans: Vec<PlanBody<'a>>,
}

/// The plans that are offered, and the version of the catalog.
pub(crate) fn answer(plans: &Plans) -> Response {
    let offered = Offered {
        version: plans.version(),
        plans: plans.offered().map(PlanBody::of).collect(),
    };
    Response::json(200, &offered).cached_for(CACHED_SECONDS)
}
