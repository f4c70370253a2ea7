//! What every run begins with: a shop of some size, with services and a clock of its own; and what a run has measured.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use perennial_config::Env;
use perennial_functions::{Function, Running};
use perennial_sandbox::SECRET_KEY;
use perennial_store::Table;
use perennial_stripe::Transport;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::clones::Clones;
use super::meter::{BySecond, Lines, forget_memory, memory};
use super::services::{Client, Services};
use crate::broken::Broken;
use crate::table::{BEGINNING, Cost, Database, Item, TABLE};

const NOWHERE: &str = "http://127.0.0.1:1";
/// What Stripe takes of an account with a live key (<https://docs.stripe.com/rate-limits>).
const STRIPE_CALLS_PER_SECOND: u64 = 100;

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
pub(super) struct Shop {
    pub(super) services: Arc<Services>,
    pub(super) clock: Clock,
    lines: Lines,
    pub(super) began: Instant,
    _log: tracing::subscriber::DefaultGuard,
}

impl Shop {
    /// With no rows but those that all share.
    pub(super) fn open(clones: &Clones, change: impl FnOnce(&mut Services)) -> Self {
        forget_memory();
        let table = Database::new(None);
        for item in &clones.shared {
            table.lay(item.clone());
        }
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
            deleted: Mutex::default(),
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

    /// With the rows of all copies, which are made when they are asked for and are in no query, and with their events.
    pub(super) fn of_copies(clones: &Clones, change: impl FnOnce(&mut Services)) -> Self {
        let shop = Self::open(clones, change);
        let rows = clones.clone();
        shop.services.table.set_base(Box::new(move |pk, sk| {
            rows.row(pk, sk).or_else(|| stored_event(pk, sk))
        }));
        shop
    }

    pub(super) fn table(&self) -> Table {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .allow_no_auth()
            .endpoint_url(NOWHERE)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Client(Arc::clone(&self.services)));
        Table::over(aws_sdk_dynamodb::Client::from_conf(config.build()), TABLE)
    }

    pub(super) async fn start(&self, name: &str) -> Result<Running, Broken> {
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

    pub(super) fn figures(
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
