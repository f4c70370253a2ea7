//! Several at once, at a checkout.

use std::time::Duration;

use super::{Race, behind, lower, raise};
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{approve, open};
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::Door;

/// Runs one of them, up to where everything comes to rest.
#[allow(clippy::too_many_lines, reason = "a list of races, each a few lines")]
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    match race {
        Race::DoubleClick => {
            let gate = raise(stage);
            let (first, second) = tokio::join!(
                behind(&gate, a, open(stage, a, "photos", By::Page)),
                behind(&gate, b, open(stage, b, "photos", By::Page)),
            );
            lower(stage, &gate);
            let (first, second) = (first?, second?);
            if let Some(opened) = first.as_ref().or(second.as_ref())
                && let Some(back) = stage.at_wallet(opened, "approve").await?
            {
                stage.come_back(a, &back).await?;
            }
            if let (Some(first), Some(second)) = (&first, &second)
                && first["checkout"] != second["checkout"]
            {
                stage.broke("two first clicks have opened two checkouts");
            }
        }
        Race::TwoReturns => {
            let Some((opened, back)) = approve(stage, a, "photos", By::Page).await? else {
                return Ok(());
            };
            let checkout = text(&opened, "/checkout")?;
            let gate = raise(stage);
            let (first, second) = tokio::join!(
                behind(&gate, a, stage.come_back(a, &back)),
                behind(&gate, b, stage.subscribe(b, &checkout)),
            );
            lower(stage, &gate);
            first?;
            second?;
        }
        Race::Finishers => {
            let Some((_, back)) = approve(stage, a, "photos", By::Page).await? else {
                return Ok(());
            };
            // Old enough for the sweeper to look.
            stage.pass(660).await?;
            let gate = raise(stage);
            let hooks = async {
                for event in stage.undelivered() {
                    stage.deliver(&event).await?;
                }
                stage.pump().await
            };
            let (returned, hooks, _) = tokio::join!(
                behind(&gate, a, stage.come_back(a, &back)),
                behind(&gate, Door::Hooks, hooks),
                behind(&gate, Door::Sweeper, stage.sweep("open")),
            );
            lower(stage, &gate);
            returned?;
            hooks?;
        }
        Race::TwoPlans => {
            let first = approve(stage, a, "photos", By::Page).await?;
            let second = approve(stage, b, "photos-trial", By::Server).await?;
            let (Some((_, first)), Some((_, second))) = (first, second) else {
                return Ok(());
            };
            let gate = raise(stage);
            let (first, second) = tokio::join!(
                behind(&gate, a, stage.come_back(a, &first)),
                behind(&gate, b, stage.come_back(b, &second)),
            );
            lower(stage, &gate);
            first?;
            second?;
        }
        Race::ReturnAndClick => {
            let Some((_, back)) = approve(stage, a, "photos", By::Page).await? else {
                return Ok(());
            };
            let gate = raise(stage);
            let (returned, opened) = tokio::join!(
                behind(&gate, a, stage.come_back(a, &back)),
                behind(&gate, b, open(stage, b, "photos-trial", By::Page)),
            );
            lower(stage, &gate);
            returned?;
            if let Some(opened) = opened?
                && let Some(back) = stage.at_wallet(&opened, "approve").await?
            {
                stage.come_back(b, &back).await?;
            }
        }
        Race::TwoDevices => {
            let gate = raise(stage);
            let (first, second) = tokio::join!(
                behind(&gate, a, open(stage, a, "photos", By::Page)),
                behind(&gate, b, open(stage, b, "photos", By::Server)),
            );
            lower(stage, &gate);
            let mut backs = Vec::new();
            for (tab, opened) in [(a, first?), (b, second?)] {
                if let Some(opened) = opened
                    && let Some(back) = stage.at_wallet(&opened, "approve").await?
                {
                    backs.push((tab, back));
                }
            }
            for (tab, back) in backs {
                stage.come_back(tab, &back).await?;
            }
        }
        _ => Box::pin(two_readers(stage)).await?,
    }
    Ok(())
}

/// In this time, a call that the gate has let through is answered.
const LONGER_THAN_A_CALL: Duration = Duration::from_millis(5);

/// Two workers read one subscription, which changes between the call of the first that the seed
/// decides and the next; the event of that change is brought to the second of them.
async fn two_readers(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((_, back)) = approve(stage, Door::TabA, "photos", By::Page).await? else {
        return Ok(());
    };
    stage.come_back(Door::TabA, &back).await?;
    let books = stage.lane.stripe.books();
    let id = books
        .subscriptions
        .first()
        .and_then(|it| it["id"].as_str())
        .unwrap_or_default();
    stage.deliver_and_pump().await?;
    // A first change, whose event is on its way to the first reader.
    let path = format!("/v1/subscriptions/{id}");
    stage
        .lane
        .stripe
        .post(&path, &[("cancel_at_period_end", "true")])
        .await?;
    for event in stage.undelivered() {
        stage.deliver(&event).await?;
    }
    stage.read_stream();
    let first: Vec<_> = std::mem::take(&mut stage.notes.borrow_mut().waiting);
    let pause = 1 + stage.rng.borrow_mut().below(8);
    let overtakes = stage.rng.borrow_mut().below(2) == 0;
    let gate = raise(stage);
    let reader = stage.work(Door::Hooks, &stage.lane.functions.worker, &first);
    let change = async {
        // The first reader is somewhere between its fence and its write.
        for _ in 0..1000 {
            if gate.order().len() >= pause {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gate.hold(Door::Hooks, true);
        // The call that has begun gets its answer, and only the next one is held up.
        tokio::time::sleep(LONGER_THAN_A_CALL).await;
        stage
            .lane
            .stripe
            .post(&path, &[("cancel_at_period_end", "false")])
            .await?;
        for event in stage.undelivered() {
            stage.deliver(&event).await?;
        }
        stage.read_stream();
        gate.hold(Door::Hooks, overtakes);
        let second: Vec<_> = std::mem::take(&mut stage.notes.borrow_mut().waiting);
        stage
            .work(Door::TabB, &stage.lane.functions.other_worker, &second)
            .await;
        gate.hold(Door::Hooks, false);
        Ok::<_, Broken>(())
    };
    let (_, changed) = tokio::join!(
        behind(&gate, Door::Hooks, reader),
        behind(&gate, Door::TabB, change),
    );
    lower(stage, &gate);
    changed?;
    stage.check_read_model("after two have read at once").await
}
