//! What a server is started with, and why it may not start.

use std::path::PathBuf;
use std::sync::Arc;

use perennial_config::Env;
use url::Url;

use crate::data_dir::DataDirError;
use crate::domains::DomainError;
use crate::dynamodb::DatabaseError;
use crate::invoker::Invoker;
use crate::keys::SecretError;
use crate::plans::PlansError;
use crate::ports::PortError;
use crate::stripe_account::AccountError;
use crate::template::TemplateError;
use crate::tokens::IssuerError;
use crate::webhook_endpoint::WebhookError;

/// What a server is started with. The default keeps nothing and takes free ports, as tests want it.
pub struct Options {
    /// Port of the gateway; 0 picks a free one.
    pub port: u16,
    /// Port of DynamoDB; 0 picks a free one.
    pub dynamodb_port: u16,
    /// Port of the Stripe sandbox; 0 picks a free one.
    pub stripe_port: u16,
    /// The folder in which state lives; without one nothing is kept.
    pub data: Option<PathBuf>,
    /// Where the shop's events are sent to; without one they are only shown.
    pub events_url: Option<Url>,
    /// The file of the plans; without one, the demo's plans are sold.
    pub plans: Option<PathBuf>,
    /// The shop's own page, which may call and to which shoppers come back; without one, what `SHOP_URL` of the
    /// environment names, or the demo shop.
    pub shop_url: Option<Url>,
    /// Names of this machine beside its own, by which functions that run elsewhere reach it.
    pub hosts: Vec<String>,
    /// Where `STRIPE_SECRET_KEY` and so on are read from.
    pub environment: Env,
    /// Decides what AWS leaves open about deliveries of the table's stream; without one, a number
    /// that is drawn at the start.
    pub stream_seed: Option<u64>,
    /// Who runs the functions.
    pub functions: Functions,
}

/// Who runs the functions.
pub enum Functions {
    /// This process.
    InProcess,
    /// Somebody else, such as the real binaries behind a Runtime API. They want the variables of
    /// [`Server::env`](crate::Server::env).
    Elsewhere(Arc<dyn Invoker>),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            dynamodb_port: 0,
            stripe_port: 0,
            data: None,
            events_url: None,
            plans: None,
            shop_url: None,
            hosts: Vec::new(),
            environment: Env::from_pairs::<String, String>([]),
            stream_seed: None,
            functions: Functions::InProcess,
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template cannot be served.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// A port cannot be had.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The environment names no usable Stripe account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The functions would not find the table.
    #[error(transparent)]
    Table(#[from] perennial_config::Problems),
    /// There is no database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no key for tokens.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A secret of this machine cannot be made or kept.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The client that sends the shop's events cannot be built.
    #[error("the client for the shop's events cannot be built")]
    EventsClient(#[source] reqwest::Error),
    /// There is nothing to sell.
    #[error(transparent)]
    Plans(#[from] PlansError),
    /// Events would not arrive.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Apple Pay would not be offered.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The sandbox did not start.
    #[error("the Stripe sandbox did not start")]
    Sandbox(#[source] perennial_sandbox::Error),
    /// The client for Stripe cannot be built.
    #[error(transparent)]
    Stripe(#[from] perennial_stripe::BuildError),
    /// A function did not start.
    #[error("a function did not start")]
    Function(#[source] perennial_config::StartError),
    /// An address of this machine is none.
    #[error("an address is malformed")]
    Address(#[from] url::ParseError),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// The process is ending.
    #[error("the start was interrupted")]
    Interrupted,
}
