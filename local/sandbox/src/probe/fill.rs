//! What stands in braces in a step.
//!
//! - `{customer}`, `{sub.items.data.0.id}`: an earlier answer's id, or a field of it.
//! - `{t0}`, `{d31}`, `{now}`: times of the run, which are the same on both sides.
//! - `{t0+1mo+1h}`, `{sub.items.data.0.current_period_end-1d}`: a time with `mo`, `d`, `h`, `m` and `s` added or taken.
//! - `{run}`: the run's name.
//! - `{x*500}`: a letter so many times.

use serde_json::Value;
use std::collections::BTreeMap;
use time::{Date, Duration, Month, OffsetDateTime, Time};

/// What both sides of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// The run's name, which marks what it makes.
    pub(crate) run: String,
    /// When it began.
    pub(crate) now: i64,
}

/// The answers so far, by their names.
pub(crate) type Answers = BTreeMap<String, Value>;

/// The text with everything in braces replaced, or the reference that leads nowhere.
pub(crate) fn fill(text: &str, common: &Common, answers: &Answers) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or_else(|| text.to_owned())?;
        filled.push_str(before);
        filled.push_str(&value(inside, common, answers).ok_or_else(|| inside.to_owned())?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The names of the answers that a text refers to.
#[cfg(test)]
pub(crate) fn references(text: &str) -> Vec<String> {
    let inside = text
        .split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next());
    inside
        .filter(|inside| !inside.contains('*'))
        .filter_map(|inside| inside.split(['.', '+', '-']).next())
        .filter(|name| !matches!(*name, "t0" | "d31" | "now" | "run"))
        .map(str::to_owned)
        .collect()
}

fn value(inside: &str, common: &Common, answers: &Answers) -> Option<String> {
    if inside == "run" {
        return Some(common.run.clone());
    }
    if let Some((letter, times)) = inside.split_once('*') {
        return Some(letter.repeat(times.parse().ok()?));
    }
    let split = inside.find(['+', '-']).unwrap_or(inside.len());
    let (base, offsets) = inside.split_at(split);
    let base = match base {
        "now" => Value::from(common.now),
        "t0" => Value::from(first_of_next_month(common.now)?),
        "d31" => Value::from(next_31st(common.now)?),
        reference => look_up(reference, answers)?,
    };
    if offsets.is_empty() {
        return match base {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
    }
    shifted(base.as_i64()?, offsets).map(|at| at.to_string())
}

fn look_up(reference: &str, answers: &Answers) -> Option<Value> {
    let (name, path) = reference.split_once('.').unwrap_or((reference, "id"));
    let mut found = answers.get(name)?;
    for part in path.split('.') {
        found = match part.parse::<usize>() {
            Ok(index) => found.get(index)?,
            Err(_) => found.get(part)?,
        };
    }
    Some(found.clone())
}

/// A time after the offsets, each with its sign.
fn shifted(mut at: i64, offsets: &str) -> Option<i64> {
    let mut rest = offsets;
    while let Some(sign) = rest.chars().next() {
        let body = rest.get(1..)?;
        let end = body.find(['+', '-']).unwrap_or(body.len());
        let (offset, after) = body.split_at(end);
        let unit = offset.trim_start_matches(|c: char| c.is_ascii_digit());
        let count: i64 = offset.strip_suffix(unit)?.parse().ok()?;
        let count = if sign == '-' { -count } else { count };
        at = match unit {
            "mo" => months_later(at, count)?,
            "d" => at + count * 86_400,
            "h" => at + count * 3600,
            "m" => at + count * 60,
            "s" => at + count,
            _ => return None,
        };
        rest = after;
    }
    Some(at)
}

/// The same day and time of another month, or its last day where it has no such day.
fn months_later(at: i64, months: i64) -> Option<i64> {
    let from = OffsetDateTime::from_unix_timestamp(at).ok()?;
    let index = i64::from(from.year()) * 12 + i64::from(u8::from(from.month())) - 1 + months;
    let year = i32::try_from(index.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(index.rem_euclid(12) + 1).ok()?).ok()?;
    let day = from.day().min(month.length(year));
    let date = Date::from_calendar_date(year, month, day).ok()?;
    Some(from.replace_date(date).unix_timestamp())
}

/// Noon of the first day of a month that is at least three days ahead. The future, so that what a clock's time shows
/// is newer than everything that came before the run.
fn first_of_next_month(now: i64) -> Option<i64> {
    let at = OffsetDateTime::from_unix_timestamp(now + 3 * 86_400).ok()?;
    let first = at
        .replace_day(1)
        .ok()?
        .replace_time(Time::from_hms(12, 0, 0).ok()?);
    months_later(first.unix_timestamp(), 1)
}

/// Noon of the next 31st of a month that is followed by a shorter one.
fn next_31st(now: i64) -> Option<i64> {
    let noon = OffsetDateTime::from_unix_timestamp(now)
        .ok()?
        .replace_time(Time::from_hms(12, 0, 0).ok()?);
    (3..250)
        .map(|days| noon + Duration::days(days))
        .find(|day| day.day() == 31 && day.month().next().length(day.year()) < 31)
        .map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::{Answers, Common, fill, references};
    use serde_json::json;

    /// 2026-11-29 15:00 UTC.
    const NOW: i64 = 1_795_964_400;

    fn filled(text: &str) -> Result<String, String> {
        let common = Common {
            run: "r1".to_owned(),
            now: NOW,
        };
        let sub = json!({"id": "sub_1", "items": {"data": [{"id": "si_1", "end": 1_800_000_000}]}});
        let answers = Answers::from([("sub".to_owned(), sub)]);
        fill(text, &common, &answers)
    }

    #[test]
    fn braces_are_replaced_by_what_they_name() {
        let cases = [
            ("/v1/subscriptions/{sub}", "/v1/subscriptions/sub_1"),
            ("{sub.items.data.0.id}", "si_1"),
            ("{sub.items.data.0.end+1h-1s}", "1800003599"),
            ("perennial-{run}", "perennial-r1"),
            ("{x*3}{y*2}", "xxxyy"),
            // 2027-01-01 12:00, because December is only two days ahead.
            ("{t0}", "1798804800"),
            ("{t0+1mo}", "1801483200"),
            // 2027-01-31 12:00, and 28 days later the end of February.
            ("{d31}", "1801396800"),
            ("{d31+1mo}", "1803816000"),
            ("{now-1d}", "1795878000"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in [
            "{other}",
            "{sub.items.data.1.id}",
            "{sub",
            "{t0+1}",
            "{t0+1y}",
            "{sub.items}",
        ] {
            assert!(filled(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_answers_count_as_references() {
        let text = "{sub.items.data.0.id} {t0+1mo} {run} {x*5} {clock} {sub2.end-1h}";
        assert_eq!(references(text), ["sub", "clock", "sub2"]);
    }
}
