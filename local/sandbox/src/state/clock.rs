//! The machine's time, in the one place that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox keeps its own time, as Stripe does; it shares no clock with the functions"
)]
pub(crate) fn machine_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
pub(crate) fn machine_seconds() -> i64 {
    machine_millis() / 1000
}
