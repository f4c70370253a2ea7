#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! From the bottom up; each uses only those before it.
//!
//! - `error`: refusals in Stripe's shape.
//! - `wallets`: the table of wallets.
//! - `state`: the records with their fields, the events that tell of them, the timers, and the file that keeps them.
//! - `params`: what a request may say, checked.
//! - `list`: pages of lists.
//! - `objects`: what each of Stripe's objects is: how it is built and read.
//! - `expand`: objects in place of their ids.
//! - `billing`: what happens to payments, invoices and subscriptions.
//! - `operations`: what requests, shoppers, banks and wallets do to objects.
//! - `http`: a request of the API on its way to its operation, and what all requests and tasks share.
//! - `webhooks`: sending the events.
//! - `tick`: what the passing of time does.
//! - `control`: the control API.
//! - `page`: what a browser sees.
//! - `server`: the API, the control API and the pages as one service.
//! - `in_process`: that service without a listener.
//! - `probe`: Stripe and a sandbox asked the same, which uses neither.
// An invoice has more fields than the `json` macro can nest by default.
#![recursion_limit = "256"]

mod billing;
mod control;
mod error;
mod expand;
mod http;
mod in_process;
mod list;
mod objects;
mod operations;
mod page;
mod params;
pub mod probe;
mod server;
mod state;
mod tick;
mod wallets;
mod webhooks;

pub use in_process::InProcess;
pub use webhooks::sign::header as signature_header;

use http::shared::Shared;
use perennial_loopback::{Door, Limits, own_origins};
use state::World;
use state::store::Store;
use state::world::Origin;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The version of Stripe's API that the sandbox serves.
pub const API_VERSION: &str = "2026-10-28.endive";

/// A secret key that the sandbox takes, as it takes every `sk_test_` key.
pub const SECRET_KEY: &str = "sk_test_perennial_sandbox";

/// A publishable key that the sandbox takes, as it takes every `pk_test_` key.
pub const PUBLISHABLE_KEY: &str = "pk_test_perennial_sandbox";

/// How often the sandbox looks whether something has come due by itself.
const TICK: Duration = Duration::from_secs(1);

/// How long a stopping sandbox lets requests finish.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Why the sandbox does not start, or cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data file cannot be read or written.
    #[error("the sandbox's data file {path} cannot be used")]
    Data {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The listener does not know its own address.
    #[error("the sandbox's listener has no address")]
    Listener(#[source] std::io::Error),
    /// The client that sends webhooks cannot be built.
    #[error("the sandbox's webhook client cannot be built")]
    Client(#[source] reqwest::Error),
    /// A listener for webhooks was refused.
    #[error("the sandbox refuses this listener: {0}")]
    Refused(String),
}

/// How to start a sandbox.
#[derive(Debug)]
pub struct Options {
    /// Where it is reached. It answers to names of this machine alone, so this belongs on loopback.
    pub listener: TcpListener,
    /// The secret key that it takes; without one, any of a test mode, and then every account of the machine is let in.
    pub secret_key: Option<String>,
    /// Origins whose pages may call it, beside its own.
    pub origins: Vec<String>,
    /// Names of this machine beside its own, such as that which a container has for it.
    pub hosts: Vec<String>,
    /// The file that keeps its state, or none to keep it in memory.
    pub data: Option<PathBuf>,
    /// Whether webhook endpoints may be on this machine, which Stripe refuses; see `local_endpoints` of the account.
    pub local_endpoints: bool,
}

impl Options {
    /// Those of a sandbox that keeps nothing, takes any secret key, and is called by programs and its own pages.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            secret_key: None,
            origins: Vec::new(),
            hosts: Vec::new(),
            data: None,
            local_endpoints: false,
        }
    }
}

/// A running sandbox. It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    url: String,
    shared: Arc<Shared>,
    stop: Option<watch::Sender<bool>>,
    server: Option<JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Reads the state and begins to serve, to deliver webhooks and to let time pass.
    #[expect(
        clippy::unused_async,
        reason = "it spawns tasks, so it has to run on a runtime, and an async function cannot be called without one"
    )]
    pub async fn start(options: Options) -> Result<Self, Error> {
        let address = options.listener.local_addr().map_err(Error::Listener)?;
        let url = format!("http://{address}");
        let data = |source| Error::Data {
            path: options.data.clone().unwrap_or_default(),
            source,
        };
        let store = Store::open(options.data.as_deref()).map_err(data)?;
        let mut world = World {
            store,
            base_url: url.clone(),
            origin: Origin::default(),
            frozen: None,
            due_at: None,
            pretended: None,
        };
        operations::setup_confirm::move_pages(&mut world);
        billing::cycle::adopt_older(&mut world);
        let has_default = state::Fields::flag(&world.account(), "portal_default");
        operations::portal_configurations::set_default(&mut world, has_default);
        if options.local_endpoints {
            world.set_account("local_endpoints", true);
        }
        world.store.commit().map_err(data)?;
        let shared = Arc::new(Shared::new(
            world,
            Some(webhooks::deliver::client().map_err(Error::Client)?),
            options.secret_key,
        ));
        let mut origins = options.origins;
        origins.extend(own_origins(address.port()));
        let door = Door {
            hosts: options.hosts,
            origins,
            way: server::way,
        };
        // A sandbox that is dropped stops too.
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(perennial_loopback::serve(
            options.listener,
            server::router(Arc::clone(&shared)),
            door,
            server::refuse,
            Limits::with_body_of(server::LARGEST_BODY),
            stopped,
        ));
        let ticks = tokio::spawn(pass_time(Arc::clone(&shared)));
        let deliveries = tokio::spawn(webhooks::deliver::run(Arc::clone(&shared)));
        Ok(Self {
            url,
            shared,
            stop: Some(stop),
            server: Some(server),
            tasks: vec![ticks, deliveries],
        })
    }

    /// The address, without a slash at its end: what `STRIPE_API_BASE` is set to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many seconds its time runs ahead of the machine's, which the control API may change at any moment.
    pub fn ahead(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.shared.ahead)
    }

    /// Sends every event to this address too, signed with this secret, as `stripe listen` does. Called again it
    /// replaces the address.
    pub fn listen(&self, url: &str, secret: &str) -> Result<(), Error> {
        let listened = self.shared.change(Origin::default(), |world| {
            operations::webhook_endpoints::listen(world, url, secret)
        });
        listened
            .map(drop)
            .map_err(|error| Error::Refused(error.message))
    }

    /// Stops everything and waits until it has stopped. Each answer that was given is in the data file.
    pub async fn shutdown(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // An aborted task ends with an error that says just that.
            let _ = task.await;
        }
        self.stop.take();
        if let Some(server) = self.server.take() {
            // Requests under way are finished; one that hangs on purpose is not waited for.
            let _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        }
        self.shared.world().store.close();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.shared.world().store.close();
    }
}

async fn pass_time(shared: Arc<Shared>) {
    loop {
        tick::run_due(&shared);
        // Whichever comes first, there may be something to do.
        let _ = tokio::time::timeout(TICK, shared.ticks.notified()).await;
    }
}
