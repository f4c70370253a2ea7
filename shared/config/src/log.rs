//! Where log lines go, and which.

use tracing::level_filters::LevelFilter;

use crate::Env;

/// Starts the log as Lambda's logging configuration asks for it: `AWS_LAMBDA_LOG_FORMAT` and
/// `AWS_LAMBDA_LOG_LEVEL`, text from INFO on without them. Lambda adds the time.
///
/// The runtime's own subscriber does the same and filters by patterns too, for which it brings a
/// regular expression engine: a tenth of a function's size, and nothing here uses it.
pub fn start_log(env: &Env) {
    let level = env
        .get("AWS_LAMBDA_LOG_LEVEL")
        .or_else(|| env.get("RUST_LOG"));
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(false)
        .without_time();
    let json = env
        .get("AWS_LAMBDA_LOG_FORMAT")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"));
    if json {
        lines.json().init();
    } else {
        lines.init();
    }
}
