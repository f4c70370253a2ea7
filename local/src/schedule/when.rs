//! The expressions of EventBridge that say when a schedule is due.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>.

use std::collections::BTreeSet;
use std::time::Duration;

use perennial_types::Timestamp;
use time::{Date, OffsetDateTime};

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// Again and again after this time.
    Every(Duration),
    /// At the minutes that a calendar names, in UTC.
    At(Box<Calendar>),
}

/// `cron(minutes hours day-of-month month day-of-week year)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
    years: Values,
}

/// The values that a field allows.
type Values = BTreeSet<u16>;

/// The expression is not one that this server keeps; guessing would run too much or nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule `{0}` is not known here")]
pub(crate) struct UnknownSchedule(String);

/// After so many days every combination of day, month and weekday has come.
const HORIZON_DAYS: usize = 366 * 28;

impl When {
    /// Reads `rate(...)` or `cron(...)`.
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownSchedule> {
        let inner = |name: &str| {
            text.strip_prefix(name)?
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        let read = match (inner("rate"), inner("cron")) {
            (Some(rate), _) => rate_of(rate).map(Self::Every),
            (_, Some(cron)) => Calendar::read(cron).map(|it| Self::At(Box::new(it))),
            _ => None,
        };
        read.ok_or_else(|| UnknownSchedule(text.to_owned()))
    }

    /// The first moment after this one at which it is due; none if there is none in a lifetime.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => Some(after.plus_seconds(i64::try_from(period.as_secs()).ok()?)),
            Self::At(calendar) => calendar.next(after),
        }
    }
}

fn rate_of(text: &str) -> Option<Duration> {
    let (value, unit) = text.split_once(' ')?;
    let value: u64 = value.parse().ok().filter(|value| *value > 0)?;
    let seconds = match (value, unit) {
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3600,
        (1, "day") | (2.., "days") => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(value.checked_mul(seconds)?))
}

impl Calendar {
    fn read(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace();
        let mut field = |least, most| values(fields.next()?, least, most);
        let calendar = Self {
            minutes: field(0, 59)?,
            hours: field(0, 23)?,
            days: field(1, 31)?,
            months: field(1, 12)?,
            weekdays: field(1, 7)?,
            years: field(1970, 2199)?,
        };
        fields.next().is_none().then_some(calendar)
    }

    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = OffsetDateTime::from_unix_timestamp(after.unix()).ok()?;
        let mut date = after.date();
        for _ in 0..HORIZON_DAYS {
            if self.has(date) {
                let moments = self.hours.iter().flat_map(|hour| {
                    let minutes = self.minutes.iter();
                    minutes.filter_map(move |minute| moment(date, *hour, *minute))
                });
                if let Some(found) = moments.into_iter().find(|moment| *moment > after) {
                    return Some(Timestamp::from_unix(found.unix_timestamp()));
                }
            }
            date = date.next_day()?;
        }
        None
    }

    fn has(&self, date: Date) -> bool {
        // Sunday is 1, unlike in the cron of Unix.
        let weekday = u16::from(date.weekday().number_days_from_sunday()) + 1;
        self.days.contains(&u16::from(date.day()))
            && self.months.contains(&u16::from(u8::from(date.month())))
            && self.weekdays.contains(&weekday)
            && u16::try_from(date.year()).is_ok_and(|year| self.years.contains(&year))
    }
}

fn moment(date: Date, hour: u16, minute: u16) -> Option<OffsetDateTime> {
    let (hour, minute) = (u8::try_from(hour).ok()?, u8::try_from(minute).ok()?);
    Some(date.with_hms(hour, minute, 0).ok()?.assume_utc())
}

/// `*`, `?`, and lists of numbers, ranges and steps. Names of months and days, `L`, `W` and `#` are
/// not read.
fn values(field: &str, least: u16, most: u16) -> Option<Values> {
    let mut found = Values::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*" | "?", _) => (least, most),
            (_, Some((from, to))) => (from.parse().ok()?, to.parse().ok()?),
            (single, None) => {
                let from = single.parse().ok()?;
                (from, if step.is_some() { most } else { from })
            }
        };
        if from < least || to > most || from > to {
            return None;
        }
        found.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        serde_json::from_value(text.into()).unwrap()
    }

    #[track_caller]
    fn check(schedule: &str, after: &str, expected: &str) {
        let next = When::parse(schedule).unwrap().next(time(after));
        assert_eq!(next, Some(time(expected)), "{schedule} after {after}");
    }

    #[test]
    fn a_rate_is_due_after_its_time() {
        check(
            "rate(5 minutes)",
            "2026-11-24T23:58:30Z",
            "2026-11-25T00:03:30Z",
        );
        check(
            "rate(1 hour)",
            "2026-11-24T23:58:30Z",
            "2026-11-25T00:58:30Z",
        );
        check(
            "rate(2 days)",
            "2026-11-24T00:00:00Z",
            "2026-11-26T00:00:00Z",
        );
    }

    #[test]
    fn a_calendar_is_due_at_its_next_minute() {
        check(
            "cron(17 3 * * ? *)",
            "2026-11-24T03:16:59Z",
            "2026-11-24T03:17:00Z",
        );
        check(
            "cron(17 3 * * ? *)",
            "2026-11-24T03:17:00Z",
            "2026-11-25T03:17:00Z",
        );
        check(
            "cron(0/15 8-9,20 * * ? *)",
            "2026-11-24T09:45:00Z",
            "2026-11-24T20:00:00Z",
        );
        // The 24th of November 2026 is a Tuesday, and Sunday is 1.
        check(
            "cron(0 0 ? * 1 *)",
            "2026-11-24T00:00:00Z",
            "2026-11-29T00:00:00Z",
        );
        check(
            "cron(0 0 29 2 ? *)",
            "2026-11-24T00:00:00Z",
            "2028-02-29T00:00:00Z",
        );
    }

    #[test]
    fn what_never_comes_is_not_waited_for() {
        let never = When::parse("cron(0 0 31 2 ? *)").unwrap();
        assert_eq!(never.next(time("2026-11-24T00:00:00Z")), None);
    }

    #[test]
    fn an_expression_that_is_not_understood_is_refused() {
        for text in [
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(5)",
            "at(2026-11-24T00:00:00)",
            "cron(17 3 * * ?)",
            "cron(17 3 * * ? * *)",
            "cron(60 3 * * ? *)",
            "cron(0 3 L * ? *)",
            "cron(0 3 ? * MON *)",
            "cron(0 3 5-1 * ? *)",
            "cron(0/0 3 * * ? *)",
            "every night",
        ] {
            let error = When::parse(text).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
