//! Several at once, at what a user is given, offered and brings along.

use serde_json::json;

use super::actions::below;
use super::{Race, behind, lower, raise};
use crate::asked::MAILBOX;
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{buy, given, open, order_taxed, oregon, taken};
use crate::shop::PARTNER;
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::Door;

const A: Door = Door::TabA;
const B: Door = Door::TabB;
const GERMAN: i64 = 1071;

/// Runs one of them, up to where everything comes to rest.
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    match race {
        Race::GrantAndErase => grant_and_erase(stage).await,
        Race::TwoGrants => two_grants(stage).await,
        Race::OfferAndClick => offer_and_click(stage).await,
        Race::TwoTaxIds => two_tax_ids(stage).await,
        Race::MoveAndReturn => move_and_return(stage).await,
        _ => two_adoptions(stage).await,
    }
}

/// A user of whom something is known is erased while a plan, an offer, tax ids or a customer come in.
async fn grant_and_erase(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.set_email(&json!(format!("gone{MAILBOX}"))).await?;
    stage.grant(A, given("prints", None)).await?;
    let what = below(stage, 5);
    let older = if what == 3 {
        Some(stage.older_customer("photos").await?)
    } else {
        None
    };
    let gate = raise(stage);
    let late = async {
        match (what, &older) {
            (0, _) => stage.grant(A, given("photos", None)).await.map(drop),
            (1, _) => stage.offer(A, PARTNER, true).await,
            (2, _) => stage.set_tax_ids(A, &[("eu_vat", "DE123456789")]).await,
            (_, Some(older)) => stage.adopt(A, older, false).await.map(drop),
            _ => stage.grant(A, taken("prints")).await.map(drop),
        }
    };
    let (late, erased) = tokio::join!(behind(&gate, A, late), behind(&gate, B, stage.erase()));
    lower(stage, &gate);
    late?;
    erased?;
    stage.flow().await
}

/// Two plans at once, or one and its end.
async fn two_grants(stage: &Stage<'_>) -> Result<(), Broken> {
    let until = stage.lane.stripe.now().await? + 300 * 24 * 3600;
    if below(stage, 2) == 0 {
        stage.grant(A, given("photos", None)).await?;
    }
    let other = [
        given("prints", None),
        given("photos", Some(until)),
        taken("photos"),
    ];
    let other = other[below(stage, 3)].clone();
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.grant(A, given("photos", None))),
        behind(&gate, B, stage.grant(B, other)),
    );
    lower(stage, &gate);
    if (one?, other?) != (Some(200), Some(200)) {
        stage.broke("of two servers one was not heard");
    }
    stage.check_grants().await
}

/// An offer is taken back while its button is pressed, or while a change to it is agreed to.
async fn offer_and_click(stage: &Stage<'_>) -> Result<(), Broken> {
    let has_plan = below(stage, 2) == 0;
    if has_plan {
        buy(stage, A, "photos", By::Page).await?;
        stage.flow().await?;
    }
    stage.offer(B, PARTNER, true).await?;
    if !has_plan {
        let gate = raise(stage);
        let (opened, taken) = tokio::join!(
            behind(&gate, A, stage.click_private(A, PARTNER)),
            behind(&gate, B, stage.offer(B, PARTNER, false)),
        );
        lower(stage, &gate);
        taken?;
        if let Some(opened) = opened?
            && let Some(back) = stage.at_wallet(&opened, "approve").await?
        {
            stage.come_back(A, &back).await?;
        }
        stage.flow().await?;
        return stage.click_private(A, PARTNER).await.map(drop);
    }
    let Some(live) = stage.live() else {
        return Ok(());
    };
    let id = text(&live, "/id")?;
    let Some(shown) = stage.preview_private(A, &id, PARTNER).await? else {
        return Ok(());
    };
    let gate = raise(stage);
    let (agreed, taken) = tokio::join!(
        behind(&gate, A, stage.agree_private(A, &id, (PARTNER, &shown))),
        behind(&gate, B, stage.offer(B, PARTNER, false)),
    );
    lower(stage, &gate);
    agreed?;
    taken
}

/// Two servers say different tax ids, or the same, of a user who has one, none or no customer.
async fn two_tax_ids(stage: &Stage<'_>) -> Result<(), Broken> {
    let (german, austrian) = (("eu_vat", "DE123456789"), ("eu_vat", "ATU12345678"));
    match below(stage, 3) {
        0 => stage.set_tax_ids(A, &[("us_ein", "12-3456789")]).await?,
        1 => stage.set_email(&json!(format!("firm{MAILBOX}"))).await?,
        _ => {}
    }
    let other = [&[austrian][..], &[german], &[], &[german, austrian]];
    let (one, other) = ([german], other[below(stage, 4)]);
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.set_tax_ids(A, &one)),
        behind(&gate, B, stage.set_tax_ids(B, other)),
    );
    lower(stage, &gate);
    one?;
    other
}

/// The shopper comes back, or the page asks, while a server says that they are elsewhere: what was shown is charged, or
/// nothing.
async fn move_and_return(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some(opened) = order_taxed(stage, GERMAN).await? else {
        return Ok(());
    };
    let Some(back) = stage.at_wallet(&opened, "approve").await? else {
        return Ok(());
    };
    // Whether the next period is taxed depends on who was first.
    stage.notes.borrow_mut().deals_are_all = false;
    let elsewhere = oregon();
    let gate = raise(stage);
    let (told, moved) = tokio::join!(
        behind(&gate, A, stage.come_back(A, &back)),
        behind(&gate, B, stage.set_address(B, &elsewhere)),
    );
    lower(stage, &gate);
    told?;
    moved?;
    Ok(())
}

/// Two customers of before for one user, or one while the user presses the button.
async fn two_adoptions(stage: &Stage<'_>) -> Result<(), Broken> {
    let first = stage.older_customer("photos").await?;
    if below(stage, 2) == 0 {
        let second = stage.older_customer("photos-pro").await?;
        let gate = raise(stage);
        let (one, other) = tokio::join!(
            behind(&gate, A, stage.adopt(A, &first, false)),
            behind(&gate, B, stage.adopt(B, &second, false)),
        );
        lower(stage, &gate);
        let done = [one?, other?];
        if done.iter().filter(|it| **it == Some(200)).count() != 1 {
            stage.broke(format!("two customers for one user were answered {done:?}"));
        }
        return stage.flow().await;
    }
    let gate = raise(stage);
    let (adopted, opened) = tokio::join!(
        behind(&gate, A, stage.adopt(A, &first, false)),
        behind(&gate, B, open(stage, B, "photos", By::Page)),
    );
    lower(stage, &gate);
    adopted?;
    if let Some(opened) = opened?
        && let Some(back) = stage.at_wallet(&opened, "approve").await?
    {
        stage.come_back(B, &back).await?;
    }
    stage.flow().await
}
