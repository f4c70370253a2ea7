//! The journeys with Apple Pay.

use serde_json::Value;

use super::{Journey, open};
use crate::books::text;
use crate::broken::Broken;
use crate::sheet::{Sheet, return_of};
use crate::shopper::{By, Click};
use crate::stage::{Stage, Told};
use crate::wire::Door;

/// Until when a shopper may come back to what they have begun.
const OPEN: i64 = 23 * 3600;

/// How the page goes on after the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It asks for the subscription.
    Subscribe,
    /// It asks how the checkout stands.
    Poll,
    /// The browser comes back with the intent.
    Return,
}

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let (a, b) = (Door::TabA, Door::TabB);
    match journey {
        Journey::AppleSetup => {
            if let Some(opened) = open(stage, a, "photos", By::Apple).await? {
                confirm(stage, a, &opened, Then::Subscribe).await?;
            }
            Ok(())
        }
        Journey::ApplePayment => buy(stage, a, "photos", Then::Subscribe).await,
        Journey::AppleTrial => buy(stage, a, "photos-trial", Then::Return).await,
        Journey::AppleDeclined => declined(stage, "photos").await,
        Journey::AppleTrialDeclined => declined(stage, "photos-trial").await,
        Journey::AppleToTrial => change_of_mind(stage, "photos", "photos-trial").await,
        Journey::AppleToPayment => change_of_mind(stage, "photos-trial", "photos").await,
        Journey::AppleEnded => ended(stage, "photos").await,
        Journey::AppleTrialEnded => ended(stage, "photos-trial").await,
        Journey::AppleTwoTabs => {
            let first = begin(stage, a, "photos").await?;
            let second = begin(stage, b, "photos").await?;
            for (tab, opened) in [(a, first), (b, second)] {
                if let Some(opened) = opened {
                    confirm(stage, tab, &opened, Then::Poll).await?;
                }
            }
            Ok(())
        }
        Journey::AppleLeft => begin(stage, a, "photos").await.map(drop),
        Journey::AppleTrialLeft => begin(stage, a, "photos-trial").await.map(drop),
        Journey::AppleLate => late(stage, "photos").await,
        Journey::AppleTrialLate => late(stage, "photos-trial").await,
        Journey::AppleToAmazon => {
            let left = begin(stage, a, "photos").await?;
            if let Some(opened) = open(stage, b, "photos", By::Page).await?
                && let Some(back) = stage.at_wallet(&opened, "approve").await?
            {
                stage.come_back(b, &back).await?;
            }
            too_late(stage, a, left.as_ref()).await
        }
        Journey::AppleAfterAmazon => {
            let left = open(stage, a, "photos", By::Page).await?;
            buy(stage, b, "photos", Then::Poll).await?;
            if let Some(left) = left
                && let Some(back) = stage.at_wallet(&left, "approve").await?
            {
                stage.come_back(a, &back).await?;
            }
            Ok(())
        }
        Journey::AppleOtherOrder => {
            let left = open(stage, a, "photos", By::Apple).await?;
            buy(stage, b, "photos", Then::Subscribe).await?;
            too_late(stage, a, left.as_ref()).await
        }
        _ => Ok(()),
    }
}

/// Presses the button; gives the subscription that waits to be confirmed, if there is one.
pub async fn begin(stage: &Stage<'_>, tab: Door, plan: &str) -> Result<Option<Value>, Broken> {
    match stage.begin(tab, plan).await? {
        Click::Opened(opened) => Ok(Some(opened)),
        Click::Subscribed | Click::GaveUp => Ok(None),
    }
}

/// Says yes in the sheet, and goes on as the page does; gives whether it was confirmed.
pub async fn confirm(
    stage: &Stage<'_>,
    tab: Door,
    opened: &Value,
    then: Then,
) -> Result<bool, Broken> {
    let confirmed = stage.answer_sheet(opened, Sheet::Approve).await?;
    let told = go_on(stage, tab, opened, then).await?;
    if let (true, Some(told)) = (confirmed, told)
        && told.status == "failed"
    {
        // An approved SetupIntent is no sale where another one was quicker.
        let has_other = told.reason.as_deref() == Some("already_subscribed");
        if opened.get("subscription").is_some() || !has_other {
            stage.broke(format!("what was just confirmed has failed: {told:?}"));
        }
    }
    Ok(confirmed)
}

async fn go_on(
    stage: &Stage<'_>,
    tab: Door,
    opened: &Value,
    then: Then,
) -> Result<Option<Told>, Broken> {
    let checkout = text(opened, "/checkout")?;
    match then {
        Then::Subscribe => stage.subscribe(tab, &checkout).await,
        Then::Poll => stage.poll(tab, &checkout).await,
        Then::Return => stage.come_back(tab, &return_of(opened)?).await,
    }
}

pub(super) async fn buy(
    stage: &Stage<'_>,
    tab: Door,
    plan: &str,
    then: Then,
) -> Result<(), Broken> {
    if let Some(opened) = begin(stage, tab, plan).await? {
        confirm(stage, tab, &opened, then).await?;
    }
    Ok(())
}

async fn declined(stage: &Stage<'_>, plan: &str) -> Result<(), Broken> {
    let tab = Door::TabA;
    if let Some(opened) = begin(stage, tab, plan).await? {
        stage.answer_sheet(&opened, Sheet::Decline).await?;
        stage.check_entitled(plan).await?;
        go_on(stage, tab, &opened, Then::Poll).await?;
    }
    buy(stage, tab, plan, Then::Subscribe).await
}

/// The shopper has begun one plan and takes another of its group; then they find the first page
/// still open and try to pay there.
async fn change_of_mind(stage: &Stage<'_>, left: &str, taken: &str) -> Result<(), Broken> {
    let left = begin(stage, Door::TabA, left).await?;
    buy(stage, Door::TabB, taken, Then::Subscribe).await?;
    too_late(stage, Door::TabA, left.as_ref()).await
}

/// Confirms in a tab that was left behind. Whether that is too late depends on what went wrong.
async fn too_late(stage: &Stage<'_>, tab: Door, left: Option<&Value>) -> Result<(), Broken> {
    if let Some(left) = left {
        stage.answer_sheet(left, Sheet::Approve).await?;
        go_on(stage, tab, left, Then::Poll).await?;
    }
    Ok(())
}

/// The shopper has confirmed, and before anybody here reads it, the subscription is ended at Stripe.
async fn ended(stage: &Stage<'_>, plan: &str) -> Result<(), Broken> {
    let tab = Door::TabA;
    let Some(opened) = begin(stage, tab, plan).await? else {
        return Ok(());
    };
    if stage.answer_sheet(&opened, Sheet::Approve).await? {
        stage.end_at_stripe().await?;
    }
    go_on(stage, tab, &opened, Then::Poll).await.map(drop)
}

/// Nobody confirms in time, everything ends, and a new click works.
async fn late(stage: &Stage<'_>, plan: &str) -> Result<(), Broken> {
    let tab = Door::TabA;
    let left = begin(stage, tab, plan).await?;
    stage.flow().await?;
    stage.pass(OPEN + 60).await?;
    stage.sweep_until_done("open").await?;
    // What a sweep was at when it died is looked at again after a while.
    stage.pass(20 * 60).await?;
    stage.sweep_until_done("open").await?;
    let trouble = stage.setting.trouble;
    if trouble.is_some_and(|trouble| trouble.fault.is_stored()) {
        // As long as Stripe repeats the failure, nothing can be taken back.
        stage.pass(25 * 3600).await?;
        stage.lane.wire.forget_keys();
        stage.sweep_until_done("open").await?;
    }
    stage.flow().await?;
    if let Some(left) = &left
        && stage.answer_sheet(left, Sheet::Approve).await?
    {
        stage.broke("what nobody has confirmed in time can still be confirmed");
    }
    buy(stage, tab, plan, Then::Subscribe).await
}
