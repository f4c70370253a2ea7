//! A free trial that begins without a payment method: one is given in time, or never.

use serde_json::json;

use super::{Journey, actions};
use crate::books::text;
use crate::broken::Broken;
use crate::stage::{Life, Stage};
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    stage.begin_free_trial(TAB, "photos-trial").await?;
    stage.flow().await?;
    if stage.setting.life == Life::Sweeper {
        stage.sweep_until_done("open").await?;
        stage.sweep_until_done("events").await?;
        stage.flow().await?;
    }
    let begun = stage.lane.stripe.books().subscriptions;
    let Some(subscription) = begun.first() else {
        return Ok(());
    };
    let id = text(subscription, "/id")?;
    // Another click begins no other one, and a wallet's button none beside it.
    stage.begin_free_trial(Door::TabB, "photos-trial").await?;
    let leaves = journey == Journey::FreeTrialLeft;
    if !leaves {
        stage.pass(5 * DAY).await?;
        stage.give_method(TAB, &id).await?;
        stage.flow().await?;
        // No month passes without the sweeps of its hours, by which a SetupIntent is found that nobody knows.
        stage.pass(2 * DAY).await?;
        stage.sweep_until_done("events").await?;
    }
    actions::renew(stage).await?;
    let books = stage.lane.stripe.books();
    let now = books
        .subscriptions
        .iter()
        .find(|it| it["id"] == id.as_str());
    let expected = if leaves { "canceled" } else { "active" };
    if stage.setting.trouble.is_none() && now.is_none_or(|it| it["status"] != expected) {
        stage.broke(format!("{id} should be {expected} by now"));
    }
    let method = now.map(|it| &it["default_payment_method"]);
    let has_method = method.is_some_and(|it| !it.is_null());
    if !has_method && !books.charges.is_empty() {
        stage.broke(format!("{id} was charged without a payment method"));
    }
    Ok(())
}

impl Stage<'_> {
    /// Presses the button of a trial without a payment method, again until there is an answer.
    async fn begin_free_trial(&self, door: Door, plan: &str) -> Result<(), Broken> {
        let body = json!({
            "plan": plan,
            "without_payment_method": true,
            "trial_days": 14,
        });
        let answer = self.insist_on(door, &body).await?;
        if let Some((status, body)) = &answer {
            let code = body["error"]["code"].as_str().unwrap_or_default();
            self.tell(format!("begins a trial without a method: {status} {code}"));
        }
        Ok(())
    }
}
