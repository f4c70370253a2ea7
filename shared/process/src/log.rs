//! Where log lines go, which, and in what form.

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::Env;

/// Starts the log as Lambda's logging configuration asks for it: `AWS_LAMBDA_LOG_FORMAT` and
/// `AWS_LAMBDA_LOG_LEVEL`, text from INFO on without them. A panic is a line like any other.
///
/// A line of JSON has `timestamp`, in RFC 3339, and `level` at its top. Lambda takes a line that
/// lacks either for one of level INFO, and drops it where the least level is higher
/// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).
/// To lines of text Lambda adds the time.
///
/// Whatever the level, libraries are heard from INFO on.
///
/// The runtime's own subscriber does the same and filters by patterns too, for which it brings a
/// regular expression engine: a tenth of a function's size, and nothing here uses it.
pub fn start_log(env: &Env) {
    let level = env
        .get("AWS_LAMBDA_LOG_LEVEL")
        .or_else(|| env.get("RUST_LOG"));
    let lines = tracing_subscriber::fmt()
        .with_max_level(level.map_or(LevelFilter::INFO, read_level))
        .with_target(false)
        .with_ansi(false);
    let json = env
        .get("AWS_LAMBDA_LOG_FORMAT")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"));
    if json {
        // The runtime's span is the one there is, and a list of it would be the same again.
        let lines = lines.json().with_span_list(false);
        lines.finish().with(filter_fn(may_show)).init();
    } else {
        let lines = lines.without_time().finish();
        lines.with(filter_fn(may_show)).init();
    }
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        // A text that was put together when it happened may hold a value, and so a secret.
        let reason = panic.payload().downcast_ref::<&str>().copied();
        let reason = reason.unwrap_or("not shown, since it may hold a value");
        tracing::error!(at, reason, "the function panicked");
    }));
}

/// Whether a line may be shown whatever level is asked for: below INFO, libraries log requests whole,
/// with keys and tokens and whatever is in a body.
pub fn may_show(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || line.target().starts_with("perennial_")
}

/// Lambda has a level above ERROR, at which nothing is logged here.
fn read_level(level: &str) -> LevelFilter {
    if level.eq_ignore_ascii_case("fatal") {
        return LevelFilter::ERROR;
    }
    level.parse().unwrap_or(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_of_lambda_is_known() {
        for (level, expected) in [
            ("TRACE", LevelFilter::TRACE),
            ("DEBUG", LevelFilter::DEBUG),
            ("INFO", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("FATAL", LevelFilter::ERROR),
            ("perennial=debug", LevelFilter::INFO),
        ] {
            assert_eq!(read_level(level), expected, "{level}");
        }
    }
}
