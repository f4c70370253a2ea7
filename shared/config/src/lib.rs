//! Configuration: the environment, read once, with every problem told in one message.

mod rolling;
mod secrets;
mod settings;

pub use perennial_process::{Env, Problems, run_function, start_log};
pub use rolling::Rolling;
pub use secrets::SecretsError;
pub use settings::{
    Api, Dynamo, Mode, NewKey, Shop, Stripe, check_link_secret, consent, grace, link_secret,
    rolling_link_secret, stripe_mode, trials, webhook_secrets,
};

use thiserror::Error;

/// Why a function does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Variables that are missing or malformed, all of them.
    #[error(transparent)]
    Environment(#[from] Problems),
    /// A secret could not be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The table is not one that this function may use.
    #[error("the table cannot be used")]
    Table(#[source] Box<dyn std::error::Error + Send + Sync>),
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
