//! A lane: a Stripe, a wire, and the functions, one case after another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use perennial_config::Env;
use perennial_flows::{Resolver, reconcile::Slice};
use perennial_sandbox::{PUBLISHABLE_KEY, SECRET_KEY};
use perennial_types::{Clock, DeclaredPlans, Timestamp};
use serde_json::Value;

use crate::books::Stripe;
use crate::broken::Broken;
use crate::table::{TABLE, Table, clock};
use crate::wire::{Door, Wire};

/// What webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_trial_0123456789abcdef";

/// The functions that a shopper's tab calls.
pub struct Tab {
    /// `POST /client-secret`.
    pub client_secret: client_secret::App,
    /// `GET /confirm` and `GET /checkouts/{checkout}`.
    pub confirm: confirm::App,
    /// `POST /subscriptions`.
    pub subscribe: subscribe::App,
}

/// All functions.
pub struct Functions {
    /// The shopper's first tab.
    pub tab_a: Tab,
    /// The second one.
    pub tab_b: Tab,
    /// `POST /webhooks/stripe`.
    pub webhook: webhook::App,
    /// Behind the table's stream.
    pub worker: worker::App,
    /// A second worker, behind the second tab's door, for two that read at once.
    pub other_worker: worker::App,
    /// On a schedule.
    pub reconcile: reconcile::App,
    /// `GET /subscriptions`.
    pub subscriptions: subscriptions::App,
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

/// Everything that the cases of a lane share.
pub struct Lane {
    /// The sandbox.
    pub stripe: Stripe,
    /// Between the functions and both services.
    pub wire: Wire,
    /// The functions.
    pub functions: Functions,
    /// The catalog of plans, as DynamoDB writes it.
    pub catalog: Value,
    /// The functions' clock, which goes with the sandbox's.
    pub clock: Clock,
    /// What the functions log.
    pub log: Log,
}

impl Lane {
    /// Starts one.
    pub async fn start(log: Log) -> Result<Self, Broken> {
        let http = http()?;
        let stripe = Stripe::start(http.clone()).await?;
        let wire = Wire::start(http).await?;
        let plans = stripe.plans().await?;
        let clock = clock();
        // At their start the functions read the plans and of which mode the table is; each case then has
        // a table of its own.
        let table = Table::start().await?;
        publish(&stripe, table.url(), &plans).await?;
        wire.begin(stripe.url(), table.url(), None, None);
        let functions = Box::pin(functions(&wire, &clock)).await?;
        Ok(Self {
            stripe,
            wire,
            functions,
            catalog: table.catalog()?,
            clock,
            log,
        })
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

#[allow(
    clippy::disallowed_methods,
    reason = "the trial's own client has its own limits"
)]
fn http() -> Result<reqwest::Client, Broken> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_mins(1))
        .build()?)
}

/// Makes these the plans of a table, past the wire.
async fn publish(stripe: &Stripe, table: &str, plans: &str) -> Result<(), Broken> {
    let failed = |error: &dyn std::fmt::Display| Broken::new(format!("no plans: {error}"));
    let base = stripe.url().parse().map_err(|error| failed(&error))?;
    let settings = perennial_stripe::Settings::new(SECRET_KEY.into(), base);
    let stripe = perennial_stripe::Stripe::new(settings).map_err(|error| failed(&error))?;
    let table = perennial_store::Table::connect(TABLE, Some(table)).await;
    let plans = DeclaredPlans::parse(plans.as_bytes()).map_err(|error| failed(&error))?;
    let slice = Slice {
        until: Instant::now() + Duration::from_secs(30),
        pace: Duration::ZERO,
    };
    let resolver = Resolver::new(stripe, table, false);
    let published = resolver.publish(&plans, slice).await;
    published.map(drop).map_err(|error| failed(&error))
}

async fn functions(wire: &Wire, clock: &Clock) -> Result<Functions, Broken> {
    let env = |door: Door| {
        Env::from_pairs([
            ("TABLE_NAME", TABLE),
            ("AWS_ENDPOINT_URL_DYNAMODB", wire.url(door)),
            ("STRIPE_API_BASE", wire.url(door)),
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
        ])
    };
    let failed = |error: perennial_config::StartError| {
        Broken::new(format!("a function does not start: {error}"))
    };
    let tab = async |door: Door| {
        let env = env(door);
        Ok::<_, Broken>(Tab {
            client_secret: client_secret::App::start_at(&env, clock.clone())
                .await
                .map_err(failed)?,
            confirm: confirm::App::start_at(&env, clock.clone())
                .await
                .map_err(failed)?,
            subscribe: subscribe::App::start_at(&env, clock.clone())
                .await
                .map_err(failed)?,
        })
    };
    let (hooks, other) = (env(Door::Hooks), env(Door::TabB));
    Ok(Functions {
        tab_a: tab(Door::TabA).await?,
        tab_b: tab(Door::TabB).await?,
        webhook: webhook::App::start_at(&env(Door::Inbox), clock.clone())
            .await
            .map_err(failed)?,
        worker: worker::App::start_at(&hooks, clock.clone())
            .await
            .map_err(failed)?,
        other_worker: worker::App::start_at(&other, clock.clone())
            .await
            .map_err(failed)?,
        reconcile: reconcile::App::start_at(&env(Door::Sweeper), clock.clone())
            .await
            .map_err(failed)?,
        subscriptions: subscriptions::App::start_at(&env(Door::Watcher), clock.clone())
            .await
            .map_err(failed)?,
    })
}
