//! The passing of time: runs what has come due.

use crate::billing::{cancel, renew};
use crate::error::Result;
use crate::http::shared::Shared;
use crate::resources::{setup_settle, test_clocks};
use crate::state::timers::{Due, Timer};
use crate::state::world::Origin;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Runs one thing that has come due, on the sandbox's own time or on a test clock that is advancing. Says whether
/// there was one.
pub(crate) fn due(shared: &Shared) -> Result<bool> {
    {
        let world = shared.world();
        if !world.is_due(None, world.now()) && !test_clocks::is_advancing(&world) {
            return Ok(false);
        }
    }
    shared.change(Origin::default(), |world| {
        let now = world.now();
        match world.take_due(None, now) {
            Some(timer) => run(world, &timer).map(|()| true),
            None => test_clocks::step(world),
        }
    })
}

/// Runs a timer.
pub(crate) fn run(world: &mut World, timer: &Timer) -> Result<()> {
    let id = timer.object.as_str();
    match timer.due {
        Due::RedirectExpires => setup_settle::expire(world, id),
        Due::PeriodEnds => renew::period_ends(world, id),
        Due::Finalize => renew::finalize(world, id),
        Due::RetryPayment => renew::retry(world, id),
        Due::TrialWillEnd => {
            let subscription = world.get(Kind::Subscription, id)?;
            if subscription.is("status", "trialing") {
                world.emit("customer.subscription.trial_will_end", &subscription);
            }
            Ok(())
        }
        Due::CancelAt => {
            let subscription = world.get(Kind::Subscription, id)?;
            if !cancel::is_over(&subscription) {
                cancel::at_once(world, &subscription, "cancellation_requested", &Value::Null);
            }
            Ok(())
        }
        Due::IncompleteExpires => {
            let subscription = world.get(Kind::Subscription, id)?;
            if subscription.is("status", "incomplete") {
                cancel::expire_incomplete(world, &subscription);
            }
            Ok(())
        }
    }
}
