//! How long before a charge the shop is told of it.

use std::str::FromStr;

use thiserror::Error;

/// How long before a renewal the shop is told of it, so that it can remind its subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalReminder {
    /// 0 for never.
    days: i64,
}

/// Why a reminder is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a renewal is told of 1 to 27 whole days before, or not at all, which is 0")]
pub struct RenewalReminderError;

const DAY_SECONDS: i64 = 24 * 3600;

/// Before a yearly renewal. Mastercard asks for a reminder 7 to 30 days before a charge that comes every 180 days
/// or more seldom, and several states of the USA for one about 30 days before.
const YEARLY_DAYS: i64 = 30;

/// Before the end of a free trial. Visa asks for a reminder at least 7 days before
/// (<https://docs.stripe.com/billing/subscriptions/trials/manage-trial-compliance>).
pub const TRIAL_REMINDER_SECONDS: i64 = 7 * DAY_SECONDS;

impl Default for RenewalReminder {
    /// As with the end of a trial.
    fn default() -> Self {
        Self { days: 7 }
    }
}

impl FromStr for RenewalReminder {
    type Err = RenewalReminderError;

    /// From whole days, fewer than the shortest month has.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = text.parse().ok().filter(|days| (0..=27).contains(days));
        days.map(|days| Self { days }).ok_or(RenewalReminderError)
    }
}

impl RenewalReminder {
    /// How many seconds before the renewal of a price that is due every so many intervals, `day`, `week`, `month` or
    /// `year`. None if it is not told of: it would be told in the moment of the last charge, or that is not wanted.
    pub fn seconds(self, interval: &str, count: u64) -> Option<i64> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let (period, is_long) = match interval {
            "day" => (count, count >= 365),
            "week" => (count.saturating_mul(7), count >= 52),
            "month" => (count.saturating_mul(28), count >= 12),
            _ => (i64::MAX, true),
        };
        let days = if is_long { YEARLY_DAYS } else { self.days };
        (self.days > 0 && period > days).then_some(days.saturating_mul(DAY_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yearly_renewal_is_told_of_earlier_and_a_short_period_not_at_all() {
        for (days, interval, count, expected) in [
            ("7", "month", 1, Some(7)),
            ("7", "month", 3, Some(7)),
            ("7", "month", 12, Some(30)),
            ("7", "year", 1, Some(30)),
            ("7", "year", 2, Some(30)),
            ("7", "week", 52, Some(30)),
            ("7", "day", 365, Some(30)),
            ("27", "month", 1, Some(27)),
            ("7", "week", 1, None),
            ("6", "week", 1, Some(6)),
            ("7", "week", 2, Some(7)),
            ("7", "day", 1, None),
            ("1", "day", 1, None),
            ("1", "day", 2, Some(1)),
            ("0", "month", 1, None),
            ("0", "year", 1, None),
        ] {
            let reminder: RenewalReminder = days.parse().unwrap();
            let days = reminder.seconds(interval, count);
            let expected = expected.map(|days: i64| days * DAY_SECONDS);
            assert_eq!(days, expected, "{days:?} {interval} {count}");
        }
    }
}
