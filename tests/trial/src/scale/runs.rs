//! The runs: a shop of some size, and the work that comes of its size alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use perennial_config::Env;
use perennial_functions::{Function, Running};
use perennial_inbox::Event;
use perennial_sandbox::SECRET_KEY;
use perennial_store::{InboxItem, Table};
use perennial_stripe::Transport;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::clones::{Clones, customer, subscription};
use super::meter::{BySecond, Lines, forget_memory, memory};
use super::services::{Client, Services};
use super::stream::{Mapping, Stream};
use crate::broken::Broken;
use crate::table::{BEGINNING, Cost, Database, Item, TABLE};

const NOWHERE: &str = "http://127.0.0.1:1";
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// A table has as many shards as it begins with until it has grown.
pub const SHARDS: usize = 4;
/// What Stripe takes of an account with a live key (<https://docs.stripe.com/rate-limits>).
const STRIPE_CALLS_PER_SECOND: u64 = 100;
/// What a renewal brings, within so many seconds.
const EVENTS_OF_A_RENEWAL: [(&str, u64); 3] = [
    ("customer.subscription.updated", 0),
    ("invoice.paid", 1),
    ("customer.subscription.updated", 2),
];

/// What a run has measured.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Which run, and of what size.
    pub name: String,
    /// How much simulated time it took.
    pub took: Duration,
    /// Calls of Stripe that were answered.
    pub calls: u64,
    /// Calls that were refused with 429.
    pub refused: u64,
    /// The most calls in a second, refused ones included.
    pub most: u64,
    /// What the table was asked.
    pub cost: Cost,
    /// The most writes of the index by its one key for events in a second.
    pub most_indexed: u64,
    /// Of each function.
    pub invocations: BTreeMap<&'static str, u64>,
    /// The largest memory of the process, in MB, with the table in it.
    pub memory: u64,
    /// The alarms of the template that would ring.
    pub alarms: Vec<String>,
    /// What came out: counts of the sweep, or of the stream.
    pub outcome: Value,
}

/// What every run begins with.
struct Shop {
    services: Arc<Services>,
    clock: Clock,
    lines: Lines,
    began: Instant,
    _log: tracing::subscriber::DefaultGuard,
}

impl Shop {
    fn open(clones: &Clones, change: impl FnOnce(&mut Services)) -> Self {
        forget_memory();
        let table = Database::new(None);
        for item in &clones.shared {
            table.lay(item.clone());
        }
        let rows = clones.clone();
        table.set_base(Box::new(move |pk, sk| {
            rows.row(pk, sk).or_else(|| stored_event(pk, sk))
        }));
        let began = Instant::now();
        let mut services = Services {
            table,
            clones: clones.clone(),
            answered: BySecond::new(),
            asked: BySecond::new(),
            indexed: BySecond::new(),
            is_renewed: false,
            events: 0,
            limit: STRIPE_CALLS_PER_SECOND,
            refuses: None,
            began,
        };
        change(&mut services);
        let clock = Clock::manual(Timestamp::from_unix(BEGINNING + 3600));
        let ticking = clock.clone();
        tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                ticking.advance(1);
            }
        });
        let lines = Lines::default();
        Self {
            services: Arc::new(services),
            clock,
            _log: tracing::subscriber::set_default(lines.clone()),
            lines,
            began,
        }
    }

    fn table(&self) -> Table {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .allow_no_auth()
            .endpoint_url(NOWHERE)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Client(Arc::clone(&self.services)));
        Table::over(aws_sdk_dynamodb::Client::from_conf(config.build()), TABLE)
    }

    async fn start(&self, name: &str) -> Result<Running, Broken> {
        let env = Env::from_pairs([
            ("TABLE_NAME", TABLE),
            ("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE),
            ("STRIPE_API_BASE", NOWHERE),
            ("STRIPE_MODE", "test"),
            ("STRIPE_SECRET_KEY", SECRET_KEY),
        ]);
        let transport: Arc<dyn Transport> = Arc::new(Client(Arc::clone(&self.services)));
        let env = env.with(transport).with(self.table());
        let function = Function::named(name);
        let function = function.ok_or_else(|| Broken::new(format!("there is no {name}")))?;
        let started = function.start(&env, self.clock.clone()).await;
        started.map_err(|error| Broken::new(format!("{name} does not start: {error}")))
    }

    fn figures(
        &self,
        name: String,
        invocations: &[(&'static str, u64)],
        mut alarms: Vec<String>,
        outcome: Value,
    ) -> Figures {
        if self.lines.errors() > 0 {
            let first = self.lines.first().unwrap_or_default();
            alarms.push(format!(
                "ErrorLogged ({}, first: {first})",
                self.lines.errors()
            ));
        }
        if self.lines.alarms("event_missed") > 0 {
            alarms.push("EventsMissed".to_owned());
        }
        let services = &self.services;
        Figures {
            name,
            took: self.began.elapsed(),
            calls: services.answered.all(),
            refused: services.asked.all() - services.answered.all(),
            most: services.asked.most(),
            cost: services.table.cost(),
            most_indexed: services.indexed.most(),
            invocations: invocations.iter().copied().collect(),
            memory: memory(),
            alarms,
            outcome,
        }
    }
}

/// The inbox has all events that Stripe lists, but one in a thousand.
fn stored_event(pk: &str, sk: &str) -> Option<Item> {
    let number = sk.strip_prefix("EVENT#evt_s")?.parse::<usize>().ok()?;
    if !pk.starts_with("INBOX#") || number % 1000 == 999 {
        return None;
    }
    let item = json!({"pk": {"S": pk}, "sk": {"S": sk}, "status": {"S": "processed"}});
    item.as_object().cloned()
}

/// The nightly comparison of all subscriptions, from its schedule until it is complete.
pub async fn comparison(subscribers: usize, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(subscribers, seed)).await?;
    let shop = Shop::open(&clones, |_| {});
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
    let shop = Shop::open(&clones, |services| services.events = events);
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
    let shop = Shop::open(&clones, |services| {
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
