//! How a function starts, and why it does not.

use std::error::Error;

use perennial_types::Clock;
use thiserror::Error;

use crate::{Env, Problems};

/// What a process does before it takes the first event.
pub trait Start: Sized + Send + Sync + 'static {
    /// Reads the environment and builds the clients. A test may move the clock.
    fn start(env: &Env, clock: Clock) -> impl Future<Output = Result<Self, StartError>> + Send;
}

/// An error of a part that this crate does not know.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a function does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Variables that are missing or malformed, all of them.
    #[error(transparent)]
    Environment(#[from] Problems),
    /// A secret could not be read.
    #[error(transparent)]
    Secrets(Cause),
    /// The table is not one that this function may use.
    #[error("the table cannot be used")]
    Table(#[source] Cause),
    /// A client could not be built.
    #[error("building the {what} client failed")]
    Client {
        /// Of which service.
        what: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl StartError {
    /// The table is not one that this function may use.
    pub fn table(error: impl Into<Cause>) -> Self {
        Self::Table(error.into())
    }
}
