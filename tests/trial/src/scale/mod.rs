//! The work that grows with the number of subscribers, simulated: the functions' own code against a table
//! and a Stripe that take the time which services take, on a clock that is paused. `docs/TRIAL.md` says
//! how to run it.

mod clones;
mod meter;
mod reminders;
mod report;
mod runs;
mod servers;
mod services;
mod shop;
mod stream;
mod template;

pub use reminders::reminders;
pub use report::{Rules, report};
pub use runs::{SHARDS, Storm, comparison, hourly, storm};
pub use servers::{adoption, erasure};
pub use shop::Figures;

use crate::broken::Broken;

/// Runs a simulation to its end, on a clock of its own.
pub fn simulate<T>(run: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(run)
}
