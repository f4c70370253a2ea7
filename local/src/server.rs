//! Everything, started together and stopped together.

use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynoxide::Database;
use perennial_config::{Dynamo, Env};
use perennial_flows::Resolver;
use perennial_functions::{FUNCTIONS, Started};
use perennial_sandbox::Sandbox;
use perennial_store::Table;
use perennial_stripe::{Settings, Stripe};
use perennial_types::{Clock, UserId};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use url::Url;

use crate::data_dir::DataDir;
use crate::dynamodb::Writes;
use crate::environment::{self, Addresses, TABLE_NAME};
use crate::gateway::{self, Authorizer, Gateway, ShopInfo};
use crate::invoker::Invoker;
use crate::keys::{Keys, SecretError};
use crate::options::{Functions, Options, StartError};
use crate::outbox::{EventsSecret, Outbox};
use crate::part::Part;
use crate::pump::Pump;
use crate::schedule::Scheduler;
use crate::stripe_account::{self, Account, Place};
use crate::template::Template;
use crate::tokens::Issuer;
use crate::{data_dir, domains, dynamodb, plans, ports, webhook_endpoint};

/// The running bundle: gateway, functions, table, and the Stripe sandbox.
pub struct Server {
    addresses: Addresses,
    env: Vec<(String, String)>,
    issuer: Arc<Issuer>,
    keys: Keys,
    shop_url: String,
    stripe_js: String,
    webhooks_need_forwarding: bool,
    /// Those that use the sandbox and the table, the outermost first.
    users: Vec<Part>,
    stream_unfinished: Arc<AtomicUsize>,
    sandbox: Option<Sandbox>,
    table: Vec<Part>,
    /// Held for its lock, until everything else has stopped.
    _data: Option<DataDir>,
}

impl Server {
    /// Starts everything, and answers when requests may come.
    #[expect(
        clippy::too_many_lines,
        reason = "each part needs what the ones before it have made"
    )]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let template = Template::embedded()?;
        let data = options.data.as_deref().map(DataDir::open).transpose()?;
        let file = |name: &str| data.as_ref().map(|data| data.file(name));

        let keys = Keys::load(file("secret").as_deref())?;
        let account = Account::read(&options.environment)?.or_sandbox_with(keys.stripe());
        let (gateway_listener, gateway_url) = ports::listen(options.port, "--port").await?;
        let shop = options.shop_url.as_ref();
        let shop = environment::shop_url(&gateway_url, shop, &options.environment);
        let origins = environment::origins(&gateway_url, &shop);
        let (table_listener, table_url) =
            ports::listen(options.dynamodb_port, "--dynamodb-port").await?;
        let sandbox = SandboxOptions {
            port: options.stripe_port,
            data: file("stripe-sandbox.json"),
            secret_key: keys.stripe(),
            origins: origins.clone(),
            hosts: options.hosts.clone(),
        };
        let (sandbox, stripe_url) = start_stripe(&account.place, sandbox).await?;

        let issuer = Arc::new(Issuer::load(data.as_ref())?);
        let database = data.as_ref().map(|data| data.database("dynamodb.db"));
        let database = database.transpose().map_err(SecretError::Io)?;
        let database = open_database(database, &template).await?;
        let table_url = table_url.replace("://", &format!("://{}@", keys.table()));
        let writes = Writes::new();
        let table = start_table(
            table_listener,
            &database,
            &writes,
            keys.table(),
            options.hosts,
        );

        let settings = Settings::new(account.secret_key.clone(), stripe_url.clone());
        let stripe = Stripe::new(settings)?;
        // Before there is an endpoint, which would hear of the prices that this creates.
        let dynamo = Dynamo::local(TABLE_NAME, &table_url)?;
        let client = Table::new(&dynamo.table, &dynamo.aws);
        let resolver = Resolver::new(stripe.clone(), client.clone(), false);
        plans::publish(&stripe, &resolver, options.plans.as_deref()).await?;
        plans::keep_portal(&stripe, client).await;
        let (webhook_secrets, webhooks_need_forwarding) = if sandbox.is_some() {
            domains::register(&stripe, &shop).await?;
            let kept = file("webhook-endpoint.json");
            let secrets = lead_webhooks(&stripe, &gateway_url, kept.as_deref()).await?;
            (secrets, false)
        } else {
            environment::webhook_secrets(&options.environment)?
        };

        let addresses = Addresses {
            gateway: gateway_url,
            dynamodb: table_url,
            stripe: environment::without_slash(&stripe_url),
        };
        let env = environment::of_functions(
            &addresses,
            &account,
            &shop,
            &keys.links(),
            &webhook_secrets,
            &options.environment,
        );
        let stripe_js = stripe_account::stripe_js(&stripe_url);
        let invoker = start_functions(options.functions, &env, clock_of(sandbox.as_ref())).await?;
        let secret = EventsSecret::load(file("events-secret").as_deref())?;
        let links = environment::mail_links(&keys.links(), &addresses);
        let outbox = Outbox::new(options.events_url, secret, links?, Clock::system());
        let users = Users {
            template,
            database,
            writes,
            invoker,
            issuer: Arc::clone(&issuer),
            outbox: Arc::new(outbox.map_err(StartError::EventsClient)?),
            shop: ShopInfo {
                stripe_js: stripe_js.clone(),
                mode: if sandbox.is_some() { "sandbox" } else { "test" },
            },
            origins,
            key: keys.developer(),
            stream_position: file("stream-position.json"),
            events_position: file("events-position.json"),
            stream_seed: options.stream_seed.map_or_else(draw, Ok)?,
        };
        let (mut users, stream_unfinished) = users.start(gateway_listener)?;
        users.extend(
            options.plans.map(|file| {
                Part::start("plans", |stop| plans::keep_published(file, resolver, stop))
            }),
        );
        let dev_env = file("dev.env");
        let server = Self {
            addresses,
            env,
            issuer,
            keys,
            shop_url: shop,
            stripe_js,
            webhooks_need_forwarding,
            users,
            stream_unfinished,
            sandbox,
            table,
            _data: data,
        };
        server.tell_shells(dev_env.as_deref())?;
        Ok(server)
    }

    fn tell_shells(&self, path: Option<&Path>) -> Result<(), SecretError> {
        let Some(path) = path else { return Ok(()) };
        Ok(data_dir::replace(
            path,
            self.lines_for_a_shell().as_bytes(),
        )?)
    }

    /// What a developer's shell needs: where everything is, and the keys that let it in. The key of a Stripe
    /// account of one's own is not among them.
    fn lines_for_a_shell(&self) -> String {
        let (api, stripe, key) = (self.gateway_url(), self.stripe_url(), self.key());
        let stripe_key = self.sandbox_key().map(|key| format!("stripe_key={key}\n"));
        let stripe_key = stripe_key.unwrap_or_default();
        format!("api={api}\nstripe={stripe}\nkey={key}\n{stripe_key}")
    }

    /// Whether the worker is done with every record of the table's stream that was read, also with those
    /// that came to it again.
    pub fn is_done_with_the_stream(&self) -> bool {
        self.stream_unfinished.load(Ordering::SeqCst) == 0
    }

    /// The key that lets a developer in: it opens the routes under `/dev`, and signs for the shop's servers.
    pub fn key(&self) -> String {
        self.keys.developer()
    }

    /// The secret key of the sandbox; without one, Stripe itself answers.
    pub fn sandbox_key(&self) -> Option<String> {
        self.sandbox.is_some().then(|| self.keys.stripe())
    }

    /// Where shoppers land after the wallet.
    pub fn shop_url(&self) -> &str {
        &self.shop_url
    }

    /// Where a page loads Stripe.js from.
    pub fn stripe_js(&self) -> &str {
        &self.stripe_js
    }

    /// The content security policy that a page at another origin gets along with.
    pub fn policy_for_a_page(&self) -> String {
        gateway::policy(&self.stripe_js, self.gateway_url())
    }

    /// `http://127.0.0.1:...`, where the shop and the HTTP API are.
    pub fn gateway_url(&self) -> &str {
        &self.addresses.gateway
    }

    /// The time by which entitlements are judged: Stripe's, also when the sandbox's was moved.
    pub fn clock(&self) -> Clock {
        clock_of(self.sandbox.as_ref())
    }

    /// Where DynamoDB is, with the access key that it wants: `http://<access key>@127.0.0.1:...`.
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
    writes: Writes,
    invoker: Arc<dyn Invoker>,
    issuer: Arc<Issuer>,
    outbox: Arc<Outbox>,
    shop: ShopInfo,
    origins: Vec<String>,
    key: String,
    stream_position: Option<PathBuf>,
    events_position: Option<PathBuf>,
    stream_seed: u64,
}

impl Users {
    /// Starts them, and gives them in the order in which they are to be stopped, with the count of the
    /// stream's records that the worker is not done with.
    fn start(self, listener: TcpListener) -> Result<(Vec<Part>, Arc<AtomicUsize>), StartError> {
        let worker = Pump::new(
            self.database.clone(),
            TABLE_NAME,
            self.stream_position,
            self.template.stream,
            Arc::clone(&self.invoker),
            &self.writes,
            Some(self.stream_seed),
        )?;
        let shop_events = Pump::new(
            self.database,
            TABLE_NAME,
            self.events_position,
            self.template.outbox,
            self.outbox.clone(),
            &self.writes,
            Some(self.stream_seed),
        )?;
        let scheduler = Scheduler::new(
            self.template.schedules,
            Arc::clone(&self.invoker),
            Clock::system(),
        );
        let gateway = Gateway {
            routes: self.template.routes,
            cors: self.template.cors,
            authorizer: Authorizer::new(&self.issuer),
            issuer: self.issuer,
            invoker: self.invoker,
            shop: self.shop,
            key: self.key,
            scheduler: scheduler.clone(),
            outbox: self.outbox,
            clock: Clock::system(),
        };
        let (origins, unfinished) = (self.origins, worker.unfinished());
        let parts = vec![
            Part::start("gateway", |stop| {
                gateway::serve(listener, gateway, origins, stop)
            }),
            Part::start("schedules", |stop| scheduler.keep(&stop)),
            Part::start("stream", |stop| tokio::spawn(worker.run(stop))),
            Part::start("shop-events", |stop| tokio::spawn(shop_events.run(stop))),
        ];
        Ok((parts, unfinished))
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
            // Signatures are of the machine's time, whatever the time of the sandbox.
            let clock_of = |function: &str| match function {
                "webhook" => Clock::system(),
                _ => clock.clone(),
            };
            let started = Started::start(FUNCTIONS, |_| env.clone(), clock_of).await;
            Ok(Arc::new(started.map_err(StartError::Function)?))
        }
    }
}

fn start_table(
    listener: TcpListener,
    database: &Database,
    writes: &Writes,
    access_key: String,
    hosts: Vec<String>,
) -> Vec<Part> {
    let parts = || (database.clone(), writes.clone());
    vec![
        Part::start("expiry", |stop| {
            let (database, writes) = parts();
            dynamodb::sweep(database, writes, stop)
        }),
        Part::start("dynamodb", |stop| {
            let (database, writes) = parts();
            dynamodb::serve(listener, database, writes, access_key, hosts, stop)
        }),
    ]
}

struct SandboxOptions {
    port: u16,
    data: Option<PathBuf>,
    secret_key: String,
    origins: Vec<String>,
    hosts: Vec<String>,
}

/// Lets the sandbox send its events to the gateway; gives the secrets that it signs them with.
async fn lead_webhooks(
    stripe: &Stripe,
    gateway: &str,
    kept: Option<&Path>,
) -> Result<SecretString, StartError> {
    let url = format!("{gateway}/webhooks/stripe");
    Ok(webhook_endpoint::lead_to(stripe, &url, kept).await?)
}

/// Where Stripe answers: elsewhere, or in a sandbox that is started for it.
async fn start_stripe(
    place: &Place,
    wanted: SandboxOptions,
) -> Result<(Option<Sandbox>, Url), StartError> {
    match place {
        Place::Elsewhere(url) => Ok((None, url.clone())),
        Place::Sandbox => {
            let (listener, url) = ports::listen(wanted.port, "--stripe-port").await?;
            let options = perennial_sandbox::Options {
                data: wanted.data,
                secret_key: Some(wanted.secret_key),
                origins: wanted.origins,
                hosts: wanted.hosts,
                // The gateway, to which the events go, is on this machine as well.
                local_endpoints: true,
                ..perennial_sandbox::Options::new(listener)
            };
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
