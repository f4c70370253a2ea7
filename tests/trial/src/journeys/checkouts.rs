//! Journeys through the checkout with Amazon Pay.

use serde_json::Value;

use super::Journey;
use crate::books::text;
use crate::broken::Broken;
use crate::shopper::{By, Click};
use crate::stage::{Life, Stage};
use crate::wire::Door;

/// As far as a clock is wrong that nobody looks after.
const TEN_MINUTES: i64 = 600;

/// Plays one of them.
#[allow(
    clippy::too_many_lines,
    reason = "a list of journeys, each a few lines"
)]
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    let tab = Door::TabA;
    match journey {
        Journey::ClientReturn => buy(stage, tab, "photos", By::Page).await,
        Journey::ServerReturn => buy(stage, tab, "photos", By::Server).await,
        Journey::Trial => buy(stage, tab, "photos-trial", By::Page).await,
        Journey::NoReturn => approve(stage, tab, "photos", By::Page).await.map(drop),
        Journey::WalletLeft => {
            if let Some(opened) = open(stage, tab, "photos", By::Server).await?
                && let Some(back) = stage.at_wallet(&opened, "close").await?
            {
                stage.come_back(tab, &back).await?;
            }
            Ok(())
        }
        Journey::Poll => {
            if let Some((opened, _)) = approve(stage, tab, "photos", By::Page).await? {
                stage.poll(tab, &text(&opened, "/checkout")?).await?;
            }
            Ok(())
        }
        Journey::SubscribeCall => {
            if let Some((opened, _)) = approve(stage, tab, "photos", By::Page).await? {
                stage.subscribe(tab, &text(&opened, "/checkout")?).await?;
            }
            Ok(())
        }
        Journey::Ended => {
            buy(stage, tab, "photos", By::Page).await?;
            stage.end_at_stripe().await
        }
        Journey::PlannedEnd => {
            buy(stage, tab, "photos", By::Page).await?;
            stage.plan_end_at_stripe().await
        }
        Journey::Unreadable => {
            stage.table.put_unreadable()?;
            buy(stage, tab, "photos", By::Page).await?;
            stage.plan_end_at_stripe().await?;
            if stage.setting.life != Life::Sweeper {
                stage.deliver_all().await?;
            }
            stage.stream_gives_up();
            Ok(())
        }
        Journey::TwoDeclines => two_declines(stage, By::Page).await,
        Journey::ClocksAhead => {
            stage.lane.clock.advance(TEN_MINUTES);
            buy(stage, tab, "photos", By::Page).await
        }
        Journey::ClocksBehind => {
            stage.lane.clock.advance(-TEN_MINUTES);
            buy(stage, tab, "photos", By::Page).await
        }
        Journey::DeclineRetry => decline_and_retry(stage, By::Page).await,
        Journey::ServerDeclineRetry => decline_and_retry(stage, By::Server).await,
        Journey::PaymentDeclinedRetry => {
            if let Some((opened, back)) = approve(stage, tab, "photos", By::Page).await? {
                refuse_payment(stage, &opened).await?;
                stage.come_back(tab, &back).await?;
                buy(stage, tab, "photos", By::Page).await?;
            }
            Ok(())
        }
        Journey::TwoPlans => {
            let first = open(stage, tab, "photos", By::Page).await?;
            let second = open(stage, Door::TabB, "photos-trial", By::Page).await?;
            let mut backs = Vec::new();
            for (tab, opened) in [(tab, first), (Door::TabB, second)] {
                if let Some(opened) = opened
                    && let Some(back) = stage.at_wallet(&opened, "approve").await?
                {
                    backs.push((tab, back));
                }
            }
            for (tab, back) in backs {
                stage.come_back(tab, &back).await?;
            }
            Ok(())
        }
        _ => two_tabs(stage).await,
    }
}

/// Presses the button; gives the open checkout, if there is one.
pub async fn open(
    stage: &Stage<'_>,
    tab: Door,
    plan: &str,
    by: By,
) -> Result<Option<Value>, Broken> {
    match stage.click(tab, plan, by).await? {
        Click::Opened(opened) => Ok(Some(opened)),
        Click::Subscribed | Click::GaveUp => Ok(None),
    }
}

/// From the button to the wallet's yes; gives the checkout and the way back.
pub async fn approve(
    stage: &Stage<'_>,
    tab: Door,
    plan: &str,
    by: By,
) -> Result<Option<(Value, String)>, Broken> {
    let Some(opened) = open(stage, tab, plan, by).await? else {
        return Ok(None);
    };
    let back = stage.at_wallet(&opened, "approve").await?;
    Ok(back.map(|back| (opened, back)))
}

/// From the button back to the shop.
pub async fn buy(stage: &Stage<'_>, tab: Door, plan: &str, by: By) -> Result<(), Broken> {
    if let Some((_, back)) = approve(stage, tab, plan, by).await? {
        stage.come_back(tab, &back).await?;
    }
    Ok(())
}

/// The same checkout is opened in two tabs, and both come back.
async fn two_tabs(stage: &Stage<'_>) -> Result<(), Broken> {
    let first = open(stage, Door::TabA, "photos", By::Page).await?;
    let second = open(stage, Door::TabB, "photos", By::Page).await?;
    let Some(opened) = second.or(first) else {
        return Ok(());
    };
    if let Some(back) = stage.at_wallet(&opened, "approve").await? {
        stage.come_back(Door::TabA, &back).await?;
        stage.come_back(Door::TabB, &back).await?;
    }
    Ok(())
}

async fn decline_and_retry(stage: &Stage<'_>, by: By) -> Result<(), Broken> {
    let tab = Door::TabA;
    let Some(opened) = open(stage, tab, "photos", by).await? else {
        return Ok(());
    };
    if let Some(back) = stage.at_wallet(&opened, "decline").await? {
        stage.come_back(tab, &back).await?;
    }
    buy(stage, tab, "photos", by).await
}

/// A shopper who needs a third try at the wallet, and whose browser is gone after it.
async fn two_declines(stage: &Stage<'_>, by: By) -> Result<(), Broken> {
    let tab = Door::TabA;
    let Some(opened) = open(stage, tab, "photos", by).await? else {
        return Ok(());
    };
    for choice in ["decline", "decline", "approve"] {
        stage.at_wallet(&opened, choice).await?;
    }
    Ok(())
}

impl Stage<'_> {
    /// Somebody ends all subscriptions at Stripe, in the Dashboard for one.
    pub async fn end_at_stripe(&self) -> Result<(), Broken> {
        for subscription in self.lane.stripe.books().subscriptions {
            let id = text(&subscription, "/id")?;
            if subscription["status"] != "canceled" {
                let path = format!("/v1/subscriptions/{id}");
                self.lane.stripe.delete(&path).await?;
                self.tell(format!("somebody ends {id} at Stripe"));
                self.notes.borrow_mut().ended.insert(id);
            }
        }
        Ok(())
    }

    /// Somebody lets all subscriptions end with their period.
    async fn plan_end_at_stripe(&self) -> Result<(), Broken> {
        for subscription in self.lane.stripe.books().subscriptions {
            let path = format!("/v1/subscriptions/{}", text(&subscription, "/id")?);
            let form = [("cancel_at_period_end", "true")];
            self.lane.stripe.post(&path, &form).await?;
        }
        Ok(())
    }
}

/// The wallet's yes holds, but its first charge will be refused.
async fn refuse_payment(stage: &Stage<'_>, opened: &Value) -> Result<(), Broken> {
    let intent = stage
        .lane
        .stripe
        .setup_intent(&text(opened, "/setup_intent")?)
        .await?;
    let method = text(&intent, "/payment_method")?;
    stage.lane.stripe.charges_of(&method, "decline").await
}
