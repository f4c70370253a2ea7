//! Journeys about what a user is given, offered, and brings along: plans for free, private plans, and customers that
//! were there before.

use serde_json::json;

use super::{Journey, actions, buy};
use crate::asked::AskedGrant;
use crate::books::text;
use crate::broken::Broken;
use crate::shop::PARTNER;
use crate::shopper::By;
use crate::stage::{Life, Stage};
use crate::wire::Door;

const DAY: i64 = 24 * 3600;
const TAB: Door = Door::TabA;
const SERVER: Door = Door::TabB;

/// A plan for free, until a time or without an end.
pub(crate) fn given(plan: &str, until: Option<i64>) -> AskedGrant {
    AskedGrant {
        plan: plan.to_owned(),
        given: true,
        until,
    }
}

/// A plan that is taken away again.
pub(crate) fn taken(plan: &str) -> AskedGrant {
    AskedGrant {
        plan: plan.to_owned(),
        given: false,
        until: None,
    }
}

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    match journey {
        Journey::Granted => granted(stage).await,
        Journey::GrantOver => grant_over(stage).await,
        Journey::GrantedThenErased => granted_then_erased(stage).await,
        Journey::OfferWithdrawn => offer_withdrawn(stage).await,
        Journey::OfferedChange => offered_change(stage).await,
        Journey::Adopted => adopted(stage).await,
        _ => adopted_beside(stage).await,
    }
}

/// Plans for free before a subscription, beside it and after it, of which one is taken away.
async fn granted(stage: &Stage<'_>) -> Result<(), Broken> {
    let until = stage.lane.stripe.now().await? + 300 * DAY;
    stage.grant(SERVER, given("photos", Some(until))).await?;
    stage.grant(SERVER, given("prints", None)).await?;
    stage.check_grants().await?;
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    stage.grant(SERVER, taken("prints")).await?;
    stage.check_grants().await?;
    stage.notes.borrow_mut().ended.insert(id.clone());
    let now = json!({"when": "now"});
    stage.serve(&id, "cancel", "gone", &now).await?;
    stage.flow().await?;
    // To send it again changes nothing.
    stage.grant(SERVER, given("photos", Some(until))).await?;
    stage.check_grants().await
}

/// One that ends by itself, and one that takes its place.
async fn grant_over(stage: &Stage<'_>) -> Result<(), Broken> {
    let now = stage.lane.stripe.now().await?;
    stage
        .grant(SERVER, given("photos", Some(now + 10 * DAY)))
        .await?;
    stage
        .grant(SERVER, given("photos-pro", Some(now + 30 * DAY)))
        .await?;
    for days in [9, 2, 18, 2] {
        stage.pass(days * DAY).await?;
        stage.flow().await?;
        stage.check_grants().await?;
    }
    Ok(())
}

/// A user with an e-mail address and a plan for free is erased, and a server that has not heard of it gives another one.
async fn granted_then_erased(stage: &Stage<'_>) -> Result<(), Broken> {
    let address = json!(format!("gone{}", crate::asked::MAILBOX));
    stage.set_email(&address).await?;
    stage.grant(SERVER, given("photos", None)).await?;
    stage.offer(SERVER, PARTNER, true).await?;
    stage
        .set_tax_ids(SERVER, &[("eu_vat", "DE123456789")])
        .await?;
    let erased = stage.erase().await?;
    let late = stage.grant(TAB, given("photos-pro", None)).await?;
    if erased && late == Some(200) {
        stage.broke("a user who is being erased was given a plan");
    }
    stage.flow().await
}

/// A private plan whose offer is taken back while the wallet's page is open: what was begun goes on.
async fn offer_withdrawn(stage: &Stage<'_>) -> Result<(), Broken> {
    // Before the offer there is no such plan.
    stage.click_private(TAB, PARTNER).await?;
    stage.offer(SERVER, PARTNER, true).await?;
    let opened = stage.click_private(TAB, PARTNER).await?;
    stage.offer(SERVER, PARTNER, false).await?;
    if let Some(opened) = opened {
        stage.click_private(TAB, PARTNER).await?;
        if let Some(back) = stage.at_wallet(&opened, "approve").await? {
            stage.come_back(TAB, &back).await?;
        }
    }
    stage.flow().await?;
    stage.click_private(TAB, PARTNER).await.map(drop)
}

/// A change to a private plan, whose offer is taken back between the price and the agreement, and made again.
async fn offered_change(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((id, _)) = actions::begin(stage).await? else {
        return Ok(());
    };
    stage.preview_private(TAB, &id, PARTNER).await?;
    stage.offer(SERVER, PARTNER, true).await?;
    let Some(shown) = stage.preview_private(TAB, &id, PARTNER).await? else {
        return Ok(());
    };
    stage.offer(SERVER, PARTNER, false).await?;
    stage.preview_private(TAB, &id, PARTNER).await?;
    stage.agree_private(TAB, &id, (PARTNER, &shown)).await?;
    stage.offer(SERVER, PARTNER, true).await?;
    if let Some(shown) = stage.preview_private(TAB, &id, PARTNER).await? {
        stage.agree_private(TAB, &id, (PARTNER, &shown)).await?;
    }
    stage.flow().await?;
    actions::renew(stage).await
}

/// A customer who has subscribed at Stripe before becomes the user's, with what runs, and changes the plan.
async fn adopted(stage: &Stage<'_>) -> Result<(), Broken> {
    let customer = stage.older_customer("photos").await?;
    stage.adopt(SERVER, &customer, true).await?;
    let adopted = stage.adopt(SERVER, &customer, false).await?;
    stage.flow().await?;
    if adopted != Some(200) {
        // Until the call is answered, what runs is not known here.
        return Ok(());
    }
    // What runs is not sold again.
    buy(stage, TAB, "photos-pro", By::Page).await?;
    stage.adopt(SERVER, &customer, false).await?;
    if stage.setting.life == Life::Sweeper {
        stage.sweep_until_done("events").await?;
    }
    stage.flow().await?;
    let all = stage.lane.stripe.books().subscriptions;
    let Some(older) = all.iter().find(|it| it["customer"] == *customer) else {
        return Ok(());
    };
    let id = text(older, "/id")?;
    actions::agree(stage, &id, &json!({"plan": "photos-pro"})).await?;
    actions::renew(stage).await
}

/// Who has bought here is not given another customer, nor is a customer given to two users.
async fn adopted_beside(stage: &Stage<'_>) -> Result<(), Broken> {
    let customer = stage.older_customer("photos").await?;
    buy(stage, TAB, "prints", By::Page).await?;
    let status = stage.adopt(SERVER, &customer, false).await?;
    if status == Some(200) && !stage.lane.stripe.books().setup_intents.is_empty() {
        stage.broke("a user with a customer was given another one");
    }
    stage.flow().await
}
