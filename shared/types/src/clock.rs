//! Time, from one place, so that tests can move it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A moment, to the second, as Stripe counts them. In JSON it is RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This moment and some seconds; a negative number goes back.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)?;
        // An offset can lead to a year that RFC 3339 cannot write in UTC, and so we could not either.
        let utc = moment.checked_to_offset(UtcOffset::UTC);
        utc.filter(|utc| (0..=9999).contains(&utc.year()))
            .map(|utc| Self(utc.unix_timestamp()))
            .ok_or_else(|| D::Error::custom("the year is not one of 0000 to 9999 in UTC"))
    }
}

/// Where the code gets the time from.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Machine,
    Manual(Arc<AtomicI64>),
    Ahead(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::Machine)
    }

    /// A clock that stands still until it is moved; its clones move with it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.unix()))))
    }

    /// The machine's clock and so many seconds, which may change: the time of a Stripe whose
    /// clock a developer moves.
    pub fn ahead(seconds: Arc<AtomicI64>) -> Self {
        Self(Source::Ahead(seconds))
    }

    /// Moves a manual clock forward; the machine's clock stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => machine(),
            Source::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
            Source::Ahead(seconds) => machine().plus_seconds(seconds.load(Ordering::SeqCst)),
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one home of the machine's clock"
)]
fn machine() -> Timestamp {
    Timestamp(OffsetDateTime::now_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rfc_3339_in_json() {
        let moment = Timestamp::from_unix(1_793_000_000);
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, "\"2026-10-26T07:33:20Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn what_is_read_can_be_written() {
        for (text, written) in [
            ("2027-01-01T00:30:00+01:00", Some("2026-12-31T23:30:00Z")),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z")),
            ("9999-12-31T23:59:59-00:01", None),
            ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00Z")),
            ("0000-01-01T00:00:00+00:01", None),
        ] {
            let moment = serde_json::from_value::<Timestamp>(text.into()).ok();
            let again = moment.map(|moment| moment.to_string());
            assert_eq!(again.as_deref(), written, "{text}");
        }
    }

    #[test]
    fn a_clock_may_be_ahead_of_the_machine() {
        let seconds = Arc::new(AtomicI64::new(3600));
        let (clock, machine) = (Clock::ahead(Arc::clone(&seconds)), Clock::system());
        let ahead = |clock: &Clock| clock.now().unix() - machine.now().unix();
        assert!((3600..=3601).contains(&ahead(&clock)));
        seconds.store(7200, Ordering::SeqCst);
        assert!((7200..=7201).contains(&ahead(&clock)));
        machine.advance(60);
        assert!((0..=1).contains(&ahead(&machine)), "it cannot be moved");
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::from_unix(10));
        let other = clock.clone();
        clock.advance(5);
        assert_eq!(other.now(), Timestamp::from_unix(15));
    }
}
