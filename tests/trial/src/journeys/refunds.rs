//! Journeys about what servers give back of invoices.

use serde_json::json;

use super::{Journey, actions};
use crate::broken::Broken;
use crate::stage::Stage;
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;
const SERVER: Door = Door::TabB;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    match journey {
        Journey::RefundRepeated => repeated(stage, &id).await,
        _ => then_ended(stage, &id).await,
    }
}

/// A server asks again under its key, and under other ones until nothing is left.
async fn repeated(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    for (key, amount) in [
        ("first", 600),
        ("first", 600),
        ("second", 600),
        ("too-much", 600),
        ("rest", 300),
        ("nothing", 1),
    ] {
        let answer = stage.refund((SERVER, key), id, amount).await?;
        let status = answer.map(|it| it.0);
        let is_refused = matches!(key, "too-much" | "nothing");
        if stage.setting.trouble.is_none() && (status == Some(200)) == is_refused {
            stage.broke(format!("{amount} of what is left were answered {status:?}"));
        }
    }
    stage.some_minutes().await?;
    actions::renew(stage).await
}

/// A part goes back, and then the subscription ends at once: what is not used goes back once.
async fn then_ended(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(3 * DAY).await?;
    stage.flow().await?;
    stage.refund((SERVER, "a-part"), id, 1000).await?;
    stage.some_minutes().await?;
    stage.end_now(TAB, id).await?;
    stage.some_minutes().await?;
    stage.notes.borrow_mut().ended.insert(id.to_owned());
    let now = json!({"when": "now"});
    stage.serve(id, "cancel", "gone", &now).await?;
    stage.some_minutes().await
}
