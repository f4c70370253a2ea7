//! Which records may be delivered now: in order for each partition key, side by side for different ones.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// The part of the stream that was read and is not yet done with.
#[derive(Debug)]
pub(super) struct Lanes {
    by_key: HashMap<String, Lane>,
    /// Every record since the last one that the position names: done, or not.
    records: BTreeMap<String, bool>,
    backoff: Backoff,
}

/// How long a lane rests after a failure: twice as long each time, up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) most: Duration,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Record>,
    /// How many of the waiting records are with the function now.
    out: usize,
    failures: u32,
    rests_until: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Record {
    sequence: String,
    body: Value,
}

/// A batch for one call of the function.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lane: String,
    pub(super) records: Vec<Value>,
}

impl Backoff {
    fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

impl Lanes {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self {
            by_key: HashMap::new(),
            records: BTreeMap::new(),
            backoff,
        }
    }

    /// How many records were read and are not done.
    pub(super) fn unfinished(&self) -> usize {
        self.records.values().filter(|done| !**done).count()
    }

    /// A record that nobody wants moves the position on, and nothing else.
    pub(super) fn skip(&mut self, sequence: String) {
        self.records.insert(sequence, true);
    }

    /// A record to deliver, after those of the same lane that came before.
    pub(super) fn push(&mut self, lane: String, sequence: String, body: Value) {
        self.records.insert(sequence.clone(), false);
        self.by_key
            .entry(lane)
            .or_default()
            .waiting
            .push_back(Record { sequence, body });
    }

    /// The next batch of some lane that neither rests nor has a batch out.
    pub(super) fn next_batch(&mut self, size: usize, now: Instant) -> Option<Batch> {
        let ready = |lane: &Lane| {
            lane.out == 0
                && !lane.waiting.is_empty()
                && lane.rests_until.is_none_or(|until| until <= now)
        };
        // The lane whose oldest record is oldest, so that no customer waits behind a busy one.
        let (name, lane) = self
            .by_key
            .iter_mut()
            .filter(|(_, lane)| ready(lane))
            .min_by(|(_, a), (_, b)| first_sequence(a).cmp(&first_sequence(b)))?;
        lane.out = lane.waiting.len().min(size.max(1));
        let records = lane
            .waiting
            .iter()
            .take(lane.out)
            .map(|r| r.body.clone())
            .collect();
        Some(Batch {
            lane: name.clone(),
            records,
        })
    }

    /// Takes note of what became of a lane's batch.
    ///
    /// As Lambda reads `batchItemFailures`: everything before the first failure is done, and the
    /// failure and all after it come again. `None` is a batch that failed as a whole.
    pub(super) fn finish(&mut self, name: &str, failures: Option<&[String]>, now: Instant) {
        let Some(lane) = self.by_key.get_mut(name) else {
            return;
        };
        let out = std::mem::take(&mut lane.out);
        let done = match failures {
            None => 0,
            Some([]) => out,
            // An identifier that is in no batch fails the whole of it, as it does at Lambda.
            Some(failed) => failed
                .iter()
                .map(|id| {
                    lane.waiting
                        .iter()
                        .take(out)
                        .position(|r| r.sequence == *id)
                })
                .min()
                .flatten()
                .unwrap_or(0),
        };
        for record in lane.waiting.drain(..done) {
            self.records.insert(record.sequence, true);
        }
        if done == out {
            lane.failures = 0;
            lane.rests_until = None;
        } else {
            lane.failures = if done == 0 {
                lane.failures.saturating_add(1)
            } else {
                1
            };
            lane.rests_until = Some(now + self.backoff.after(lane.failures));
        }
        if lane.waiting.is_empty() {
            self.by_key.remove(name);
        }
    }

    /// The last record up to which everything is done, if that moved since the last call.
    pub(super) fn advance(&mut self) -> Option<String> {
        let mut position = None;
        while let Some(entry) = self.records.first_entry() {
            if !*entry.get() {
                break;
            }
            position = Some(entry.remove_entry().0);
        }
        position
    }

    /// When the next resting lane may go on.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let rests = self.by_key.values().filter_map(|lane| lane.rests_until);
        rests.filter(|until| *until > now).min()
    }
}

fn first_sequence(lane: &Lane) -> Option<&str> {
    lane.waiting.front().map(|record| record.sequence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        most: Duration::from_secs(1),
    };

    fn lanes(records: &[(&str, &str)]) -> Lanes {
        let mut lanes = Lanes::new(BACKOFF);
        for (lane, sequence) in records {
            lanes.push((*lane).into(), (*sequence).into(), json!(sequence));
        }
        lanes
    }

    fn take(lanes: &mut Lanes, now: Instant) -> Option<(String, Vec<Value>)> {
        lanes
            .next_batch(10, now)
            .map(|batch| (batch.lane, batch.records))
    }

    #[test]
    fn one_customer_has_one_batch_out_at_a_time_and_others_go_beside_it() {
        let now = Instant::now();
        let mut lanes = lanes(&[("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(
            take(&mut lanes, now),
            Some(("a".into(), vec![json!("1"), json!("3")]))
        );
        lanes.push("a".into(), "4".into(), json!("4"));
        assert_eq!(take(&mut lanes, now), Some(("b".into(), vec![json!("2")])));
        assert_eq!(take(&mut lanes, now), None);
        lanes.finish("a", Some(&[]), now);
        assert_eq!(take(&mut lanes, now), Some(("a".into(), vec![json!("4")])));
    }

    #[test]
    fn a_failure_comes_again_with_all_that_followed_it_and_not_before_its_rest_is_over() {
        let now = Instant::now();
        let mut lanes = lanes(&[("a", "1"), ("a", "2"), ("a", "3")]);
        take(&mut lanes, now);
        lanes.finish("a", Some(&["3".into(), "2".into()]), now);
        assert_eq!(lanes.advance(), Some("1".into()));
        assert_eq!(take(&mut lanes, now), None);
        let later = lanes.wakes_at(now).unwrap();
        assert_eq!(later, now + BACKOFF.first);
        assert_eq!(
            take(&mut lanes, later),
            Some(("a".into(), vec![json!("2"), json!("3")]))
        );
        lanes.finish("a", None, later);
        assert_eq!(lanes.wakes_at(later), Some(later + BACKOFF.first * 2));
    }

    #[test]
    fn an_identifier_that_is_in_no_batch_fails_the_whole_batch() {
        let now = Instant::now();
        let mut lanes = lanes(&[("a", "1"), ("a", "2")]);
        take(&mut lanes, now);
        lanes.finish("a", Some(&["2".into(), String::new()]), now);
        assert_eq!(lanes.advance(), None);
        assert_eq!(lanes.unfinished(), 2);
    }

    #[test]
    fn the_position_stops_before_the_first_record_that_is_not_done() {
        let now = Instant::now();
        let mut lanes = lanes(&[("a", "1"), ("b", "3")]);
        lanes.skip("2".into());
        take(&mut lanes, now);
        take(&mut lanes, now);
        lanes.finish("b", Some(&[]), now);
        assert_eq!(lanes.advance(), None);
        lanes.finish("a", Some(&[]), now);
        assert_eq!(lanes.advance(), Some("3".into()));
        assert_eq!(lanes.advance(), None);
    }

    #[test]
    fn the_rest_grows_and_has_a_limit() {
        assert_eq!(BACKOFF.after(1), BACKOFF.first);
        assert_eq!(BACKOFF.after(3), BACKOFF.first * 4);
        assert_eq!(BACKOFF.after(40), BACKOFF.most);
    }
}
