//! Several at once, with Apple Pay.

use std::cell::Cell;
use std::time::Duration;

use serde_json::Value;

use super::{Race, behind, lower, raise};
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{Then, approve, begin, confirm};
use crate::sheet::{Sheet, return_of};
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::{Door, Gate};

/// Just before the time of an attempt is over, in seconds.
const ALMOST_OVER: i64 = 23 * 3600 - 5;
/// More calls than any request of these races makes.
const MOST_CALLS: usize = 24;
/// What takes away what a shopper could still confirm.
const TAKES_AWAY: [&str; 2] = ["/void", "/cancel"];

/// Runs one of them, up to where everything comes to rest.
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    match race {
        Race::AppleTwoTabs => Box::pin(two_tabs(stage)).await,
        Race::AppleTwoPlans => Box::pin(two_plans(stage)).await,
        Race::ApplePayAndLeave => Box::pin(pay_and_leave(stage)).await,
        Race::AppleFinishers => Box::pin(finishers(stage)).await,
        Race::AppleExpiry => Box::pin(expiry(stage)).await,
        Race::AppleAndAmazon => Box::pin(and_amazon(stage)).await,
        _ => Ok(()),
    }
}

/// A plan, and another of its group.
fn plans(stage: &Stage<'_>) -> (&'static str, &'static str) {
    if stage.rng.borrow_mut().below(2) == 0 {
        ("photos", "photos-trial")
    } else {
        ("photos-trial", "photos")
    }
}

async fn two_tabs(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, _) = plans(stage);
    let gate = raise(stage);
    let (first, second) = tokio::join!(
        behind(&gate, a, begin(stage, a, plan)),
        behind(&gate, b, begin(stage, b, plan)),
    );
    lower(stage, &gate);
    let (first, second) = (first?, second?);
    if let (Some(first), Some(second)) = (&first, &second)
        && first["subscription"] != second["subscription"]
    {
        stage.broke("two first clicks have begun two subscriptions");
    }
    if let Some(opened) = first.or(second) {
        let gate = raise(stage);
        stage.answer_sheet(&opened, Sheet::Approve).await?;
        let checkout = text(&opened, "/checkout")?;
        let (asked, again) = tokio::join!(
            behind(&gate, a, stage.subscribe(a, &checkout)),
            behind(&gate, b, begin(stage, b, plan)),
        );
        lower(stage, &gate);
        asked?;
        if again?.is_some() {
            stage.broke("what was paid for was offered once more");
        }
    }
    Ok(())
}

async fn two_plans(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, other) = plans(stage);
    let gate = raise(stage);
    let (first, second) = tokio::join!(
        behind(&gate, a, begin(stage, a, plan)),
        behind(&gate, b, begin(stage, b, other)),
    );
    lower(stage, &gate);
    for (tab, opened) in [(a, first?), (b, second?)] {
        if let Some(opened) = opened {
            confirm(stage, tab, &opened, Then::Poll).await?;
        }
    }
    Ok(())
}

async fn pay_and_leave(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, other) = plans(stage);
    let Some(left) = begin(stage, a, plan).await? else {
        return Ok(());
    };
    let gate = raise(stage);
    let over = Cell::new(false);
    let leave = async {
        let taken = Box::pin(behind(&gate, b, begin(stage, b, other))).await;
        over.set(true);
        taken
    };
    let (taken, paid) = tokio::join!(leave, pay_meanwhile(stage, &gate, &left, &over));
    lower(stage, &gate);
    let (taken, paid) = (taken?, paid?);
    if let (Some(taken), false) = (&taken, paid) {
        confirm(stage, b, taken, Then::Subscribe).await?;
    } else if taken.is_some() {
        stage.broke("what was paid for has made way for another plan");
    }
    let told = stage.poll(a, &text(&left, "/checkout")?).await?;
    if let (true, Some(told)) = (paid, told)
        && told.status == "failed"
    {
        stage.broke(format!("what was paid for has failed: {told:?}"));
    }
    Ok(())
}

async fn finishers(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, other) = plans(stage);
    let Some(opened) = begin(stage, a, plan).await? else {
        return Ok(());
    };
    stage.answer_sheet(&opened, Sheet::Approve).await?;
    // Old enough for the sweeper to look.
    stage.pass(660).await?;
    let back = return_of(&opened)?;
    let gate = raise(stage);
    let hooks = async {
        for event in stage.undelivered() {
            stage.deliver(&event).await?;
        }
        stage.pump().await
    };
    let (returned, again, hooks, _) = tokio::join!(
        behind(&gate, a, stage.come_back(a, &back)),
        behind(&gate, b, begin(stage, b, other)),
        behind(&gate, Door::Hooks, hooks),
        behind(&gate, Door::Sweeper, stage.sweep("open")),
    );
    lower(stage, &gate);
    returned?;
    hooks?;
    if again?.is_some() {
        stage.broke("a second plan of the group was sold");
    }
    Ok(())
}

async fn expiry(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, other) = plans(stage);
    let Some(left) = begin(stage, a, plan).await? else {
        return Ok(());
    };
    stage.flow().await?;
    stage.pass(ALMOST_OVER).await?;
    // Here the shopper's time is over, and Stripe's has some seconds left.
    stage.lane.clock.advance(10);
    let next = if stage.rng.borrow_mut().below(2) == 0 {
        plan
    } else {
        other
    };
    let gate = raise(stage);
    let over = Cell::new(false);
    let both = async {
        let both = tokio::join!(
            behind(&gate, Door::Sweeper, stage.sweep("open")),
            behind(&gate, b, begin(stage, b, next)),
        );
        over.set(true);
        both
    };
    let ((_, again), paid) = tokio::join!(both, pay_meanwhile(stage, &gate, &left, &over));
    lower(stage, &gate);
    stage.lane.set_clock().await?;
    let (again, paid) = (again?, paid?);
    match (again, paid) {
        (Some(again), false) => confirm(stage, b, &again, Then::Subscribe).await.map(drop),
        (Some(_), true) => {
            stage.broke("what was paid for at the last moment was offered once more");
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

async fn and_amazon(stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    let (plan, other) = plans(stage);
    let Some((_, back)) = approve(stage, a, plan, By::Page).await? else {
        return Ok(());
    };
    let before = stage.rng.borrow_mut().below(2) == 0;
    let left = if before {
        begin(stage, b, other).await?
    } else {
        None
    };
    let gate = raise(stage);
    let over = Cell::new(false);
    let returns = async {
        let returned = behind(&gate, a, stage.come_back(a, &back)).await;
        over.set(true);
        returned
    };
    if let Some(left) = left {
        let (returned, paid) = tokio::join!(returns, pay_meanwhile(stage, &gate, &left, &over));
        lower(stage, &gate);
        returned?;
        paid?;
        stage.poll(b, &text(&left, "/checkout")?).await?;
        return Ok(());
    }
    let (returned, begun) = tokio::join!(returns, behind(&gate, b, begin(stage, b, other)));
    lower(stage, &gate);
    returned?;
    if let Some(begun) = begun? {
        confirm(stage, b, &begun, Then::Subscribe).await?;
    }
    Ok(())
}

/// Says yes in the sheet between two calls of the others: after a number of them that the seed
/// decides, or right after the one that takes away what there is to confirm.
async fn pay_meanwhile(
    stage: &Stage<'_>,
    gate: &Gate,
    opened: &Value,
    over: &Cell<bool>,
) -> Result<bool, Broken> {
    let pause = 1 + stage.rng.borrow_mut().below(MOST_CALLS);
    let at_the_end = stage.rng.borrow_mut().below(3) == 0;
    for _ in 0..2000 {
        let order = gate.order();
        let takes_away = |call: &String| TAKES_AWAY.iter().any(|end| call.ends_with(end));
        let now = if at_the_end {
            order.iter().any(takes_away)
        } else {
            order.len() >= pause
        };
        if now || over.get() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for door in [Door::TabA, Door::TabB, Door::Sweeper] {
        gate.hold(door, true);
    }
    let paid = stage.answer_sheet(opened, Sheet::Approve).await;
    for door in [Door::TabA, Door::TabB, Door::Sweeper] {
        gate.hold(door, false);
    }
    paid
}
