//! Journeys about how many, for how much, and for whom: quantities, promotion codes, e-mail addresses and erasures.

use serde_json::{Value, json};

use super::{Journey, actions, apple, buy};
use crate::asked::Code;
use crate::books::text;
use crate::broken::Broken;
use crate::shopper::{Ask, By, Click};
use crate::stage::{Life, Stage};
use crate::wire::Door;

const TAB: Door = Door::TabA;

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    match journey {
        Journey::QuantityChanged => quantity(stage).await,
        Journey::QuantityDeclined => declined(stage).await,
        Journey::Code => {
            let body = json!({"plan": "photos", "wallet": "amazon_pay", "confirm": "client"});
            let Some((opened, _)) = order(stage, body).await? else {
                return Ok(());
            };
            if let Some(back) = stage.at_wallet(&opened, "approve").await? {
                stage.come_back(TAB, &back).await?;
            }
            some_minutes(stage).await?;
            actions::renew(stage).await
        }
        Journey::CodeEnded => {
            let body = json!({"plan": "photos", "wallet": "amazon_pay", "confirm": "client"});
            let Some((opened, code)) = order(stage, body).await? else {
                return Ok(());
            };
            stage.end_code(&code).await?;
            if let Some(back) = stage.at_wallet(&opened, "approve").await? {
                stage.come_back(TAB, &back).await?;
            }
            stage.flow().await
        }
        Journey::AppleCode => {
            let body = json!({"plan": "photos", "wallet": "apple_pay", "first": "subscription"});
            let Some((opened, _)) = order(stage, body).await? else {
                return Ok(());
            };
            apple::confirm(stage, TAB, &opened, apple::Then::Subscribe).await?;
            some_minutes(stage).await?;
            actions::renew(stage).await
        }
        Journey::Emails => emails(stage).await,
        Journey::Erased => erased(stage).await,
        _ => erased_while_open(stage).await,
    }
}

/// A shopper has more of it at once, and fewer from the next period on.
async fn quantity(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    actions::agree(stage, &id, &json!({"quantity": 3})).await?;
    actions::agree(stage, &id, &json!({"quantity": 2})).await?;
    actions::renew(stage).await
}

/// More of it cannot be paid, and nothing of that happens later.
async fn declined(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, method)) = actions::begin(stage).await? else {
        return Ok(());
    };
    let ask = json!({"quantity": 4});
    let Some(shown) = stage.preview(TAB, &id, &ask).await? else {
        return Ok(());
    };
    stage.lane.stripe.charges_of(&method, "decline").await?;
    if let Some((status, body)) = stage.agree(TAB, &id, &shown).await? {
        let quantity = body.pointer("/subscription/quantity");
        if (status, quantity) != (402, Some(&json!(1))) {
            stage.broke(format!("a declined quantity was answered {status}: {body}"));
        }
    }
    stage.lane.stripe.charges_of(&method, "succeed").await?;
    stage.flow().await?;
    actions::renew(stage).await
}

/// Makes a code for the first payment, and presses the button with it.
async fn order(stage: &Stage<'_>, mut body: Value) -> Result<Option<(Value, Code)>, Broken> {
    let code = stage.make_code("photos").await?;
    // Where nothing goes wrong, each answer is known.
    stage.notes.borrow_mut().deals_are_all = stage.setting.trouble.is_none();
    body["discount"] = json!({"promotion_code": code.id, "amount": code.first});
    let ask = Ask::Order { body: &body };
    match stage.press(TAB, "photos", &ask).await? {
        Click::Opened(opened) => Ok(Some((opened, code))),
        Click::Subscribed | Click::GaveUp => Ok(None),
    }
}

/// Lets the checkout come to its end, whoever has died: before a month passes, a sweep has come round.
pub(super) async fn some_minutes(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.flow().await?;
    stage.pass(11 * 60).await?;
    stage.sweep_until_done("open").await?;
    if stage.setting.life == Life::Sweeper {
        stage.sweep_until_done("events").await?;
    }
    stage.flow().await
}

/// A server says where Stripe writes to, before there is a customer and after; the last one stays.
async fn emails(stage: &Stage<'_>) -> Result<(), Broken> {
    let address = |name: &str| json!(format!("{name}{}", crate::asked::MAILBOX));
    stage.set_email(&address("first")).await?;
    buy(stage, TAB, "photos", By::Page).await?;
    stage.flow().await?;
    stage.set_email(&Value::Null).await?;
    stage.set_email(&address("second")).await?;
    stage.flow().await
}

/// A server ends the subscription at once, and has the user erased.
async fn erased(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    stage.notes.borrow_mut().ended.insert(id.clone());
    let now = json!({"when": "now"});
    stage.serve(&id, "cancel", "gone", &now).await?;
    stage.flow().await?;
    stage.erase().await?;
    stage.flow().await
}

/// A user is erased while a wallet's page is open, and says yes there afterwards.
async fn erased_while_open(stage: &Stage<'_>) -> Result<(), Broken> {
    let opened = super::open(stage, TAB, "photos", By::Page).await?;
    let erased = stage.erase().await?;
    if let Some(opened) = opened {
        let secret = text(&opened, "/client_secret")?;
        let back = text(&opened, "/return_url")?;
        let stripe = &stage.lane.stripe;
        if stripe.confirm_on_page(&secret, &back).await? && erased {
            stage.broke("a page could confirm what belongs to a user who is erased");
        }
    }
    stage.flow().await
}
