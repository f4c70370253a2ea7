//! Several at once, at add-ons, discounts and what goes back of an invoice.

use serde_json::json;

use super::actions::{after_calls, below};
use super::{Race, behind, lower, raise};
use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{begin_with_addons, buy};
use crate::priced::Discount;
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::Door;

const A: Door = Door::TabA;
const B: Door = Door::TabB;
const DAY: i64 = 24 * 3600;
const PERIOD: i64 = 1500;
/// More calls than what is asked here takes.
const MOST_CALLS: usize = 14;

/// Runs one of them, up to where everything comes to rest.
pub(super) async fn run(race: Race, stage: &Stage<'_>) -> Result<(), Broken> {
    if race == Race::AddonsAndChange {
        return match begin_with_addons(stage).await? {
            Some(id) => addons_and_change(stage, &id).await,
            None => Ok(()),
        };
    }
    buy(stage, A, "photos", By::Page).await?;
    stage.flow().await?;
    let Some(subscription) = stage.live() else {
        return Ok(());
    };
    let id = text(&subscription, "/id")?;
    match race {
        Race::TwoRefunds => two_refunds(stage, &id).await,
        Race::RefundAndEnd => refund_and_end(stage, &id).await,
        Race::TwoDiscounts => two_discounts(stage, &id).await,
        _ => code_for_two(stage, &id).await,
    }
}

/// More or fewer of an add-on on one device; on the other another plan, other add-ons, the same preview, or an end with
/// the period.
async fn addons_and_change(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    // Each answer is known, but not whose was the last.
    stage.notes.borrow_mut().deals_are_all = false;
    stage.pass(5 * DAY).await?;
    stage.flow().await?;
    let one = [
        json!({"addons": {"storage": 4}}),
        json!({"addons": {"storage": 0, "support": 2}, "when": "now"}),
        json!({"addons": {"storage": 1}, "when": "period_end"}),
    ];
    let other = [
        json!({"plan": "photos-pro"}),
        json!({"plan": "photos-yearly", "when": "period_end"}),
        json!({"addons": {"support": 3}}),
    ];
    let one = &one[below(stage, 3)];
    let what = below(stage, 5);
    let Some(first) = stage.preview(A, id, one).await? else {
        return Ok(());
    };
    let second = match other.get(what) {
        Some(ask) => stage.preview(B, id, ask).await?,
        None => Some(first.clone()),
    };
    let Some(second) = second else { return Ok(()) };
    let gate = raise(stage);
    let agrees = async {
        if what == 4 {
            stage.take_back(B, id, "cancel").await
        } else {
            stage.agree(B, id, &second).await
        }
    };
    let (first, second) = tokio::join!(
        behind(&gate, A, stage.agree(A, id, &first)),
        behind(&gate, B, agrees),
    );
    lower(stage, &gate);
    first?;
    second?;
    let books = stage.lane.stripe.books();
    let charged = books.invoices.iter().filter(|it| {
        it["billing_reason"] == "subscription_update"
            && it["status"] == "paid"
            && it["amount_paid"].as_i64() > Some(0)
    });
    if charged.count() > 1 {
        stage.broke("two devices have paid for two changes of one state");
    }
    // What a period costs by then is one of what was agreed to.
    stage.notes.borrow_mut().wishes.periods.clear();
    Ok(())
}

/// All or most of an invoice, twice: what is left is not enough for both, unless it is one request.
async fn two_refunds(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let keys = [("one", "one"), ("one", "other")][below(stage, 2)];
    let amount = [PERIOD, 1000, 700][below(stage, 3)];
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.refund((A, keys.0), id, amount)),
        behind(&gate, B, stage.refund((B, keys.1), id, amount)),
    );
    lower(stage, &gate);
    let done = [one?, other?];
    let done = done
        .iter()
        .filter(|it| it.as_ref().is_some_and(|it| it.0 == 200))
        .count();
    let wanted = if keys.0 == keys.1 || 2 * amount <= PERIOD {
        2
    } else {
        1
    };
    if done != wanted {
        stage.broke(format!(
            "of two refunds of {amount} with {keys:?}, {done} were done"
        ));
    }
    stage.some_minutes().await
}

/// A server gives an invoice back while its shopper ends for what is not used.
async fn refund_and_end(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    let amount = [PERIOD, 700, 100][below(stage, 3)];
    let Some(shown) = stage.preview_end(A, id).await? else {
        return Ok(());
    };
    let gate = raise(stage);
    let (ended, refunded) = tokio::join!(
        behind(&gate, A, stage.end_as_shown(A, id, &shown)),
        behind(&gate, B, stage.refund((B, "back"), id, amount)),
    );
    lower(stage, &gate);
    ended?;
    refunded?;
    stage.some_minutes().await
}

/// The same coupon under one key or under two, or a coupon and its removal.
async fn two_discounts(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("BOTH", None).await?;
    let (put, off) = (Discount::Coupon(&coupon), Discount::Remove);
    let what = below(stage, 3);
    if what == 2 {
        stage.discount((B, "before"), id, put, PERIOD).await?;
        stage.some_minutes().await?;
    }
    let (one, other) = match what {
        0 => (("same", put), ("same", put)),
        1 => (("one", put), ("other", Discount::Code(&coupon))),
        _ => (("off", off), ("again", put)),
    };
    let gate = raise(stage);
    let (one, other) = tokio::join!(
        behind(&gate, A, stage.discount((A, one.0), id, one.1, PERIOD)),
        behind(&gate, B, stage.discount((B, other.0), id, other.1, PERIOD)),
    );
    lower(stage, &gate);
    let (one, other) = (one?, other?);
    let done = [one, other].iter().filter(|it| **it == Some(200)).count();
    if done == 0 || (what == 0 && done != 2) || (what == 1 && done != 1) {
        stage.broke(format!(
            "two discounts ({what}) were answered {one:?} and {other:?}"
        ));
    }
    stage.some_minutes().await
}

/// Of a code that may be redeemed once, the last is redeemed by somebody else while a change has it.
async fn code_for_two(stage: &Stage<'_>, id: &str) -> Result<(), Broken> {
    let coupon = stage.make_coupon("ONE", Some("1")).await?;
    stage.pass(10 * DAY).await?;
    stage.flow().await?;
    let ask = [json!({}), json!({"plan": "photos-pro"})];
    let ask = &ask[below(stage, 2)];
    let Some(shown) = stage.preview_code(A, id, &coupon, ask).await? else {
        return Ok(());
    };
    let calls = below(stage, MOST_CALLS);
    let gate = raise(stage);
    let (agreed, others) = tokio::join!(
        behind(&gate, A, stage.agree_code(A, id, (&coupon, &shown))),
        after_calls(&gate, calls, stage.redeemed_by_another(&coupon, "prints")),
    );
    lower(stage, &gate);
    let agreed = agreed?.map(|it| it.0);
    if others? == (agreed == Some(200)) {
        stage.broke(format!(
            "a code for one was answered {agreed:?}, beside somebody else"
        ));
    }
    stage.some_minutes().await
}
