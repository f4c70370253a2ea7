//! Journeys about discounts of a subscription that runs.

use serde_json::json;

use super::{Journey, actions};
use crate::broken::Broken;
use crate::priced::Discount;
use crate::stage::Stage;
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;
const SERVER: Door = Door::TabB;
const PERIOD: i64 = 1500;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    stage
        .notes
        .borrow_mut()
        .wishes
        .periods
        .extend([PERIOD, PERIOD * 80 / 100]);
    match journey {
        Journey::Discounted => discounted(stage, &id).await,
        Journey::CodeAlone => code_alone(stage, &id).await,
        Journey::CodeWithChange => code_with_change(stage, &id).await,
        _ => code_used_up(stage, &id).await,
    }
}

/// A server puts a coupon on, repeats itself under the same key and under another one, and takes it off.
async fn discounted(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("SORRY", None).await?;
    let (put, off) = (Discount::Coupon(&coupon), Discount::Remove);
    for key in ["on", "on"] {
        stage.discount((SERVER, key), id, put, PERIOD).await?;
    }
    // It has the coupon already.
    let again = stage.discount((SERVER, "once-more"), id, put, PERIOD);
    if again.await? == Some(200) && stage.setting.trouble.is_none() {
        stage.broke("a coupon was put on twice");
    }
    stage.some_minutes().await?;
    actions::renew(stage).await?;
    stage.discount((SERVER, "off"), id, off, PERIOD).await?;
    stage.some_minutes().await?;
    actions::renew(stage).await
}

/// A shopper redeems a code alone, which counts from the next invoice.
async fn code_alone(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("ALONE", Some("1")).await?;
    let shown = stage.preview_code(TAB, id, &coupon, &json!({})).await?;
    let Some(shown) = shown else { return Ok(()) };
    stage.agree_code(TAB, id, (&coupon, &shown)).await?;
    stage.some_minutes().await?;
    actions::renew(stage).await
}

/// The same with a dearer plan, whose difference is reckoned with it.
async fn code_with_change(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("DEARER", Some("1")).await?;
    let periods = [2900 * 80 / 100, 2900];
    stage.notes.borrow_mut().wishes.periods.extend(periods);
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    let ask = json!({"plan": "photos-pro"});
    let Some(shown) = stage.preview_code(TAB, id, &coupon, &ask).await? else {
        return Ok(());
    };
    stage.agree_code(TAB, id, (&coupon, &shown)).await?;
    stage.some_minutes().await?;
    actions::renew(stage).await
}

/// Somebody else uses the code up between the price and the click.
async fn code_used_up(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("LAST", Some("1")).await?;
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    let ask = json!({"plan": "photos-pro"});
    let Some(shown) = stage.preview_code(TAB, id, &coupon, &ask).await? else {
        return Ok(());
    };
    stage.redeemed_by_another(&coupon, "prints").await?;
    let answer = stage.agree_code(TAB, id, (&coupon, &shown)).await?;
    if let Some((200, body)) = answer {
        stage.broke(format!("a code that was used up was taken: {body}"));
    }
    stage.some_minutes().await?;
    actions::renew(stage).await
}
