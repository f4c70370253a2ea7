//! Journeys about add-ons.

use serde_json::{Value, json};

use super::{Journey, actions, orders};
use crate::books::text;
use crate::broken::Broken;
use crate::shopper::{Ask, Click};
use crate::stage::{Stage, Terms};
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;

/// What two of one and none of the other cost, with the plan.
const TWO: i64 = 1500 + 2 * 500;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let Some(id) = begin(stage).await? else {
        return Ok(());
    };
    stage.pass(5 * DAY).await?;
    stage.flow().await?;
    match journey {
        Journey::Addons => more_and_fewer(stage, &id).await,
        Journey::AddonSwapped => swapped(stage, &id).await,
        Journey::AddonsDeclined => declined(stage, &id).await,
        _ => with_another_plan(stage, &id).await,
    }
}

/// Buys a plan with two of an add-on; gives the subscription.
pub(crate) async fn begin(stage: &Stage<'_>) -> Result<Option<String>, Broken> {
    {
        let mut notes = stage.notes.borrow_mut();
        notes.deals_are_all = stage.setting.trouble.is_none();
        notes.wishes.first = Some(TWO);
        notes.wishes.periods.insert(TWO);
    }
    let body = json!({
        "plan": "photos", "wallet": "amazon_pay", "confirm": "client", "addons": {"storage": 2},
    });
    let ask = Ask::Order { body: &body };
    let Click::Opened(opened) = stage.press(TAB, "photos", &ask).await? else {
        return Ok(None);
    };
    if let Some(back) = stage.at_wallet(&opened, "approve").await? {
        stage.come_back(TAB, &back).await?;
    }
    orders::some_minutes(stage).await?;
    let Some(made) = stage.live() else {
        return Ok(None);
    };
    let created = made["created"].as_i64().unwrap_or_default();
    let id = text(&made, "/id")?;
    stage.deal(&id, created, Terms::counts(TWO));
    Ok(Some(id))
}

/// Agrees to a change, after which a period costs this.
async fn agree(stage: &Stage<'_>, id: &str, ask: Value, period: i64) -> Result<(), Broken> {
    stage.notes.borrow_mut().wishes.periods.insert(period);
    actions::agree(stage, id, &ask).await
}

/// More at once, and fewer from the next period on.
async fn more_and_fewer(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let more = json!({"addons": {"storage": 4, "support": 1}});
    agree(stage, id, more, 1500 + 4 * 500 + 300).await?;
    let fewer = json!({"addons": {"storage": 1, "support": 0}});
    agree(stage, id, fewer, 1500 + 500).await?;
    actions::renew(stage).await
}

/// One ends at once while another begins: Stripe takes that as a whole or not at all.
async fn swapped(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let swap = json!({"addons": {"storage": 0, "support": 5}, "when": "now"});
    agree(stage, id, swap, 1500 + 5 * 300).await?;
    actions::renew(stage).await
}

/// What cannot be paid changes nothing, whether or not something ends with it.
async fn declined(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let Some(live) = stage.live() else {
        return Ok(());
    };
    let method = text(&live, "/default_payment_method")?;
    for ask in [
        json!({"addons": {"storage": 5}}),
        json!({"addons": {"storage": 0, "support": 5}, "when": "now"}),
    ] {
        let Some(shown) = stage.preview(TAB, id, &ask).await? else {
            return Ok(());
        };
        stage.lane.stripe.charges_of(&method, "decline").await?;
        if let Some((status, body)) = stage.agree(TAB, id, &shown).await?
            && status != 402
        {
            stage.broke(format!("declined add-ons were answered {status}: {body}"));
        }
        stage.lane.stripe.charges_of(&method, "succeed").await?;
        stage.flow().await?;
    }
    // Nothing of it may be charged later.
    stage.notes.borrow_mut().agreed.clear();
    actions::renew(stage).await
}

/// Another plan takes along what it has under the same name, at its price, and ends the rest.
async fn with_another_plan(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let more = json!({"addons": {"support": 1}});
    agree(stage, id, more, TWO + 300).await?;
    let pro = json!({"plan": "photos-pro"});
    agree(stage, id, pro, 2900 + 2 * 400).await?;
    stage.pass(2 * DAY).await?;
    let back = json!({"plan": "photos", "when": "period_end", "addons": {"support": 2}});
    agree(stage, id, back, 1500 + 2 * 500 + 2 * 300).await?;
    actions::renew(stage).await
}
