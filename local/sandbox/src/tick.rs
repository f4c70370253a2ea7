//! The passing of time: runs what has come due.

use crate::billing::{cancel, discounts, dunning, invoicing, pausing, payment_outcome, renew};
use crate::error::Result;
use crate::http::shared::Shared;
use crate::objects::{subscription, test_clock};
use crate::operations::{setup_settle, tax_ids, test_clocks};
use crate::state::timers::{Due, Timer};
use crate::state::world::Origin;
use crate::state::{Fields, Kind, World};

/// Does everything that has come due, each thing in a transaction of its own.
pub(crate) fn run_due(shared: &Shared) {
    while due(shared) {}
}

/// Runs one thing that has come due, on the sandbox's own time or on a test clock that is advancing. Says whether
/// there was one.
fn due(shared: &Shared) -> bool {
    let (clock, timer) = {
        let world = shared.world();
        match world.first_due(None, world.now()) {
            Some(timer) => (None, Some(timer)),
            None => match test_clock::advancing(&world) {
                Some((clock, target)) => {
                    let timer = world.first_due(Some(&clock), target);
                    (Some(clock), timer)
                }
                None => return false,
            },
        }
    };
    let result = shared.change(Origin::default(), |world| {
        if let Some(clock) = &clock {
            test_clocks::move_to(world, clock, timer.as_ref().map(|timer| timer.at))?;
        }
        match &timer {
            Some(timer) => {
                world.unschedule(timer.due, &timer.object);
                // A test clock stands still at this time already.
                world.due_at = clock.is_none().then_some(timer.at);
                let ran = run(world, timer);
                world.due_at = None;
                ran
            }
            None => Ok(()),
        }
    });
    if let (Err(error), Some(timer)) = (result, timer) {
        tracing::error!(?timer, message = error.message, "a timer failed");
        // It would fail again each second, and hold up what comes after it.
        shared.note(|world| world.unschedule(timer.due, &timer.object));
    }
    true
}

/// Runs a timer.
fn run(world: &mut World, timer: &Timer) -> Result<()> {
    let id = timer.object.as_str();
    match timer.due {
        Due::AuthorizationExpires => payment_outcome::expire(world, id),
        Due::RedirectExpires => setup_settle::expire(world, id),
        Due::PeriodEnds => renew::period_ends(world, id),
        Due::Finalize => renew::finalize(world, id),
        Due::DiscountEnds => discounts::expire(world, id),
        Due::RetryPayment => dunning::retry(world, id),
        Due::GivesUp => dunning::gives_up(world, id),
        Due::TaxIdVerified => tax_ids::verify(world, id),
        Due::TrialWillEnd => {
            let subscription = world.get(Kind::Subscription, id)?;
            if subscription.is("status", "trialing") {
                world.emit("customer.subscription.trial_will_end", &subscription);
            }
            Ok(())
        }
        Due::CancelAt => {
            let subscription = world.get(Kind::Subscription, id)?;
            if !subscription::is_over(&subscription) {
                cancel::at_its_end(world, &subscription);
            }
            Ok(())
        }
        Due::CollectionResumes => {
            let subscription = world.get(Kind::Subscription, id)?;
            pausing::collect_again(world, &subscription);
            Ok(())
        }
        Due::PendingUpdateExpires => {
            let subscription = world.get(Kind::Subscription, id)?;
            invoicing::expire_pending_update(world, &subscription);
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
