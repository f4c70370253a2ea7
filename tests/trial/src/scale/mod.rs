//! The work that grows with the number of subscribers, simulated: the functions' own code against a table
//! and a Stripe that take the time which services take, on a clock that is paused. `docs/TRIAL.md` says
//! how to run it.

mod clones;
mod meter;
mod report;
mod runs;
mod services;
mod stream;

pub use report::{Rules, report};
pub use runs::{Figures, SHARDS, Storm, comparison, hourly, storm};

use crate::broken::Broken;

/// Runs a simulation to its end, on a clock of its own.
pub fn simulate<T>(run: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(run)
}
