//! `SetupAttempts`.

use super::{Answer, Call};
use crate::list::{in_range, page};
use crate::state::{Fields, Kind, World};

/// `GET /v1/setup_attempts`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let intent = world.at_param(
        Kind::SetupIntent,
        params.text("setup_intent").unwrap_or_default(),
        "setup_intent",
    )?;
    page(
        world,
        Kind::SetupAttempt,
        "/v1/setup_attempts",
        params,
        |attempt| {
            attempt.is("setup_intent", intent.id())
                && in_range(attempt.int("created"), params.at("created"))
        },
    )
}
