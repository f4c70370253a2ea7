//! The whole of Perennial on one machine.
//!
//! [`Server`] starts in one process what the deployment spreads over AWS and Stripe: the HTTP API
//! with the routes of `template.yaml` and a JWT authorizer, an embedded DynamoDB whose stream drives
//! the worker, the Stripe sandbox with its webhooks, and a demo shop. The functions are the ones
//! that Lambda runs, or whatever an [`Invoker`] calls.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use perennial_local::{Options, Server};
//!
//! let server = Server::start(Options::default()).await?;
//! let (shop, token) = (server.gateway_url().to_owned(), server.token("alice")?);
//! // ... requests to the shop, with the token ...
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod cli;
mod data_dir;
mod domains;
mod dynamodb;
mod env_file;
mod environment;
mod gateway;
mod invoker;
mod keys;
mod options;
mod outbox;
mod part;
mod plans;
mod ports;
mod pump;
mod schedule;
mod server;
mod stripe_account;
mod template;
mod tokens;
mod webhook_endpoint;

pub use cli::Cli;
pub use data_dir::DataDirError;
pub use domains::DomainError;
pub use dynamodb::DatabaseError;
pub use env_file::{EnvFile, EnvFileError};
pub use invoker::{Invocation, InvokeError, Invoker};
pub use keys::SecretError;
pub use options::{Functions, Options, StartError};
pub use plans::PlansError;
pub use ports::PortError;
pub use server::{Server, TokenError};
pub use stripe_account::AccountError;
pub use template::{TemplateError, template_as_json};
pub use tokens::IssuerError;
pub use webhook_endpoint::WebhookError;
