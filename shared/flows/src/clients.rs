//! What a function keeps from one request to the next, and how a request begins.

use std::{sync::Arc, time::Duration};

use perennial_config::{Dynamo, Env, Problems, StartError, all, renewal_reminder, trials};
use perennial_store::{Catalog, Table};
use perennial_stripe::{Pace, Settings, Stripe, Transport};
use perennial_types::{Clock, Plans, RenewalReminder, Trials};
use tokio::time::Instant;

use crate::{Context, FlowError, catalog::Resolver};

/// The time that one request has until Stripe has answered for the last time, its reads of the table
/// and its waits for others included. After that come at most two operations of the table, of at
/// most 5 seconds each, which leaves a second of the function's 20, and API Gateway waits for 30.
const REQUEST_BUDGET: Duration = Duration::from_secs(9);

/// Stripe and the table, where the environment says that they are.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Stripe.
    pub stripe: Stripe,
    /// The table, which has to be of the same mode as the key: [`Table::check_mode`] or
    /// [`Catalog::warm_up`](perennial_store::Catalog::warm_up) says so at once.
    pub table: Table,
    /// Whether money is real.
    pub livemode: bool,
}

impl Connections {
    /// Connects to both. What the function has read for itself is given back, so that its problems are told
    /// with all others.
    pub async fn open<T>(env: &Env, own: Result<T, Problems>) -> Result<(Self, T), StartError> {
        let stripe = perennial_config::Stripe::read(env);
        let (own, dynamo, stripe) = all((own, Dynamo::read(env), stripe))?;
        let (base, livemode) = (stripe.base.clone(), stripe.mode.is_live());
        let trust = Some(stripe.trust.clone());
        let (key, new_key) = stripe.key().await?;
        let settings = Settings {
            trust,
            transport: env.given::<Arc<dyn Transport>>().cloned(),
            ..Settings::new(key, base).with_new_key(new_key)
        };
        let stripe = Stripe::new(settings).map_err(|source| StartError::Client {
            what: "Stripe",
            source: Box::new(source),
        })?;
        let table = Table::given_or_new(env.given(), &dynamo.table, &dynamo.aws);
        let table = table.of_mode(livemode);
        let connections = Self {
            stripe,
            table,
            livemode,
        };
        Ok((connections, own))
    }
}

/// The clients and the catalog of a function.
#[derive(Debug, Clone)]
pub struct Clients {
    stripe: Stripe,
    table: Table,
    catalog: Catalog,
    clock: Clock,
    livemode: bool,
    trials: Trials,
    renewal_reminder: RenewalReminder,
    budget: Duration,
}

impl Clients {
    /// Connects to Stripe and the table, and reads the plans. What the function has read for itself is given
    /// back, as by [`Connections::open`].
    pub async fn start<T>(
        env: &Env,
        clock: Clock,
        own: Result<T, Problems>,
    ) -> Result<(Self, T), StartError> {
        let (clients, own) = Self::open(env, clock, own).await?;
        let warm = clients.catalog.warm_up().await;
        warm.map_err(StartError::table)?;
        Ok((clients, own))
    }

    /// The same for a function that needs no plans.
    pub async fn connect<T>(
        env: &Env,
        clock: Clock,
        own: Result<T, Problems>,
    ) -> Result<(Self, T), StartError> {
        let (clients, own) = Self::open(env, clock, own).await?;
        let checked = clients.table.check_mode().await;
        checked.map_err(StartError::table)?;
        Ok((clients, own))
    }

    async fn open<T>(
        env: &Env,
        clock: Clock,
        own: Result<T, Problems>,
    ) -> Result<(Self, T), StartError> {
        let own = all((own, trials(env), renewal_reminder(env)));
        let (to, (own, trials, renewal_reminder)) = Connections::open(env, own).await?;
        let clients = Self {
            trials,
            renewal_reminder,
            ..Self::new(to.stripe, to.table, clock, to.livemode)
        };
        Ok((clients, own))
    }

    /// Puts them together.
    pub fn new(stripe: Stripe, table: Table, clock: Clock, livemode: bool) -> Self {
        Self {
            catalog: Catalog::new(table.clone(), clock.clone()),
            stripe,
            table,
            clock,
            livemode,
            trials: Trials::default(),
            renewal_reminder: RenewalReminder::default(),
            budget: REQUEST_BUDGET,
        }
    }

    /// For background work: with at most so many calls of Stripe a second.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self {
            stripe: self.stripe.with_pace(pace),
            ..self
        }
    }

    /// With another budget for each request.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Begins a request: its time runs from here on, and it sees the plans of this moment throughout.
    pub async fn begin(&self) -> Result<Context, FlowError> {
        // The time runs before the plans are read, which may take a while, too.
        let deadline = Instant::now() + self.budget;
        let plans = self.catalog.current().await?;
        Ok(Context {
            plans,
            answers: true,
            ..self.context(deadline)
        })
    }

    /// Begins a request that is not about plans.
    pub fn begin_without_plans(&self) -> Context {
        self.context(Instant::now() + self.budget)
    }

    /// Begins a slice of work on many objects, each of which has a request's time within this one.
    pub async fn begin_slice(&self, length: Duration) -> Result<Context, FlowError> {
        let deadline = Instant::now() + length;
        let plans = self.catalog.current().await?;
        Ok(Context {
            plans,
            ..self.context(deadline)
        })
    }

    /// What keeps the catalog in step with Stripe.
    pub fn resolver(&self) -> Resolver {
        Resolver::new(self.stripe.clone(), self.table.clone(), self.livemode)
    }

    fn context(&self, deadline: Instant) -> Context {
        Context {
            stripe: self.stripe.with_deadline(deadline),
            table: self.table.clone(),
            plans: Arc::new(Plans::default()),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            livemode: self.livemode,
            trials: self.trials,
            renewal_reminder: self.renewal_reminder,
            answers: false,
            budget: self.budget,
            deadline,
        }
    }
}
