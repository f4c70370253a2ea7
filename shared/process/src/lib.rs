//! The process of a function: its environment, its log and its end.
//!
//! Apart from `perennial-config`, so that a function that reads no secret links no AWS SDK.

mod env;
mod log;
mod run;
mod start;

pub use env::{Env, Problems, Reads, all};
pub use log::{may_show, start_log};
pub use run::{EventHandler, chain, main, serve};
pub use start::{Cause, Start, StartError};
