//! Configuration: the environment, read once, with every problem told in one message.

mod env;
mod log;
mod secrets;
mod settings;

pub use env::{Env, Problems};
pub use log::start_log;
pub use secrets::SecretsError;
pub use settings::{
    Api, Dynamo, Mode, Shop, Stripe, check_link_secret, consent, link_secret, plans, stripe_mode,
    webhook_secrets,
};

use thiserror::Error;

/// Why a function does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Variables that are missing or malformed, all of them.
    #[error("{0}")]
    Environment(#[from] Problems),
    /// A secret could not be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A client could not be built.
    #[error("building the {what} client failed")]
    Client {
        /// Of which service.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
