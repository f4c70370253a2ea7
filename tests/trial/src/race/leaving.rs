//! Several at once, at what is paused, given back and taken again.

use serde_json::json;

use super::actions::{after_calls, below};
use super::{Race, behind, lower, raise};
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{begin, buy};
use crate::leaving::Asker;
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::Door;

const A: Door = Door::TabA;
const B: Door = Door::TabB;
const DAY: i64 = 24 * 3600;
const MINUTE: i64 = 60;
/// More calls than what is asked here takes.
const MOST_CALLS: usize = 14;

/// Runs one of them, up to where everything comes to rest.
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    buy(stage, A, "photos", By::Page).await?;
    stage.flow().await?;
    let Some(subscription) = stage.live() else {
        return Ok(());
    };
    let id = text(&subscription, "/id")?;
    match race {
        Race::PauseAndRenewal => {
            let ends = subscription["items"]["data"][0]["current_period_end"].as_i64();
            let left = ends.unwrap_or_default() - stage.lane.stripe.now().await?;
            pause_and_renewal(stage, &id, left).await
        }
        Race::ResumeAndSweep => resume_and_sweep(stage, &id).await,
        Race::TwoEnds => two_ends(stage, &id).await,
        Race::TwoComeAgain => two_come_again(stage, &id).await,
        _ => page_and_device(stage, &id).await,
    }
}

/// A pause is asked for while the period ends and is paid.
async fn pause_and_renewal(stage: &Stage<'_>, id: &str, left: i64) -> Result<(), Broken> {
    // Before the end, or while the invoice of the next period is a draft.
    let (before, seconds) = [(60, 65), (60, 3700), (-3550, 100)][below(stage, 3)];
    stage.pass(left - before).await?;
    stage.flow().await?;
    let until = stage.lane.stripe.now().await? + 10 * DAY;
    // If the renewal is first, all of a new period is credited, and the next one costs nothing.
    stage.notes.borrow_mut().agreed.push(0);
    let calls = below(stage, MOST_CALLS);
    let gate = raise(stage);
    let (asked, passed) = tokio::join!(
        behind(&gate, A, stage.pause(Asker::Page(A), id, Some(until))),
        after_calls(&gate, calls, stage.pass(seconds)),
    );
    lower(stage, &gate);
    asked?;
    passed?;
    stage.some_minutes().await?;
    stage.pass(10 * DAY).await?;
    stage.some_minutes().await
}

/// The shopper goes on while a sweep ends the pause, or while another device goes on.
async fn resume_and_sweep(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(20 * DAY).await?;
    stage.flow().await?;
    let until = stage.lane.stripe.now().await? + 5 * DAY;
    stage.pause(Asker::Page(A), id, Some(until)).await?;
    stage.flow().await?;
    stage.pass(5 * DAY + MINUTE).await?;
    let gate = raise(stage);
    if below(stage, 2) == 0 {
        let (resumed, _) = tokio::join!(
            behind(&gate, A, stage.resume(Asker::Page(A), id)),
            behind(&gate, Door::Sweeper, stage.sweep("open")),
        );
        lower(stage, &gate);
        resumed?;
    } else {
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.resume(Asker::Page(A), id)),
            behind(&gate, B, stage.resume(Asker::Page(B), id)),
        );
        lower(stage, &gate);
        one?;
        other?;
    }
    stage.flow().await?;
    let invoices = stage.lane.stripe.books().invoices;
    // The credit of the pause is an invoice, too.
    let begun = invoices.iter().filter(|it| {
        it["billing_reason"] == "subscription_update"
            && it["status"] == "paid"
            && it["total"].as_i64() > Some(0)
    });
    if begun.count() != 1 {
        stage.broke("a pause has not ended once");
    }
    Ok(())
}

/// An end for which something goes back, on one device; on the other the same, another preview, another plan, or an end
/// with the period.
async fn two_ends(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    let Some(one) = stage.preview_end(A, id).await? else {
        return Ok(());
    };
    let what = below(stage, 5);
    if what < 2 {
        // A second later it may be another amount.
        stage
            .pass(if what == 0 { 0 } else { 2 * 3600 / 10 })
            .await?;
        let other = if what == 0 {
            Some(one.clone())
        } else {
            stage.preview_end(B, id).await?
        };
        let Some(other) = other else { return Ok(()) };
        let gate = raise(stage);
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.end_as_shown(A, id, &one)),
            behind(&gate, B, stage.end_as_shown(B, id, &other)),
        );
        lower(stage, &gate);
        one?;
        other?;
        return Ok(());
    }
    if what == 2 {
        let ask = json!({"plan": "photos-pro"});
        let Some(other) = stage.preview(B, id, &ask).await? else {
            return Ok(());
        };
        let gate = raise(stage);
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.end_as_shown(A, id, &one)),
            behind(&gate, B, stage.agree(B, id, &other)),
        );
        lower(stage, &gate);
        one?;
        other?;
        return Ok(());
    }
    if what == 3 {
        let gate = raise(stage);
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.end_as_shown(A, id, &one)),
            behind(&gate, B, stage.take_back(B, id, "cancel")),
        );
        lower(stage, &gate);
        one?;
        other?;
        return Ok(());
    }
    let until = stage.lane.stripe.now().await? + 2 * DAY;
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.end_as_shown(A, id, &one)),
        behind(&gate, B, stage.pause(Asker::Page(B), id, Some(until))),
    );
    lower(stage, &gate);
    one?;
    other?;
    stage.some_minutes().await?;
    stage.pass(2 * DAY).await?;
    stage.some_minutes().await
}

/// Two devices come again, with one plan or with two, or one of them with the sheet of Apple Pay.
async fn two_come_again(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    stage.end_now(A, id).await?;
    stage.flow().await?;
    let second = ["photos", "photos-pro"][below(stage, 2)];
    let one = stage.preview_again(A, id, "photos").await?;
    let other = stage.preview_again(B, id, second).await?;
    let (Some(one), Some(other)) = (one, other) else {
        return Ok(());
    };
    let with_sheet = below(stage, 3) == 0;
    let gate = raise(stage);
    if with_sheet {
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.again_as_shown(A, id, &one)),
            behind(&gate, B, begin(stage, B, second)),
        );
        lower(stage, &gate);
        one?;
        other?;
    } else {
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.again_as_shown(A, id, &one)),
            behind(&gate, B, stage.again_as_shown(B, id, &other)),
        );
        lower(stage, &gate);
        one?;
        other?;
    }
    Ok(())
}

/// The page of a link in one tab, and the shop's page in another.
async fn page_and_device(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(3 * DAY).await?;
    stage.flow().await?;
    let Some(link) = stage.link_of(id, "cancel").await? else {
        return Ok(());
    };
    let cancel = &[("do", "cancel"), ("when", "period_end")][..];
    if below(stage, 2) == 0 {
        stage.press_by_link(A, id, &link, cancel).await?;
        stage.flow().await?;
    }
    let pressed = [cancel, &[("do", "keep")]][below(stage, 2)];
    let Some(shown) = stage.preview_end(B, id).await? else {
        return Ok(());
    };
    let what = below(stage, 3);
    let gate = raise(stage);
    let other = async {
        match what {
            0 => stage.take_back(B, id, "cancel").await,
            1 => stage.take_back(B, id, "withdraw-cancellation").await,
            _ => stage.end_as_shown(B, id, &shown).await,
        }
    };
    let (page, other) = tokio::join!(
        behind(&gate, A, stage.press_by_link(A, id, &link, pressed)),
        behind(&gate, B, other),
    );
    lower(stage, &gate);
    page?;
    other?;
    Ok(())
}
