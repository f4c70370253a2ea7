//! What a function keeps from one request to the next, and how a request begins.

use std::{sync::Arc, time::Duration};

use perennial_config::{Dynamo, Env, Problems, StartError};
use perennial_store::{Catalog, Table};
use perennial_stripe::{Settings, Stripe, Transport};
use perennial_types::{Clock, Plans, Trials};
use tokio::time::Instant;

use crate::{Context, FlowError, catalog::Resolver};

/// The time that one request has until Stripe has answered for the last time, its reads of the table
/// and its waits for others included. After that come at most two operations of the table, of at
/// most 5 seconds each, which leaves a second of the function's 20, and API Gateway waits for 30.
const REQUEST_BUDGET: Duration = Duration::from_secs(9);

/// The clients and the catalog of a function.
#[derive(Debug, Clone)]
pub struct Clients {
    stripe: Stripe,
    table: Table,
    catalog: Catalog,
    clock: Clock,
    livemode: bool,
    trials: Trials,
    budget: Duration,
}

impl Clients {
    /// Reads `TABLE_NAME`, `TRIALS` and Stripe's variables, builds the clients and reads the plans. `problems`
    /// are those that the caller has found in its own variables.
    pub async fn start(env: &Env, problems: Problems, clock: Clock) -> Result<Self, StartError> {
        let clients = Self::connect(env, problems, clock).await?;
        clients.catalog.warm_up().await;
        Ok(clients)
    }

    /// The same for a function that needs no plans.
    pub async fn connect(
        env: &Env,
        mut problems: Problems,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let dynamo = Dynamo::read(env, &mut problems);
        let trials = perennial_config::trials(env, &mut problems);
        let stripe = perennial_config::Stripe::read(env, problems).await?;
        let livemode = stripe.mode.is_live();
        let settings = Settings {
            transport: env.given::<Arc<dyn Transport>>().cloned(),
            ..Settings::new(stripe.secret_key, stripe.base).with_new_key(stripe.new_key)
        };
        let stripe = Stripe::new(settings).map_err(|source| StartError::Client {
            what: "Stripe",
            source: Box::new(source),
        })?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        let table = Table::given_or_connect(env.given(), &dynamo.table, endpoint)
            .await
            .of_mode(livemode)
            .await
            .map_err(|error| StartError::Table(Box::new(error)))?;
        Ok(Self::new(stripe, table, clock, livemode).with_trials(trials))
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
            budget: REQUEST_BUDGET,
        }
    }

    /// With this many free trials for a user and plan group.
    #[must_use]
    pub fn with_trials(self, trials: Trials) -> Self {
        Self { trials, ..self }
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
            budget: self.budget,
            deadline,
        }
    }
}
