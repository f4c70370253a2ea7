//! The runs: a shop of some size, and the work that comes of its size alone.

use std::collections::BTreeMap;
use std::time::Duration;

use perennial_inbox::Event;
use perennial_store::InboxItem;
use perennial_types::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::clones::Clones;
use super::shop::{Figures, Shop};
use super::stream::{Mapping, Stream};
use super::template::{customer, subscription};
use crate::broken::Broken;
use crate::table::Item;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// A table has as many shards as it begins with until it has grown.
pub const SHARDS: usize = 4;
/// What a renewal brings, within so many seconds.
const EVENTS_OF_A_RENEWAL: [(&str, u64); 3] = [
    ("customer.subscription.updated", 0),
    ("invoice.paid", 1),
    ("customer.subscription.updated", 2),
];
/// How often a storm drops what has been applied from the table, in seconds.
const TIDIED_EVERY: u64 = 60;

/// The nightly comparison of all subscriptions, from its schedule until it is complete.
pub async fn comparison(subscribers: usize, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(subscribers, seed)).await?;
    let shop = Shop::of_copies(&clones, |_| {});
    let reconcile = shop.start("reconcile").await?;
    let mut invocations = 0;
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    // Begun at 3:17, and gone on with at the minutes 1, 16, 31 and 46.
    let mut next = shop.began;
    loop {
        sleep_until(next).await;
        next += if invocations == 0 {
            14 * MINUTE
        } else {
            15 * MINUTE
        };
        let ask = json!({"sweep": "subscriptions", "begun": invocations > 0});
        let done = reconcile.handle(ask).await.map_err(Broken::new)?;
        invocations += 1;
        let done = &done["subscriptions"];
        for count in ["compared", "repaired", "failed", "foreign", "doubled"] {
            *sum.entry(count).or_default() += done[count].as_u64().unwrap_or_default();
        }
        if done["complete"] == true || invocations > 20 {
            let outcome = json!({"counts": sum, "complete": done["complete"]});
            let name = format!("comparison of {subscribers}");
            return Ok(shop.figures(name, &[("reconcile", invocations)], Vec::new(), outcome));
        }
    }
}

/// The hourly look at Stripe's list of an hour's events.
pub async fn hourly(events: usize, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(events.max(1), seed)).await?;
    let shop = Shop::of_copies(&clones, |services| services.events = events);
    // The first look of a stack says of no event that it was missed.
    let an_hour_ago = shop.clock.now().plus_seconds(-3600).to_string();
    let cursor = json!({
        "pk": {"S": "RECONCILE"}, "sk": {"S": "CURSOR#events"}, "fence": {"N": "1"},
        "done_until": {"S": an_hour_ago}, "pass": {"N": "0"}, "types": {"N": "0"},
    });
    if let Some(cursor) = cursor.as_object() {
        shop.services.table.lay(cursor.clone());
    }
    let reconcile = shop.start("reconcile").await?;
    let done = reconcile.handle(json!({"sweep": "events"})).await;
    let done = done.map_err(Broken::new)?;
    let name = format!("hour of {events} events");
    Ok(shop.figures(
        name,
        &[("reconcile", 1)],
        Vec::new(),
        done["events"].clone(),
    ))
}

/// How a storm of renewals goes.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// How many subscriptions renew.
    pub renewals: usize,
    /// Within which time.
    pub within: Duration,
    /// For how long Stripe answers 429, from a sixth of that time on.
    pub refusing: Duration,
    /// How many shards the stream has.
    pub shards: usize,
}

impl Storm {
    /// Within an hour, at four shards.
    pub fn of(renewals: usize) -> Self {
        Self {
            renewals,
            within: HOUR,
            refusing: Duration::ZERO,
            shards: SHARDS,
        }
    }
}

/// Renewals, whose events come by the webhook and go through the stream to the worker.
pub async fn storm(storm: Storm, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(storm.renewals, seed)).await?;
    let from = storm.within / 6;
    let shop = Shop::of_copies(&clones, |services| {
        services.is_renewed = true;
        services.refuses = Some(from..from + storm.refusing);
    });
    let mapping = Mapping::of_template();
    let mapping = mapping.ok_or_else(|| Broken::new("the template has no worker"))?;
    let stream = Stream::new(mapping, storm.shards);
    for shard in 0..storm.shards {
        let worker = shop.start("worker").await?;
        tokio::spawn(stream.clone().drive(shard, worker));
    }
    let table = shop.table();
    let mut sent: u64 = 0;
    let seconds = storm.within.as_secs();
    let renewals = u64::try_from(storm.renewals).unwrap_or(u64::MAX);
    let mut last = shop.began;
    // The events of the last renewals come a little later, and then all are applied.
    for second in 0..24 * 3600 {
        sleep_until(shop.began + Duration::from_secs(second)).await;
        let mut puts = JoinSet::new();
        for (which, (kind, after)) in EVENTS_OF_A_RENEWAL.into_iter().enumerate() {
            let Some(second) = second.checked_sub(after).filter(|it| *it < seconds) else {
                continue;
            };
            for number in renewals * second / seconds..renewals * (second + 1) / seconds {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let item = received(kind, which, number, shop.clock.now())?;
                let table = table.clone();
                puts.spawn(async move { table.receive(&item).await });
                sent += 1;
            }
        }
        for put in puts.join_all().await {
            put.map_err(|error| Broken::new(error.to_string()))?;
        }
        stream.add(shop.services.table.records());
        // It is of no more use to the run, and of a large one takes more memory than a machine has.
        if second % TIDIED_EVERY == 0 {
            shop.services.table.drop_each(is_over);
        }
        if !stream.is_empty() {
            last = Instant::now();
        } else if second > seconds + 10 {
            break;
        }
    }
    let delivered = stream.delivered();
    let mut alarms = Vec::new();
    if delivered.periods_behind > 1 {
        alarms.push("WorkerBehind".to_owned());
    }
    if delivered.given_up > 0 {
        alarms.push("WorkerGaveUp".to_owned());
    }
    if delivered.timeouts > 0 {
        alarms.push("FunctionsFail".to_owned());
    }
    let left = shop.services.table.items();
    let is_received = |item: &&Item| item.get("status").is_some_and(|it| it["S"] == "received");
    let left = left.iter().filter(is_received);
    let outcome = json!({
        "events": sent, "applied": delivered.done, "given_up": delivered.given_up,
        "left_received": left.count(), "oldest_s": delivered.oldest.as_secs(),
    });
    let refused = if storm.refusing.is_zero() {
        String::new()
    } else {
        format!(", {} min of 429", storm.refusing.as_secs() / 60)
    };
    let name = format!(
        "{} renewals, {} shards{refused}",
        storm.renewals, storm.shards
    );
    let invocations = [("webhook", sent), ("worker", delivered.invocations)];
    let mut figures = shop.figures(name, &invocations, alarms, outcome);
    figures.took = last.duration_since(shop.began);
    Ok(figures)
}

/// An event of Stripe's that was applied, or one that the shop was told.
fn is_over(item: &Item) -> bool {
    let is_out = item["sk"]["S"]
        .as_str()
        .is_some_and(|sk| sk.starts_with("OUT#"));
    is_out || item.get("status").is_some_and(|it| it["S"] == "processed")
}

fn received(kind: &str, which: usize, number: usize, now: Timestamp) -> Result<InboxItem, Broken> {
    let object = if kind.starts_with("invoice") {
        json!({
            "id": format!("in_renewal{number}"), "object": "invoice", "customer": customer(number),
            "parent": {"type": "subscription_details",
                "subscription_details": {"subscription": subscription(number)}},
        })
    } else {
        json!({"id": subscription(number), "object": "subscription", "customer": customer(number)})
    };
    let event = json!({
        "id": format!("evt_r{which}x{number}"), "object": "event", "type": kind,
        "created": now.unix(), "livemode": false, "api_version": perennial_stripe::API_VERSION,
        "data": {"object": object},
    });
    let event = Event::from_json(&event).map_err(|error| Broken::new(error.to_string()))?;
    Ok(InboxItem::of(event, now))
}
