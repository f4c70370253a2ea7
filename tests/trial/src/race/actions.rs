//! Several at once, at a subscription that has begun.

use std::time::Duration;

use serde_json::json;

use super::{Race, behind, lower, raise};
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{Then, begin, buy, confirm};
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::{Door, Gate};

const A: Door = Door::TabA;
const B: Door = Door::TabB;
const DAY: i64 = 24 * 3600;
/// More calls than what is asked here takes.
const MOST_CALLS: usize = 14;

/// Runs one of them, up to where everything comes to rest.
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    if race == Race::RepairAndRetry {
        if let Some(opened) = begin(stage, A, "photos").await? {
            confirm(stage, A, &opened, Then::Subscribe).await?;
        }
    } else {
        buy(stage, A, "photos", By::Page).await?;
    }
    stage.flow().await?;
    let Some(subscription) = stage.live() else {
        return Ok(());
    };
    let id = text(&subscription, "/id")?;
    match race {
        Race::ChangeAndRenewal => {
            let ends = subscription["items"]["data"][0]["current_period_end"].as_i64();
            let left = ends.unwrap_or_default() - stage.lane.stripe.now().await?;
            change_and_renewal(stage, &id, left).await
        }
        Race::CancelAndChange => cancel_and_change(stage, &id).await,
        Race::TwoChanges => two_changes(stage, &id).await,
        _ => repair_and_retry(stage, &id).await,
    }
}

pub(super) fn below(stage: &Stage<'_>, bound: usize) -> usize {
    stage.rng.borrow_mut().below(bound)
}

/// Does something once so many calls have passed.
pub(super) async fn after_calls<T>(gate: &Gate, calls: usize, what: impl Future<Output = T>) -> T {
    for _ in 0..1000 {
        if gate.order().len() >= calls {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    what.await
}

/// A change is agreed to while the period ends.
async fn change_and_renewal(stage: &Stage<'_>, id: &str, left: i64) -> Result<(), Broken> {
    stage.pass(left - 60).await?;
    stage.flow().await?;
    let when = ["now", "period_end"][below(stage, 2)];
    let ask = json!({"plan": "photos-pro", "when": when});
    let Some(shown) = stage.preview(A, id, &ask).await? else {
        return Ok(());
    };
    let calls = below(stage, MOST_CALLS);
    let gate = raise(stage);
    // Its invoice is a draft then, or paid already.
    let seconds = [65, 3700][below(stage, 2)];
    let (agreed, passed) = tokio::join!(
        behind(&gate, A, stage.agree(A, id, &shown)),
        after_calls(&gate, calls, stage.pass(seconds)),
    );
    lower(stage, &gate);
    agreed?;
    passed?;
    stage.flow().await?;
    stage.pass(2 * 3600).await?;
    stage.flow().await
}

/// A cancellation on one device, another plan on the other.
async fn cancel_and_change(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    if below(stage, 2) == 0 {
        let ask = json!({"plan": "photos-yearly", "when": "period_end"});
        if let Some(shown) = stage.preview(A, id, &ask).await? {
            stage.agree(A, id, &shown).await?;
        }
        stage.flow().await?;
    }
    let when = ["now", "period_end"][below(stage, 2)];
    let ask = json!({"plan": "photos-pro", "when": when});
    let Some(shown) = stage.preview(B, id, &ask).await? else {
        return Ok(());
    };
    let gate = raise(stage);
    let action = ["cancel", "withdraw-change"][below(stage, 2)];
    let (canceled, agreed) = tokio::join!(
        behind(&gate, A, stage.take_back(A, id, action)),
        behind(&gate, B, stage.agree(B, id, &shown)),
    );
    lower(stage, &gate);
    canceled?;
    agreed?;
    Ok(())
}

/// Two devices agree to two previews, or to the same.
async fn two_changes(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let first = json!({"plan": "photos-pro"});
    let second = [
        json!({"plan": "photos-yearly"}),
        json!({"plan": "photos-yearly", "when": "period_end"}),
    ];
    let second = &second[below(stage, 2)];
    let one = stage.preview(A, id, &first).await?;
    let other = stage.preview(B, id, second).await?;
    let (Some(one), Some(other)) = (one, other) else {
        return Ok(());
    };
    let other = if below(stage, 3) == 0 {
        one.clone()
    } else {
        other
    };
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.agree(A, id, &one)),
        behind(&gate, B, stage.agree(B, id, &other)),
    );
    lower(stage, &gate);
    one?;
    other?;
    let books = stage.lane.stripe.books();
    let changes = books
        .invoices
        .iter()
        .filter(|it| it["billing_reason"] == "subscription_update" && it["status"] == "paid");
    if changes.count() > 1 {
        stage.broke("two devices have paid for two changes of one state");
    }
    Ok(())
}

/// Another payment method pays what is open while Stripe tries the old one again, and while the worker hears of it.
async fn repair_and_retry(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let Some(subscription) = stage.live() else {
        return Ok(());
    };
    let method = text(&subscription, "/default_payment_method")?;
    stage.lane.stripe.charges_of(&method, "decline").await?;
    for seconds in [31 * DAY, 2 * 3600] {
        stage.pass(seconds).await?;
        stage.flow().await?;
    }
    let invoices = stage.lane.stripe.books().invoices;
    let open = invoices.iter().find(|it| it["status"] == "open");
    let Some(next) = open.and_then(|it| it["next_payment_attempt"].as_i64()) else {
        stage.broke("a renewal that was declined is not tried again");
        return Ok(());
    };
    let now = stage.lane.stripe.now().await?;
    stage.pass(next - now - 30).await?;
    stage.flow().await?;
    stage.lane.stripe.charges_of(&method, "succeed").await?;
    let ask = json!({"wallet": "amazon_pay"});
    let Some((201, opened)) = stage.act(A, id, "payment-method", &ask).await? else {
        return Ok(());
    };
    if stage.at_wallet(&opened, "approve").await?.is_none() {
        return Ok(());
    }
    for event in stage.undelivered() {
        stage.deliver(&event).await?;
    }
    let calls = below(stage, MOST_CALLS);
    let finish = json!({ "setup_intent": opened["setup_intent"] });
    let gate = raise(stage);
    let (finished, pumped, passed) = tokio::join!(
        behind(&gate, A, stage.act(A, id, "payment-method/finish", &finish)),
        behind(&gate, Door::Hooks, stage.pump()),
        after_calls(&gate, calls, stage.pass(40)),
    );
    lower(stage, &gate);
    finished?;
    pumped?;
    passed?;
    stage.flow().await
}
