//! What is counted of a run: calls of Stripe by the second, errors in the log, and memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata};

/// How often something happens in each second of a run.
#[derive(Debug)]
pub(super) struct BySecond {
    began: Instant,
    counts: Mutex<BTreeMap<u64, u64>>,
}

impl BySecond {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            counts: Mutex::default(),
        }
    }

    pub(super) fn add(&self, many: u64) {
        let second = self.began.elapsed().as_secs();
        *self.counts().entry(second).or_default() += many;
    }

    /// In this second, so far.
    pub(super) fn now(&self) -> u64 {
        let second = self.began.elapsed().as_secs();
        self.counts().get(&second).copied().unwrap_or_default()
    }

    pub(super) fn all(&self) -> u64 {
        self.counts().values().sum()
    }

    pub(super) fn most(&self) -> u64 {
        self.counts().values().copied().max().unwrap_or_default()
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the lines of the log on which alarms hang, and keeps the first of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    errors: AtomicU64,
    alarms: Mutex<BTreeMap<String, u64>>,
    first: Mutex<Option<String>>,
}

impl Lines {
    pub(super) fn errors(&self) -> u64 {
        self.0.errors.load(Ordering::Relaxed)
    }

    pub(super) fn first(&self) -> Option<String> {
        let first = self.0.first.lock();
        first.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn alarms(&self, name: &str) -> u64 {
        let alarms = self.0.alarms.lock();
        let alarms = alarms.unwrap_or_else(PoisonError::into_inner);
        alarms.get(name).copied().unwrap_or_default()
    }
}

#[derive(Default)]
struct Fields {
    alarm: Option<String>,
    all: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "alarm" {
            self.alarm = Some(value.to_owned());
        }
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Nothing that is written into a text fails.
        let _ = write!(self.all, "{}={value:?} ", field.name());
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let is_error = *event.metadata().level() == Level::ERROR;
        let has_alarm = event.metadata().fields().field("alarm").is_some();
        if !is_error && !has_alarm {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(alarm) = fields.alarm {
            let alarms = self.0.alarms.lock();
            let mut alarms = alarms.unwrap_or_else(PoisonError::into_inner);
            *alarms.entry(alarm).or_default() += 1;
        }
        if is_error {
            self.0.errors.fetch_add(1, Ordering::Relaxed);
            let first = self.0.first.lock();
            first
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(fields.all);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Begins to measure the largest memory of the process anew, where Linux lets it.
pub(super) fn forget_memory() {
    // Without the right to, the figure is that of the whole process.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// The largest memory of the process since then, in MB.
pub(super) fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}
