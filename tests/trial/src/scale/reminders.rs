//! The sweep of every five minutes, while the shop has to be told of many charges.

use std::collections::BTreeMap;
use std::time::Duration;

use perennial_types::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::clones::Clones;
use super::shop::{Figures, Shop};
use crate::broken::Broken;
use crate::table::Item;

/// The schedule of the template.
pub(super) const SWEPT_EVERY: Duration = Duration::from_mins(5);
/// No run lasts longer.
const LONGEST: Duration = Duration::from_hours(240);

/// Subscriptions that renew within this time, a week later, so that the reminders of all of them come due within it.
pub async fn reminders(many: usize, within: Duration, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(many, seed)).await?;
    let shop = Shop::of_copies(&clones, |_| {});
    let mut first = None;
    for number in 0..many {
        for (item, due_at) in clones.rows(number).filter_map(waiting) {
            let first = *first.get_or_insert(due_at);
            let share = u64::try_from(number).unwrap_or_default() * within.as_secs();
            let share = share / u64::try_from(many).unwrap_or(u64::MAX);
            let share = i64::try_from(share).unwrap_or(i64::MAX);
            let mut item = item;
            item.insert("due_at".to_owned(), text(first.plus_seconds(share)));
            shop.services.table.lay(item);
        }
    }
    let first = first.ok_or_else(|| Broken::new("the subscriber has no reminder to come"))?;
    let wait = first.unix() - shop.clock.now().unix();
    shop.clock.advance(wait);
    let reconcile = shop.start("reconcile").await?;
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    let mut invocations = 0;
    let mut longest = Duration::ZERO;
    let mut next = shop.began;
    loop {
        sleep_until(next).await;
        let begun = Instant::now();
        let done = reconcile.handle(json!({"sweep": "open"})).await;
        let done = done.map_err(Broken::new)?;
        invocations += 1;
        longest = longest.max(begun.elapsed());
        next += SWEPT_EVERY;
        for count in ["told", "pending", "failed"] {
            *sum.entry(count).or_default() += done["reminders"][count].as_u64().unwrap_or_default();
        }
        // What the shop was told is not asked for again.
        shop.services.table.records().clear();
        shop.services.table.drop_each(|item| {
            let sk = item["sk"]["S"].as_str();
            sk.is_some_and(|sk| sk.starts_with("OUT#"))
        });
        let is_over = done["reminders"]["complete"] == true && shop.began.elapsed() > within;
        if is_over || shop.began.elapsed() > LONGEST {
            break;
        }
    }
    let told = sum.get("told").copied().unwrap_or_default();
    let outcome = json!({
        "counts": sum, "longest_sweep_s": longest.as_secs(),
        "not_told": u64::try_from(many).unwrap_or(u64::MAX).saturating_sub(told),
    });
    let name = format!("{many} reminders within {} min", within.as_secs() / 60);
    Ok(shop.figures(name, &[("reconcile", invocations)], Vec::new(), outcome))
}

/// The item, and when it is due, if it waits to be told of.
fn waiting(item: Item) -> Option<(Item, Timestamp)> {
    let is_subscription = item["sk"]["S"].as_str()?.starts_with("SUB#");
    let due_at = item.get("due_at").filter(|_| is_subscription)?["S"].as_str();
    let due_at = serde_json::from_value(Value::from(due_at?)).ok()?;
    Some((item, due_at))
}

fn text(at: Timestamp) -> Value {
    json!({ "S": at.to_string() })
}
