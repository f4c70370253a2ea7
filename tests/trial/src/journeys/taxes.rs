//! Journeys about taxes and tax ids.

use serde_json::{Value, json};

use super::{Journey, actions, orders};
use crate::books::text;
use crate::broken::Broken;
use crate::shop::TAXED;
use crate::shopper::{Ask, Click};
use crate::stage::{Stage, Terms};
use crate::wire::Door;

const TAB: Door = Door::TabA;
const SERVER: Door = Door::TabB;
/// What a period costs in Germany, and where there are no taxes.
const GERMAN: i64 = 900 * 119 / 100;
const UNTAXED: i64 = 900;
const VAT: (&str, &str) = ("eu_vat", "DE123456789");

/// In Germany.
pub(crate) fn germany() -> Value {
    json!({"country": "DE", "postal_code": "10115"})
}

/// In Oregon, where there are no taxes.
pub(crate) fn oregon() -> Value {
    json!({"country": "US", "postal_code": "97201"})
}

/// Plays one of them.
pub(super) async fn play(journey: Journey, stage: &Stage<'_>) -> Result<(), Broken> {
    match journey {
        Journey::TaxIds => tax_ids(stage).await,
        Journey::Taxed => taxed(stage).await,
        Journey::TaxMoved => moved(stage).await,
        _ => reversed(stage).await,
    }
}

/// Sees what it costs in Germany, and presses the button.
pub(crate) async fn order(stage: &Stage<'_>, wanted: i64) -> Result<Option<Value>, Broken> {
    let ask = json!({"plan": TAXED, "billing_address": germany()});
    let Some(amount) = stage.taxed(TAB, &ask).await? else {
        return Ok(None);
    };
    if amount != wanted {
        stage.broke(format!("{wanted} a period were shown as {amount}"));
    }
    {
        let mut notes = stage.notes.borrow_mut();
        notes.deals_are_all = stage.setting.trouble.is_none();
        notes.wishes.first = Some(wanted);
        notes.wishes.periods.extend([GERMAN, UNTAXED]);
    }
    let body = json!({
        "plan": TAXED, "wallet": "amazon_pay", "confirm": "client",
        "tax": {"amount": amount}, "billing_address": germany(),
    });
    let ask = Ask::Order { body: &body };
    match stage.press(TAB, TAXED, &ask).await? {
        Click::Opened(opened) => Ok(Some(opened)),
        Click::Subscribed | Click::GaveUp => Ok(None),
    }
}

/// Notes what a period costs from now on.
async fn counts(stage: &Stage<'_>, amount: i64) -> Result<(), Broken> {
    if let Some(live) = stage.live() {
        let at = stage.lane.stripe.now().await?;
        stage.deal(&text(&live, "/id")?, at, Terms::counts(amount));
    }
    Ok(())
}

/// A plan with taxes, whose renewals follow its shopper to another place.
async fn taxed(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some(opened) = order(stage, GERMAN).await? else {
        return Ok(());
    };
    if let Some(back) = stage.at_wallet(&opened, "approve").await? {
        stage.come_back(TAB, &back).await?;
    }
    orders::some_minutes(stage).await?;
    if stage.live().is_none() {
        return Ok(());
    }
    counts(stage, GERMAN).await?;
    actions::renew(stage).await?;
    stage.set_address(SERVER, &oregon()).await?;
    counts(stage, UNTAXED).await?;
    actions::renew(stage).await
}

/// The shopper is found elsewhere while the wallet's page is open, where it costs another amount.
async fn moved(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some(opened) = order(stage, GERMAN).await? else {
        return Ok(());
    };
    let moved = stage.set_address(SERVER, &oregon()).await?;
    if let Some(back) = stage.at_wallet(&opened, "approve").await?
        && let Some(told) = stage.come_back(TAB, &back).await?
        && moved == Some(200)
        && told.status == "subscribed"
    {
        stage.broke("a checkout was paid that costs another amount by now");
    }
    stage.flow().await
}

/// A business has the charge reversed, until its tax id is taken away.
async fn reversed(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.set_tax_ids(SERVER, &[VAT]).await?;
    if !stage.lane.stripe.books().tax_ids.is_empty() {
        if let Some(opened) = order(stage, UNTAXED).await?
            && let Some(back) = stage.at_wallet(&opened, "approve").await?
        {
            stage.come_back(TAB, &back).await?;
        }
        orders::some_minutes(stage).await?;
        counts(stage, UNTAXED).await?;
    }
    stage.set_tax_ids(SERVER, &[]).await?;
    if stage.live().is_none() {
        // No month passes here without the sweeps of its hours.
        return Ok(());
    }
    counts(stage, GERMAN).await?;
    actions::renew(stage).await
}

/// Tax ids that are set, set again, replaced, refused and taken away.
async fn tax_ids(stage: &Stage<'_>) -> Result<(), Broken> {
    let (other, american) = (("eu_vat", "ATU12345678"), ("us_ein", "12-3456789"));
    for ids in [
        &[VAT, american][..],
        &[VAT, american],
        &[other],
        &[VAT, ("eu_vat", "x")],
        &[],
        &[american, other],
    ] {
        stage.set_tax_ids(SERVER, ids).await?;
    }
    stage.flow().await
}
