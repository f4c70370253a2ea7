//! Everything, started together and stopped together.

use std::path::PathBuf;
use std::sync::Arc;

use dynoxide::Database;
use perennial_config::Env;
use perennial_flows::Resolver;
use perennial_sandbox::Sandbox;
use perennial_store::Table;
use perennial_stripe::{Settings, Stripe};
use perennial_types::{Clock, UserId};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use url::Url;

use crate::data_dir::DataDir;
use crate::environment::{self, Addresses, TABLE_NAME};
use crate::functions::InProcess;
use crate::gateway::{self, Authorizer, Gateway, ShopInfo};
use crate::invoker::Invoker;
use crate::options::{Functions, Options, StartError};
use crate::outbox::{EventsSecret, Outbox};
use crate::part::Part;
use crate::pump::Pump;
use crate::schedule::Scheduler;
use crate::stripe_account::{self, Account, Place};
use crate::template::Template;
use crate::tokens::Issuer;
use crate::{domains, dynamodb, plans, ports, webhook_endpoint};

/// The running bundle: gateway, functions, table, and the Stripe sandbox.
pub struct Server {
    addresses: Addresses,
    env: Vec<(String, String)>,
    issuer: Arc<Issuer>,
    webhooks_need_forwarding: bool,
    /// Those that use the sandbox and the table, the outermost first.
    users: Vec<Part>,
    sandbox: Option<Sandbox>,
    table: Vec<Part>,
    /// Held for its lock, until everything else has stopped.
    _data: Option<DataDir>,
}

impl Server {
    /// Starts everything, and answers when requests may come.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let template = Template::embedded()?;
        let account = Account::read(&options.environment)?;
        let data = options.data.as_deref().map(DataDir::open).transpose()?;
        let file = |name: &str| data.as_ref().map(|data| data.file(name));

        let (gateway_listener, gateway_url) = ports::listen(options.port, "--port").await?;
        let (table_listener, table_url) =
            ports::listen(options.dynamodb_port, "--dynamodb-port").await?;
        let (sandbox, stripe_url) = start_stripe(
            &account.place,
            options.stripe_port,
            file("stripe-sandbox.json"),
        )
        .await?;

        let issuer = Arc::new(Issuer::load(data.as_ref())?);
        let database = open_database(file("dynamodb.db"), &template).await?;
        let table = vec![
            Part::start("expiry", |stop| dynamodb::sweep(database.clone(), stop)),
            Part::start("dynamodb", |stop| {
                dynamodb::serve(table_listener, database.clone(), stop)
            }),
        ];

        let stripe = Stripe::new(Settings::new(
            account.secret_key.clone(),
            stripe_url.clone(),
        ))?;
        // Before there is an endpoint, which would hear of the prices that this creates.
        let resolver = Resolver::new(
            stripe.clone(),
            Table::connect(TABLE_NAME, Some(&table_url)).await,
            false,
        );
        plans::publish(&stripe, &resolver, options.plans.as_deref()).await?;
        let kept = sandbox.as_ref().and_then(|_| file("webhook-endpoint.json"));
        let webhooks = sandbox
            .as_ref()
            .map(|_| format!("{gateway_url}/webhooks/stripe"));
        let (webhook_secrets, webhooks_need_forwarding) = match webhooks {
            Some(url) => {
                let secrets = webhook_endpoint::lead_to(&stripe, &url, kept.as_deref()).await?;
                (secrets, false)
            }
            None => environment::webhook_secrets(&options.environment)?,
        };

        let addresses = Addresses {
            gateway: gateway_url,
            dynamodb: table_url,
            stripe: environment::without_slash(&stripe_url),
        };
        let env =
            environment::of_functions(&addresses, &account, &webhook_secrets, &options.environment);
        if sandbox.is_some() {
            let shop = environment::shop_url(&addresses, &options.environment);
            domains::register(&stripe, &shop).await?;
        }
        let invoker = start_functions(options.functions, &env, clock_of(sandbox.as_ref())).await?;
        let outbox = Outbox::new(
            options.events_url,
            EventsSecret::load(file("events-secret").as_deref())?,
            Clock::system(),
        );
        let shop = ShopInfo {
            stripe_js: stripe_account::stripe_js(&stripe_url),
            mode: if sandbox.is_some() { "sandbox" } else { "test" },
        };
        let users = Users {
            template,
            database,
            invoker,
            issuer: Arc::clone(&issuer),
            outbox: Arc::new(outbox.map_err(StartError::EventsClient)?),
            shop,
            stream_position: file("stream-position.json"),
            events_position: file("events-position.json"),
            stream_seed: options.stream_seed.map_or_else(draw, Ok)?,
        };
        let mut users = users.start(gateway_listener)?;
        if let Some(file) = options.plans {
            users.push(Part::start("plans", |stop| {
                plans::keep_published(file, resolver, stop)
            }));
        }
        Ok(Self {
            addresses,
            env,
            issuer,
            webhooks_need_forwarding,
            users,
            sandbox,
            table,
            _data: data,
        })
    }

    /// `http://127.0.0.1:...`, where the shop and the HTTP API are.
    pub fn gateway_url(&self) -> &str {
        &self.addresses.gateway
    }

    /// The time by which entitlements are judged: Stripe's, also when the sandbox's was moved.
    pub fn clock(&self) -> Clock {
        clock_of(self.sandbox.as_ref())
    }

    /// Where DynamoDB is.
    pub fn dynamodb_url(&self) -> &str {
        &self.addresses.dynamodb
    }

    /// Where Stripe is: the sandbox, or Stripe itself.
    pub fn stripe_url(&self) -> &str {
        &self.addresses.stripe
    }

    /// Whether Stripe itself answers, so that its events reach this machine only by `stripe listen`.
    pub fn webhooks_need_forwarding(&self) -> bool {
        self.webhooks_need_forwarding
    }

    /// A token of the demo shop's issuer for this user.
    pub fn token(&self, user: &str) -> Result<String, TokenError> {
        let user: UserId = user.parse().map_err(|_| TokenError::User)?;
        let issued = self.issuer.issue(&user, Clock::system().now());
        issued
            .map(|(token, _)| token)
            .map_err(|_| TokenError::Signature)
    }

    /// The environment of the functions, for whoever runs them elsewhere.
    pub fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    /// Takes no more requests, finishes those that are under way, and stops.
    pub async fn shutdown(self) {
        // From the outside in: nothing is taken away from somebody who still works.
        for part in self.users {
            part.stop().await;
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.shutdown().await;
        }
        for part in self.table {
            part.stop().await;
        }
    }
}

fn draw() -> Result<u64, StartError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| StartError::Random)?;
    Ok(u64::from_le_bytes(random))
}

/// What uses the table and Stripe, before it is started.
struct Users {
    template: Template,
    database: Database,
    invoker: Arc<dyn Invoker>,
    issuer: Arc<Issuer>,
    outbox: Arc<Outbox>,
    shop: ShopInfo,
    stream_position: Option<PathBuf>,
    events_position: Option<PathBuf>,
    stream_seed: u64,
}

impl Users {
    /// Starts them, and gives them in the order in which they are to be stopped.
    fn start(self, listener: TcpListener) -> Result<Vec<Part>, StartError> {
        let wrote = Arc::new(Notify::new());
        let worker = Pump::new(
            self.database.clone(),
            TABLE_NAME,
            self.stream_position,
            self.template.stream,
            Arc::clone(&self.invoker),
            Arc::clone(&wrote),
            Some(self.stream_seed),
        )?;
        let shop_events = Pump::new(
            self.database,
            TABLE_NAME,
            self.events_position,
            self.template.outbox,
            self.outbox.clone(),
            Arc::new(Notify::new()),
            Some(self.stream_seed),
        )?;
        let scheduler = Scheduler::new(
            self.template.schedules,
            Arc::clone(&self.invoker),
            Clock::system(),
            Arc::clone(&wrote),
        );
        let gateway = Gateway {
            routes: self.template.routes,
            cors: self.template.cors,
            authorizer: Authorizer::new(&self.issuer),
            issuer: self.issuer,
            invoker: self.invoker,
            shop: self.shop,
            scheduler: scheduler.clone(),
            outbox: self.outbox,
            clock: Clock::system(),
            wrote,
        };
        Ok(vec![
            Part::start("gateway", |stop| gateway::serve(listener, gateway, stop)),
            Part::start("schedules", |stop| scheduler.keep(&stop)),
            Part::start("stream", |stop| tokio::spawn(worker.run(stop))),
            Part::start("shop-events", |stop| tokio::spawn(shop_events.run(stop))),
        ])
    }
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not the name of a user.
    #[error("a user is 1 to 255 printable ASCII characters")]
    User,
    /// It could not be signed.
    #[error("the token could not be signed")]
    Signature,
}

fn clock_of(sandbox: Option<&Sandbox>) -> Clock {
    sandbox.map_or_else(Clock::system, |sandbox| Clock::ahead(sandbox.ahead()))
}

async fn start_functions(
    functions: Functions,
    env: &[(String, String)],
    clock: Clock,
) -> Result<Arc<dyn Invoker>, StartError> {
    match functions {
        Functions::Elsewhere(invoker) => Ok(invoker),
        Functions::InProcess => {
            let env = Env::from_pairs(env.iter().cloned());
            // Every function's own start is in this one's, which is too large to be moved about.
            let started = Box::pin(InProcess::start(&env, clock)).await;
            Ok(Arc::new(started.map_err(StartError::Function)?))
        }
    }
}

/// Where Stripe answers: elsewhere, or in a sandbox that is started for it.
async fn start_stripe(
    place: &Place,
    port: u16,
    data: Option<PathBuf>,
) -> Result<(Option<Sandbox>, Url), StartError> {
    match place {
        Place::Elsewhere(url) => Ok((None, url.clone())),
        Place::Sandbox => {
            let (listener, url) = ports::listen(port, "--stripe-port").await?;
            let options = perennial_sandbox::Options { listener, data };
            let sandbox = Sandbox::start(options).await.map_err(StartError::Sandbox)?;
            Ok((Some(sandbox), url.parse()?))
        }
    }
}

async fn open_database(file: Option<PathBuf>, template: &Template) -> Result<Database, StartError> {
    let table = template.table.clone();
    spawn_blocking(move || dynamodb::open(file, TABLE_NAME, &table))
        .await
        .map_err(|_| StartError::Interrupted)?
        .map_err(StartError::Database)
}
