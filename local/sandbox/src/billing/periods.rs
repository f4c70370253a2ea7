//! Billing periods by the calendar: a month after 31 January is the last day of February.

use time::{Date, Duration, Month, OffsetDateTime};

/// The first moment after `after` at which a period of the cycle begins and another ends. The cycle goes on before its
/// anchor as it does behind it.
pub(crate) fn next_end(anchor: i64, interval: &str, count: i64, after: i64) -> i64 {
    let count = count.max(1);
    step(
        anchor,
        interval,
        count * (steps_until(anchor, interval, count, after) + 1),
    )
}

/// The period of the cycle that ends at `end`, or in which it is.
pub(crate) fn start_before(anchor: i64, interval: &str, count: i64, end: i64) -> i64 {
    let count = count.max(1);
    step(
        anchor,
        interval,
        count * steps_until(anchor, interval, count, end - 1),
    )
}

/// The largest number of steps from the anchor that does not lead past `at`. Counted from the anchor each time, so that
/// a short month does not move the day for good.
fn steps_until(anchor: i64, interval: &str, count: i64, at: i64) -> i64 {
    let days = match interval {
        "day" | "week" => step_days(interval),
        "year" => 365,
        _ => 30,
    };
    let mut steps = at.saturating_sub(anchor).div_euclid(days * 86_400 * count);
    while step(anchor, interval, count * steps) > at {
        steps -= 1;
    }
    while step(anchor, interval, count * (steps + 1)) <= at {
        steps += 1;
    }
    steps
}

fn step_days(interval: &str) -> i64 {
    if interval == "week" { 7 } else { 1 }
}

/// `count` intervals after the anchor, at the same time of the day.
fn step(anchor: i64, interval: &str, count: i64) -> i64 {
    match interval {
        "day" | "week" => anchor + step_days(interval) * 86_400 * count,
        "year" => add_months(anchor, count * 12),
        _ => add_months(anchor, count),
    }
}

/// The same day and time some months later, or the last day of a shorter month.
pub(crate) fn add_months(anchor: i64, months: i64) -> i64 {
    let Ok(start) = OffsetDateTime::from_unix_timestamp(anchor) else {
        return anchor;
    };
    let index = i64::from(start.year()) * 12 + i64::from(u8::from(start.month())) - 1 + months;
    let year = i32::try_from(index.div_euclid(12)).unwrap_or(i32::MAX);
    let month = u8::try_from(index.rem_euclid(12) + 1)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let Some(month) = month else { return anchor };
    let day = start.day().min(month.length(year));
    let Ok(date) = Date::from_calendar_date(year, month, day) else {
        return anchor;
    };
    start.replace_date(date).unix_timestamp()
}

/// A number of days in seconds.
pub(crate) fn days(count: i64) -> i64 {
    Duration::days(count).whole_seconds()
}

#[cfg(test)]
mod tests {
    use super::{next_end, start_before};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    fn seconds(text: &str) -> i64 {
        OffsetDateTime::parse(text, &Rfc3339)
            .unwrap()
            .unix_timestamp()
    }

    #[test]
    fn periods_end_on_the_anchors_day_or_the_last_of_a_short_month() {
        let cases = [
            (
                "2026-01-31T10:00:00Z",
                "month",
                1,
                "2026-01-31T10:00:00Z",
                "2026-02-28T10:00:00Z",
            ),
            (
                "2026-01-31T10:00:00Z",
                "month",
                1,
                "2026-02-28T10:00:00Z",
                "2026-03-31T10:00:00Z",
            ),
            (
                "2026-11-24T00:00:00Z",
                "month",
                3,
                "2026-11-24T00:00:00Z",
                "2027-02-24T00:00:00Z",
            ),
            (
                "2024-02-29T00:00:00Z",
                "year",
                1,
                "2024-02-29T00:00:00Z",
                "2025-02-28T00:00:00Z",
            ),
            (
                "2024-02-29T00:00:00Z",
                "year",
                1,
                "2027-02-28T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "week",
                2,
                "2026-01-20T00:00:00Z",
                "2026-01-29T00:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "day",
                1,
                "2026-01-01T00:00:00Z",
                "2026-01-02T00:00:00Z",
            ),
        ];
        for (anchor, interval, count, after, end) in cases {
            assert_eq!(
                next_end(seconds(anchor), interval, count, seconds(after)),
                seconds(end),
                "{anchor} {interval} {after}"
            );
        }
    }

    /// Read off a calendar.
    #[test]
    fn a_cycle_goes_on_before_its_anchor() {
        let cases = [
            // A month that ends on the anchor, 1 August.
            (
                "2026-08-01T00:00:00Z",
                "month",
                1,
                "2026-07-22T00:00:00Z",
                "2026-07-01T00:00:00Z",
                "2026-08-01T00:00:00Z",
            ),
            (
                "2026-03-31T00:00:00Z",
                "month",
                1,
                "2026-03-01T00:00:00Z",
                "2026-02-28T00:00:00Z",
                "2026-03-31T00:00:00Z",
            ),
            (
                "2028-02-29T00:00:00Z",
                "year",
                1,
                "2027-06-01T00:00:00Z",
                "2027-02-28T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "2026-12-01T00:00:00Z",
                "week",
                1,
                "2026-11-20T00:00:00Z",
                "2026-11-17T00:00:00Z",
                "2026-11-24T00:00:00Z",
            ),
            (
                "2026-12-01T00:00:00Z",
                "month",
                3,
                "2026-12-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "2027-03-01T00:00:00Z",
            ),
        ];
        for (anchor, interval, count, at, start, end) in cases {
            let (anchor, at) = (seconds(anchor), seconds(at));
            let found = next_end(anchor, interval, count, at);
            assert_eq!(found, seconds(end), "{anchor} {at}");
            assert_eq!(
                start_before(anchor, interval, count, found),
                seconds(start),
                "{anchor} {at}"
            );
        }
    }

    #[test]
    fn ten_years_of_months_have_no_gap() {
        let anchor = seconds("2026-01-31T23:59:59Z");
        let mut end = anchor;
        for _ in 0..120 {
            let next = next_end(anchor, "month", 1, end);
            assert!((28 * 86_400..=31 * 86_400).contains(&(next - end)));
            end = next;
        }
        assert_eq!(end, seconds("2036-01-31T23:59:59Z"));
    }
}
