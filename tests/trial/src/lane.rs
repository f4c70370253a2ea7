//! A lane: a thread that tries one case after another, each with a Stripe, a table and functions of
//! its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use perennial_config::Env;
use perennial_flows::{Resolver, SweepBudget};
use perennial_functions::{Function, Running};
use perennial_sandbox::{InProcess, PUBLISHABLE_KEY, SECRET_KEY};
use perennial_stripe::Transport;
use perennial_types::{Clock, DeclaredPlans, Timestamp, chance};
use tokio::time::Instant;

use crate::books::Stripe;
use crate::broken::Broken;
use crate::rng::Rng;
use crate::table::{BEGINNING, Item, TABLE, Table, Witness};
use crate::wire::{Behind, Door, Sockets, Wire};

/// What webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_trial_0123456789abcdef";

/// The functions that a shopper's tab calls.
pub struct Tab {
    /// `POST /client-secret`.
    pub client_secret: Running,
    /// `GET /confirm` and `GET /checkouts/{checkout}`.
    pub confirm: Running,
    /// `POST /subscriptions`.
    pub subscribe: Running,
    /// `POST /subscriptions/{subscription}/...`.
    pub actions: Running,
    /// `POST /shop/customers` and `POST /shop/users/...`.
    pub users: Running,
    /// `POST /wallets`.
    pub wallets: Running,
}

/// All functions.
pub struct Functions {
    /// The shopper's first tab.
    pub tab_a: Tab,
    /// The second one.
    pub tab_b: Tab,
    /// `POST /webhooks/stripe`.
    pub webhook: Running,
    /// Behind the table's stream.
    pub worker: Running,
    /// A second worker, behind the second tab's door, for two that read at once.
    pub other_worker: Running,
    /// On a schedule.
    pub reconcile: Running,
    /// `GET /subscriptions`.
    pub subscriptions: Running,
}

/// The log lines of a lane.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Everything since the last time.
    pub fn take(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *bytes)).into_owned()
    }

    /// Keeps what this thread logs from now on, until the guard is dropped.
    pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the functions' calls pass on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Through {
    /// Nothing but the wire: they stay in the process, and pauses take no time.
    #[default]
    Memory,
    /// The functions' own HTTP clients and real sockets, with pauses that last.
    Sockets,
}

/// What the cases of a thread share.
pub struct Kept {
    /// What the functions log.
    pub log: Log,
    through: Through,
    wire: Wire,
    /// For each door, the SDK's client that goes through it.
    clients: Vec<aws_sdk_dynamodb::Client>,
    /// The catalog of plans, as DynamoDB writes it. All cases have the same plans.
    catalog: Mutex<Option<Item>>,
    witness: Option<fn() -> Witness>,
}

impl Kept {
    /// Nothing is shared yet.
    pub fn new(through: Through, witness: Option<fn() -> Witness>) -> Self {
        let wire = Wire::default();
        let client = |door| client(&wire, door);
        Self {
            log: Log::default(),
            through,
            clients: Door::ALL.into_iter().map(client).collect(),
            catalog: Mutex::default(),
            witness,
            wire,
        }
    }
}

/// A client as [`perennial_store::Table::new`] makes it, but that its calls go through the wire.
///
/// The SDK limits the tries of all its calls together. A process of the trial makes more calls that
/// fail than any other, so here each case would depend on those before it, and there is no such limit.
fn client(wire: &Wire, door: Door) -> aws_sdk_dynamodb::Client {
    let bucket = TokenBucket::unlimited();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        // Nothing here looks at a signature, and making one is an eighth of the work of a case.
        .allow_no_auth()
        .endpoint_url(NOWHERE)
        .timeout_config(timeouts)
        // No stream stalls in memory, and to watch for it is work for each call.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_partition(RetryPartition::custom("trial").token_bucket(bucket).build())
        .http_client(wire.inside(door));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Stripe lists events of 30 days.
const PRICES_ARE_OLD: i64 = 40 * 24 * 3600;

/// An address of this machine at which nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Everything of one case but its table.
pub struct Lane {
    /// The sandbox.
    pub stripe: Stripe,
    /// Between the functions and both services.
    pub wire: Wire,
    /// The functions.
    pub functions: Functions,
    /// The functions' clock, which goes with the sandbox's.
    pub clock: Clock,
    /// What the functions log.
    pub log: Log,
    _sockets: Option<Sockets>,
}

impl Lane {
    /// Prepares a case: all chance comes of its name and its seed from here on.
    pub async fn start(kept: &Kept, seed: u64, name: &str) -> Result<(Self, Table), Broken> {
        // Products and prices are the same in all cases.
        InProcess::seed(1);
        chance::seed(1);
        let stripe = Stripe::new();
        let plans = stripe.plans().await?;
        // So that no sweep finds the events of the prices.
        stripe.advance(PRICES_ARE_OLD).await?;
        let table = Table::new(kept.witness.map(|witness| witness()));
        let wire = kept.wire.clone();
        let behind = Behind {
            stripe: stripe.sandbox().clone(),
            table: table.database().clone(),
        };
        wire.begin(behind, None, None);
        let known = lock(&kept.catalog).clone();
        if let Some(catalog) = known {
            table.put_catalog(&catalog)?;
        } else {
            publish(kept, &plans).await?;
            *lock(&kept.catalog) = table.catalog();
        }
        let sockets = match kept.through {
            Through::Memory => None,
            Through::Sockets => Some(Sockets::open(&wire).await?),
        };
        let clock = Clock::manual(Timestamp::from_unix(BEGINNING + PRICES_ARE_OLD));
        let functions = Box::pin(functions(kept, sockets.as_ref(), &clock)).await?;
        let mut rng = Rng::named(seed, name);
        stripe.begin();
        InProcess::seed(rng.draw());
        chance::seed(rng.draw());
        // Where the SDK takes its pauses from.
        fastrand::seed(rng.draw());
        let lane = Self {
            stripe,
            wire,
            functions,
            clock,
            log: kept.log.clone(),
            _sockets: sockets,
        };
        Ok((lane, table))
    }

    /// What stands behind the wire, with this table.
    pub fn behind(&self, table: &Table) -> Behind {
        Behind {
            stripe: self.stripe.sandbox().clone(),
            table: table.database().clone(),
        }
    }

    /// Lets time pass everywhere.
    pub async fn pass(&self, seconds: i64) -> Result<(), Broken> {
        self.clock.advance(seconds);
        self.stripe.advance(seconds).await.map(drop)
    }

    /// Sets the functions' clock to Stripe's.
    pub async fn set_clock(&self) -> Result<Timestamp, Broken> {
        let now = self.stripe.now().await?;
        self.clock.advance(now - self.clock.now().unix());
        Ok(Timestamp::from_unix(now))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The table as the functions behind a door see it.
fn table_of(kept: &Kept, door: Door) -> Result<perennial_store::Table, Broken> {
    let client = kept.clients.get(door.index()).cloned();
    let client = client.ok_or_else(|| Broken::new("there is a door without a client"))?;
    Ok(perennial_store::Table::over(client, TABLE))
}

/// Makes these the plans of the table behind the wire.
async fn publish(kept: &Kept, plans: &str) -> Result<(), Broken> {
    let failed = |error: &dyn std::fmt::Display| Broken::new(format!("no plans: {error}"));
    let base = NOWHERE.parse().map_err(|error| failed(&error))?;
    let settings = perennial_stripe::Settings {
        transport: Some(Arc::new(kept.wire.inside(Door::Watcher))),
        ..perennial_stripe::Settings::new(SECRET_KEY.into(), base)
    };
    let stripe = perennial_stripe::Stripe::new(settings).map_err(|error| failed(&error))?;
    let table = table_of(kept, Door::Watcher)?;
    let plans = DeclaredPlans::parse(plans.as_bytes()).map_err(|error| failed(&error))?;
    let slice = SweepBudget {
        until: Instant::now() + Duration::from_secs(30),
        pace: Duration::ZERO,
    };
    let resolver = Resolver::new(stripe, table, false);
    let published = resolver.publish(&plans, slice).await;
    published.map(drop).map_err(|error| failed(&error))
}

fn env(kept: &Kept, sockets: Option<&Sockets>, door: Door) -> Result<Env, Broken> {
    let url = sockets.map_or(NOWHERE, |sockets| sockets.url(door));
    let env = Env::from_pairs([
        ("TABLE_NAME", TABLE),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        ("STRIPE_API_BASE", url),
        ("STRIPE_MODE", "test"),
        ("STRIPE_SECRET_KEY", SECRET_KEY),
        ("STRIPE_PUBLISHABLE_KEY", PUBLISHABLE_KEY),
        ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET),
        (
            "LINK_SECRET",
            "a link secret of the trial that opens nothing",
        ),
        ("SHOP_URL", "https://shop.example/account"),
        ("API_BASE_URL", "https://api.shop.example"),
    ]);
    if sockets.is_some() {
        return Ok(env);
    }
    let transport: Arc<dyn Transport> = Arc::new(kept.wire.inside(door));
    Ok(env.with(transport).with(table_of(kept, door)?))
}

async fn functions(
    kept: &Kept,
    sockets: Option<&Sockets>,
    clock: &Clock,
) -> Result<Functions, Broken> {
    let env = |door| env(kept, sockets, door);
    let start = async |name: &str, door: Door| {
        let function = Function::named(name);
        let function = function.ok_or_else(|| Broken::new(format!("there is no {name}")))?;
        let started = function.start(&env(door)?, clock.clone()).await;
        started.map_err(|error| Broken::new(format!("{name} does not start: {error}")))
    };
    let tab = async |door: Door| {
        Ok::<_, Broken>(Tab {
            client_secret: start("client-secret", door).await?,
            confirm: start("confirm", door).await?,
            subscribe: start("subscribe", door).await?,
            actions: start("actions", door).await?,
            users: start("users", door).await?,
            wallets: start("wallets", door).await?,
        })
    };
    Ok(Functions {
        tab_a: tab(Door::TabA).await?,
        tab_b: tab(Door::TabB).await?,
        webhook: start("webhook", Door::Inbox).await?,
        worker: start("worker", Door::Hooks).await?,
        other_worker: start("worker", Door::TabB).await?,
        reconcile: start("reconcile", Door::Sweeper).await?,
        subscriptions: start("subscriptions", Door::Watcher).await?,
    })
}
