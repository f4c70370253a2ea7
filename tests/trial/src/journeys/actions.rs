//! What a subscriber does in the page: cancels, changes the plan, gives another payment method.

use serde_json::{Value, json};

use super::{Journey, buy};
use crate::books::text;
use crate::broken::Broken;
use crate::shopper::By;
use crate::stage::{Life, Stage};
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;

/// Buys a plan, lets everybody hear of it; gives the subscription and its payment method.
pub(super) async fn begin(stage: &Stage<'_>) -> Result<Option<(String, String)>, Broken> {
    buy(stage, TAB, "photos", By::Page).await?;
    stage.flow().await?;
    if stage.setting.life == Life::Sweeper {
        stage.sweep_until_done("events").await?;
        stage.flow().await?;
    }
    let subscriptions = stage.lane.stripe.books().subscriptions;
    let Some(subscription) = subscriptions.first() else {
        return Ok(None);
    };
    // Where nothing goes wrong, each answer is known.
    stage.notes.borrow_mut().deals_are_all = stage.setting.trouble.is_none();
    let id = text(subscription, "/id")?;
    let method = text(subscription, "/default_payment_method")?;
    Ok(Some((id, method)))
}

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, method)) = begin(stage).await? else {
        return Ok(());
    };
    let later = |plan: &str| json!({"plan": plan, "when": "period_end"});
    match journey {
        Journey::CanceledInPage => {
            for action in ["cancel", "withdraw-cancellation", "cancel"] {
                if stage.take_back(TAB, &id, action).await?.is_none() {
                    return Ok(());
                }
            }
            Ok(())
        }
        Journey::ChangedPlan => change(stage, &id, &method, "succeed").await,
        Journey::ChangeDeclined => change(stage, &id, &method, "decline").await,
        Journey::PlanToCome => {
            agree(stage, &id, &later("photos-pro")).await?;
            renew(stage).await
        }
        Journey::PlanToComeReplaced => {
            agree(stage, &id, &later("photos-yearly")).await?;
            agree(stage, &id, &later("photos-pro")).await?;
            renew(stage).await
        }
        Journey::PlanToComeWithdrawn => {
            agree(stage, &id, &later("photos-pro")).await?;
            // The dearer plan at once takes the place of one to come.
            agree(stage, &id, &json!({"plan": "photos-yearly"})).await?;
            agree(stage, &id, &later("photos")).await?;
            stage.take_back(TAB, &id, "withdraw-change").await?;
            renew(stage).await
        }
        Journey::PlanToComeCanceled => {
            agree(stage, &id, &later("photos-pro")).await?;
            stage.take_back(TAB, &id, "cancel").await?;
            stage.take_back(TAB, &id, "withdraw-cancellation").await?;
            renew(stage).await
        }
        Journey::QuantityByServer => quantity(stage, &id).await,
        _ => other_method(stage, &id, &method).await,
    }
}

/// Sees what another plan costs, and agrees.
pub(super) async fn agree(stage: &Stage<'_>, id: &str, ask: &Value) -> Result<(), Broken> {
    if let Some(shown) = stage.preview(TAB, id, ask).await? {
        stage.agree(TAB, id, &shown).await?;
    }
    stage.flow().await
}

/// Lets a month pass, and the hours in which its invoice is a draft.
pub(super) async fn renew(stage: &Stage<'_>) -> Result<(), Broken> {
    for seconds in [32 * DAY, 2 * 3600] {
        stage.pass(seconds).await?;
        stage.flow().await?;
    }
    Ok(())
}

/// A server of the shop sells three of it.
async fn quantity(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let ask = json!({"plan": "photos", "quantity": 3});
    let Some((200, answer)) = stage.serve(id, "preview", "seen", &ask).await? else {
        return Ok(());
    };
    let shown = stage.read_preview(id, &ask, &answer)?;
    stage.notes.borrow_mut().agreed.push(shown.due);
    let agreed = json!({ "preview": answer["preview"] });
    let at = stage.lane.stripe.now().await?;
    if let Some((200, _)) = stage.serve(id, "change", "agreed", &agreed).await? {
        stage.deal(id, at, shown.terms);
    }
    renew(stage).await
}

/// Agrees to what was shown, whether or not that is paid.
async fn change(stage: &Stage<'_>, id: &str, method: &str, charge: &str) -> Result<(), Broken> {
    let ask = json!({"plan": "photos-pro"});
    let Some(shown) = stage.preview(TAB, id, &ask).await? else {
        return Ok(());
    };
    stage.lane.stripe.charges_of(method, charge).await?;
    let Some((status, body)) = stage.agree(TAB, id, &shown).await? else {
        return Ok(());
    };
    let plan = body.pointer("/subscription/plan").and_then(Value::as_str);
    let expected = match charge {
        "succeed" => (200, Some("photos-pro")),
        _ => (402, Some("photos")),
    };
    if (status, plan) != expected {
        stage.broke(format!(
            "a change that should {charge} was answered {status}: {body}"
        ));
    }
    // Nothing of it happens later.
    stage.lane.stripe.charges_of(method, "succeed").await
}

async fn other_method(stage: &Stage<'_>, id: &str, method: &str) -> Result<(), Broken> {
    stage.lane.stripe.charges_of(method, "decline").await?;
    for seconds in [31 * DAY, 2 * 3600] {
        stage.pass(seconds).await?;
        stage.flow().await?;
    }
    stage.give_method(TAB, id).await
}
