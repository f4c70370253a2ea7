//! Journeys that meet what is rare: what another process has left behind, and a payment that is
//! claimed back.

use serde_json::{Value, json};

use super::{Journey, apple, approve, buy, open};
use crate::books::text;
use crate::broken::Broken;
use crate::shopper::By;
use crate::stage::{Life, Stage};
use crate::wire::Door;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let tab = Door::TabA;
    match journey {
        Journey::LostSetup => {
            if let Some(opened) = open(stage, tab, "photos", By::Page).await? {
                stage.lose_setup_intent(&opened).await?;
                if let Some(back) = stage.at_wallet(&opened, "approve").await? {
                    stage.come_back(tab, &back).await?;
                }
            }
            Ok(())
        }
        Journey::ForgottenSlot => {
            stage.table.put_forgotten_slot(&stage.user)?;
            if let Some((_, back)) = approve(stage, tab, "photos", By::Page).await? {
                stage.come_back(tab, &back).await?;
            }
            Ok(())
        }
        Journey::AppleForgottenSlot => {
            stage.table.put_forgotten_slot(&stage.user)?;
            apple::buy(stage, tab, "photos", apple::Then::Subscribe).await
        }
        Journey::Disputed => {
            buy(stage, tab, "photos", By::Page).await?;
            disputed(stage).await
        }
        _ => Ok(()),
    }
}

/// The shopper's bank claims the first payment back, wins, and loses the appeal.
async fn disputed(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.flow().await?;
    let stripe = &stage.lane.stripe;
    let charges = stripe.books().charges;
    let Some(charge) = charges.iter().find(|it| it["status"] == "succeeded") else {
        return Ok(());
    };
    let path = format!("/charges/{}/dispute", text(charge, "/id")?);
    let dispute = stripe.control("POST", &path, json!({})).await?;
    let path = format!("/disputes/{}/close", text(&dispute, "/id")?);
    for status in ["lost", "won"] {
        stage.flow().await?;
        if stage.setting.life == Life::Sweeper {
            stage.sweep_until_done("events").await?;
            stage.flow().await?;
        }
        let verdict = json!({ "status": status });
        stage.lane.stripe.control("POST", &path, verdict).await?;
        stage.tell(format!("the dispute is {status}"));
    }
    Ok(())
}

impl Stage<'_> {
    /// Stripe has made another SetupIntent for the checkout, whose answer nobody has heard.
    async fn lose_setup_intent(&self, opened: &Value) -> Result<(), Broken> {
        let stripe = &self.lane.stripe;
        let named = stripe.setup_intent(&text(opened, "/setup_intent")?).await?;
        let customer = text(&named, "/customer")?;
        let mut form = vec![
            ("customer".to_owned(), customer),
            ("usage".to_owned(), "off_session".to_owned()),
        ];
        for (name, value) in named["metadata"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            form.push((format!("metadata[{name}]"), value));
        }
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let lost = stripe.post("/v1/setup_intents", &form).await?;
        self.tell(format!("{} is made, and nobody hears of it", lost["id"]));
        Ok(())
    }
}
