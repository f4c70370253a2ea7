//! What a promotion code takes off a plan, and why one is refused.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, OffsetDateTime};

use crate::{Interval, Money, Plan, PromotionCodeId, Timestamp};

/// What a promotion code makes of a plan's price. Stripe reckons the amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discount {
    /// What each discounted period costs, in the currency's smallest unit.
    pub amount: u64,
    /// How long it counts.
    pub lasts: Lasts,
}

/// How long a discount counts
/// (<https://docs.stripe.com/api/coupons/object#coupon_object-duration>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// For the first payment.
    Once,
    /// For each payment within so many months after the subscription has begun.
    Months(u32),
    /// For each payment.
    Forever,
}

impl Lasts {
    /// From when on a code takes nothing off that is redeemed at a time; none of one that counts once or forever.
    pub fn until(self, redeemed: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Months(months) => Some(plus_months(redeemed, months.into())),
            Self::Once | Self::Forever => None,
        }
    }
}

/// What a shopper was shown of a promotion code and agreed to. An attempt keeps it: the code's words are not
/// looked up again, since they may be another code's by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreedDiscount {
    /// Which code.
    pub promotion_code: PromotionCodeId,
    /// What each discounted period costs at most, in the currency's smallest unit.
    pub amount: u64,
}

/// No discount counts for more payments: a day's plan with a code for two hundred years.
const MOST_PAYMENTS: i64 = 100_000;
const DAY: i64 = 86_400;

impl Discount {
    /// How many payments it is taken off, for a subscription that begins `now`; none if it is off each.
    /// It may be no payment at all, of a code that is over before a free trial is.
    pub fn payments(&self, plan: &Plan, now: Timestamp) -> Option<u32> {
        let months = match self.lasts {
            Lasts::Once => return Some(1),
            Lasts::Forever => return None,
            Lasts::Months(months) => months,
        };
        let over = plus_months(now, months.into());
        let paid = (0..MOST_PAYMENTS).take_while(|n| payment_at(plan, now, *n) < over);
        u32::try_from(paid.count()).ok()
    }

    /// When the first payment is due that it is not taken off; none if it is off each.
    pub fn until(&self, plan: &Plan, now: Timestamp) -> Option<Timestamp> {
        let payments = self.payments(plan, now)?;
        Some(payment_at(plan, now, payments.into()))
    }

    /// What is charged when, such as `12.00 USD every month for the first 3 payments after 14 free days, then
    /// 15.00 USD every month`.
    pub(crate) fn terms(&self, plan: &Plan, now: Timestamp, every: &str, trial: &str) -> String {
        let reduced = Money {
            amount: self.amount,
            currency: plan.currency,
        };
        let regular = plan.money();
        match self.payments(plan, now) {
            None => format!("{reduced} {every}{trial}"),
            Some(1) => format!("{reduced} for the first payment{trial}, then {regular} {every}"),
            Some(payments) => format!(
                "{reduced} {every} for the first {payments} payments{trial}, then {regular} {every}"
            ),
        }
    }
}

/// When the payment is due that has so many before it.
fn payment_at(plan: &Plan, now: Timestamp, before: i64) -> Timestamp {
    let first = now.plus_seconds(i64::from(plan.trial_days) * DAY);
    let count = before.saturating_mul(plan.interval_count.into());
    match plan.interval {
        Interval::Day => first.plus_seconds(count.saturating_mul(DAY)),
        Interval::Week => first.plus_seconds(count.saturating_mul(7 * DAY)),
        Interval::Month => plus_months(first, count),
        Interval::Year => plus_months(first, count.saturating_mul(12)),
    }
}

/// The same time of the same day so many months later, or of the last day of a month that is shorter, as Stripe
/// reckons (<https://docs.stripe.com/billing/subscriptions/billing-cycle>).
fn plus_months(at: Timestamp, months: i64) -> Timestamp {
    let later = || {
        let moment = OffsetDateTime::from_unix_timestamp(at.unix()).ok()?;
        let date = moment.date();
        let month = i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1 + months;
        let year = i32::try_from(month.div_euclid(12)).ok()?;
        let of_year = u8::try_from(month.rem_euclid(12) + 1).ok()?;
        let month = Month::try_from(of_year).ok()?;
        // A month has at most 31 days, and at least 28.
        let days = (28..=date.day()).rev();
        let mut days = days.chain(std::iter::once(date.day().min(28)));
        let day = days.find_map(|day| Date::from_calendar_date(year, month, day).ok())?;
        let whole: Duration = day - date;
        Some(at.plus_seconds(whole.whole_seconds()))
    };
    later().unwrap_or(at)
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $status:literal, $code:literal, $message:literal;)*) => {
        /// Why a promotion code is not taken for a plan: stable codes that a page can match on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CodeRefusal {
            $($(#[$doc])* $name,)*
        }

        impl CodeRefusal {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The code, as in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// A sentence for the shopper.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

refusals! {
    /// There is none of these words.
    Unknown => 404, "unknown_code", "There is no such code. Check how it is spelled.";
    /// The shop has ended it.
    Ended => 409, "code_ended", "This code is no longer valid.";
    /// Its time is over.
    Expired => 409, "code_expired", "This code has expired.";
    /// It was redeemed as often as it may be.
    UsedUp => 409, "code_used_up", "This code has been used as often as it may be.";
    /// It is for one customer, and not for this one.
    OtherCustomer => 409, "code_of_another_customer", "This code is for another customer.";
    /// It is for those who have bought nothing before.
    FirstOrderOnly => 409, "code_first_order_only", "This code is for a first order only.";
    /// It takes an amount off in another currency than the plan's.
    OtherCurrency => 409, "code_other_currency", "This code is for prices in another currency.";
    /// The plan costs less than the code asks for.
    BelowMinimum => 409, "code_below_minimum", "This plan costs less than the code asks for.";
    /// It takes nothing off this plan.
    OtherPlan => 409, "code_not_for_plan", "This code is not for this plan.";
    /// It asks for a least amount, which Stripe checks of new subscriptions alone.
    NewOnly => 409, "code_for_new_only", "This code is for a new subscription only.";
    /// Stripe does not take it, for a reason that it does not tell apart.
    NotTaken => 409, "code_not_taken", "This code cannot be used for this order.";
    /// It takes off another amount than the shopper was shown.
    AmountOutdated => 409, "code_amount_outdated", "The code takes off another amount than was shown. Check it again.";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(interval: &str, count: u16, trial_days: u32) -> Plan {
        serde_json::from_str(&format!(
            r#"{{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"{interval}","interval_count":{count},"trial_days":{trial_days}}}"#
        ))
        .unwrap()
    }

    fn time(text: &str) -> Timestamp {
        serde_json::from_str(&format!("{text:?}")).unwrap()
    }

    /// Months are counted from the day on which the subscription begins, its free trial included.
    #[test]
    fn a_discount_counts_for_the_payments_within_its_months() {
        let now = "2026-01-31T12:00:00Z";
        for (interval, count, trial, lasts, payments, until) in [
            ("month", 1, 0, Lasts::Once, Some(1), "2026-02-28T12:00:00Z"),
            (
                "month",
                1,
                0,
                Lasts::Months(3),
                Some(3),
                "2026-04-30T12:00:00Z",
            ),
            // On 14 February, March and April; on 14 May the three months are over.
            (
                "month",
                1,
                14,
                Lasts::Months(3),
                Some(3),
                "2026-05-14T12:00:00Z",
            ),
            (
                "month",
                1,
                30,
                Lasts::Months(1),
                Some(0),
                "2026-03-02T12:00:00Z",
            ),
            (
                "month",
                3,
                0,
                Lasts::Months(4),
                Some(2),
                "2026-07-31T12:00:00Z",
            ),
            (
                "year",
                1,
                0,
                Lasts::Months(3),
                Some(1),
                "2027-01-31T12:00:00Z",
            ),
            (
                "week",
                1,
                0,
                Lasts::Months(1),
                Some(4),
                "2026-02-28T12:00:00Z",
            ),
            (
                "day",
                10,
                0,
                Lasts::Months(1),
                Some(3),
                "2026-03-02T12:00:00Z",
            ),
            ("month", 1, 14, Lasts::Once, Some(1), "2026-03-14T12:00:00Z"),
            ("month", 1, 0, Lasts::Forever, None, ""),
        ] {
            let plan = plan(interval, count, trial);
            let discount = Discount {
                amount: 1200,
                lasts,
            };
            let what = format!("{interval} {count} {trial} {lasts:?}");
            assert_eq!(discount.payments(&plan, time(now)), payments, "{what}");
            let found = discount.until(&plan, time(now)).map(|it| it.to_string());
            assert_eq!(found.unwrap_or_default(), until, "{what}");
        }
    }

    #[test]
    fn a_month_that_is_shorter_ends_with_its_last_day() {
        let at = time("2023-12-31T00:00:00Z");
        for (months, expected) in [
            (2, "2024-02-29T00:00:00Z"),
            (14, "2025-02-28T00:00:00Z"),
            (4, "2024-04-30T00:00:00Z"),
            (12, "2024-12-31T00:00:00Z"),
        ] {
            assert_eq!(plus_months(at, months), time(expected));
        }
        let first = time("2024-01-05T00:00:00Z");
        assert_eq!(plus_months(first, 1), time("2024-02-05T00:00:00Z"));
        assert_eq!(plus_months(at, i64::from(u32::MAX)), at);
    }

    #[test]
    fn each_refusal_has_a_code_and_a_sentence_of_its_own() {
        let mut codes: Vec<_> = CodeRefusal::ALL.iter().map(|it| it.as_str()).collect();
        codes.dedup();
        assert_eq!(codes.len(), CodeRefusal::ALL.len());
        for refusal in CodeRefusal::ALL {
            assert!(refusal.message().ends_with('.'), "{refusal:?}");
            assert!((400..500).contains(&refusal.status()), "{refusal:?}");
        }
    }
}
