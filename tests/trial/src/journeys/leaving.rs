//! What a subscriber pauses, gets back, takes again with what is saved, and does by the link of a mail.

use serde_json::json;

use super::{Journey, actions};
use crate::broken::Broken;
use crate::leaving::Asker;
use crate::stage::Stage;
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const MINUTE: i64 = 60;
const TAB: Door = Door::TabA;
const PAGE: Asker<'static> = Asker::Page(TAB);

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, method)) = actions::begin(stage).await? else {
        return Ok(());
    };
    match journey {
        Journey::Paused => paused(stage, &id).await,
        Journey::PausedByServer => paused_by_server(stage, &id).await,
        Journey::PauseResumed => resumed(stage, &id, &method).await,
        Journey::PauseEndDeclined => end_declined(stage, &id, &method).await,
        Journey::GivenBack => {
            stage.pass(18 * DAY).await?;
            given_back(stage, &id).await
        }
        Journey::GivenBackOfTwo => {
            stage.pass(5 * DAY).await?;
            actions::agree(stage, &id, &json!({"plan": "photos-pro"})).await?;
            stage.pass(7 * DAY).await?;
            given_back(stage, &id).await
        }
        Journey::RefundedByServer => refunded_by_server(stage, &id).await,
        Journey::CameAgain => came_again(stage, &id, &method, "succeed").await,
        Journey::CameAgainDeclined => came_again(stage, &id, &method, "decline").await,
        Journey::CanceledByLink => canceled_by_link(stage, &id).await,
        _ => repaired_by_link(stage, &id, &method).await,
    }
}

/// The status at Stripe, where nothing goes wrong.
fn expect(stage: &Stage<'_>, id: &str, status: &str) {
    let books = stage.lane.stripe.books();
    let now = books.subscriptions.iter().find(|it| it["id"] == id);
    if stage.setting.trouble.is_none() && now.is_none_or(|it| it["status"] != status) {
        stage.broke(format!("{id} should be {status} by now"));
    }
}

/// Lets a pause end in which nothing happens, and the sweep come round.
async fn until_its_end(stage: &Stage<'_>, until: i64) -> Result<(), Broken> {
    let left = until - stage.lane.stripe.now().await?;
    // A sweep of a moment before does not end it.
    stage.pass(left - 2 * MINUTE).await?;
    stage.sweep_until_done("open").await?;
    stage.pass(6 * MINUTE).await?;
    stage.sweep_until_done("open").await?;
    stage.note_ended_pauses();
    stage.flow().await
}

/// A shopper pauses for some weeks, in which a renewal would have been, and it goes on by itself.
async fn paused(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(20 * DAY).await?;
    let until = stage.lane.stripe.now().await? + 25 * DAY;
    stage.pause(PAGE, id, Some(until)).await?;
    stage.some_minutes().await?;
    until_its_end(stage, until).await?;
    expect(stage, id, "active");
    actions::renew(stage).await
}

/// A server pauses without an end, and the shopper goes on.
async fn paused_by_server(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pause(Asker::Server("paused"), id, None).await?;
    stage.some_minutes().await?;
    expect(stage, id, "paused");
    stage.pass(40 * DAY).await?;
    stage.sweep_until_done("open").await?;
    stage.flow().await?;
    stage.resume(Asker::Server("resumed"), id).await?;
    stage.some_minutes().await?;
    expect(stage, id, "active");
    actions::renew(stage).await
}

/// A plan to come is given up with a pause, which the shopper ends before its time, and not with the first payment method
/// that is tried.
async fn resumed(stage: &Stage<'_>, id: &str, method: &str) -> Result<(), Broken> {
    let ask = json!({"plan": "photos-pro", "when": "period_end"});
    actions::agree(stage, id, &ask).await?;
    // Of a period that has just begun, all would be credited, and nothing be due.
    stage.pass(20 * DAY).await?;
    stage.flow().await?;
    let until = stage.lane.stripe.now().await? + 20 * DAY;
    stage.pause(PAGE, id, Some(until)).await?;
    stage.some_minutes().await?;
    stage.pass(5 * DAY).await?;
    for (charge, status) in [("decline", "paused"), ("succeed", "active")] {
        stage.lane.stripe.charges_of(method, charge).await?;
        stage.resume(PAGE, id).await?;
        stage.some_minutes().await?;
        expect(stage, id, status);
    }
    until_its_end(stage, until).await
}

/// The end of a pause cannot be paid, and another payment method pays it.
async fn end_declined(stage: &Stage<'_>, id: &str, method: &str) -> Result<(), Broken> {
    stage.pass(20 * DAY).await?;
    stage.flow().await?;
    let until = stage.lane.stripe.now().await? + 5 * DAY;
    stage.pause(PAGE, id, Some(until)).await?;
    stage.some_minutes().await?;
    stage.lane.stripe.charges_of(method, "decline").await?;
    until_its_end(stage, until).await?;
    expect(stage, id, "paused");
    stage.give_method(TAB, id).await?;
    stage.flow().await?;
    expect(stage, id, "active");
    Ok(())
}

/// The shopper ends at once, and what is not used goes back.
async fn given_back(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.flow().await?;
    stage.end_now(TAB, id).await?;
    stage.some_minutes().await?;
    expect(stage, id, "canceled");
    Ok(())
}

/// What is given back in two parts, of which the second is all that the first has left.
async fn refunded_by_server(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.flow().await?;
    for (key, amount) in [("a-part", 500), ("the-rest", 1000)] {
        stage.refund((Door::TabB, key), id, amount).await?;
        stage.some_minutes().await?;
    }
    expect(stage, id, "active");
    actions::renew(stage).await
}

/// After the end the shopper comes again, which is paid as before or with the wallet.
async fn came_again(stage: &Stage<'_>, id: &str, method: &str, charge: &str) -> Result<(), Broken> {
    stage.pass(10 * DAY).await?;
    given_back(stage, id).await?;
    stage.lane.stripe.charges_of(method, charge).await?;
    let answer = stage.come_again(TAB, id, "photos-pro").await?;
    stage.lane.stripe.charges_of(method, "succeed").await?;
    let expected = if charge == "succeed" { 201 } else { 402 };
    if let Some((status, body)) = answer
        && status != expected
        && stage.setting.trouble.is_none()
    {
        stage.broke(format!(
            "what should {charge} was answered {status}: {body}"
        ));
    }
    stage.some_minutes().await?;
    if charge == "decline" {
        return super::buy(stage, TAB, "photos", crate::shopper::By::Page).await;
    }
    actions::renew(stage).await
}

/// The shopper cancels by the link of a mail, takes that back, and cancels again.
async fn canceled_by_link(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let Some(link) = stage.link_of(id, "cancel").await? else {
        return Ok(());
    };
    let cancel = &[("do", "cancel"), ("when", "period_end")][..];
    for what in [cancel, &[("do", "keep")], cancel] {
        if stage.press_by_link(TAB, id, &link, what).await?.is_none() {
            return Ok(());
        }
        stage.flow().await?;
    }
    Ok(())
}

/// A renewal is declined, and the shopper gives another payment method by the link of a mail.
async fn repaired_by_link(stage: &Stage<'_>, id: &str, method: &str) -> Result<(), Broken> {
    stage.lane.stripe.charges_of(method, "decline").await?;
    actions::renew(stage).await?;
    expect(stage, id, "past_due");
    let Some(link) = stage.link_of(id, "repair").await? else {
        return Ok(());
    };
    stage.repair_by_link(TAB, &link).await?;
    stage.flow().await?;
    expect(stage, id, "active");
    Ok(())
}
