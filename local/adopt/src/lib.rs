//! Adopts customers that a Stripe account has already, many at a time: one call of `POST /shop/customers` for each row of
//! a file, at a pace that leaves Stripe's rate limit to the shop.
//!
//! What each row was answered is written down before the next one counts, so a run that was interrupted goes on where it
//! was. A dry run asks the same and changes nothing.

mod api;
mod pace;
mod progress;
mod rows;
mod run;
mod summary;

pub use api::{Api, ApiError, Credentials};
pub use progress::{Outcome, Progress, ProgressError};
pub use rows::{Row, RowsError, read_rows};
pub use run::{Options, Stopped, run};
pub use summary::Summary;
