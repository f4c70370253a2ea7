//! Which records may be delivered now: in order within a shard, side by side in different ones.
//!
//! A mapping with a `ParallelizationFactor` above 1 divides each shard further, by item and not by
//! partition key (<https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>), so a customer's
//! records stay in order at a factor of 1 alone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::chance::{Chance, place};

/// A table that is paid by request begins with four partitions, and its stream with four shards.
pub(super) const SHARDS: usize = 4;
/// One batch in so many is delivered again although it was done: delivery is at least once.
const TWICE_IN: usize = 16;

/// What the mapping says about deliveries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The most records of one batch.
    pub(super) batch_size: usize,
    /// Into how many lanes each shard is divided.
    pub(super) factor: usize,
    /// How often a batch is tried again before it is given up; without a number, for ever.
    pub(super) retries: Option<u32>,
    /// Whether a batch that fails as a whole is halved.
    pub(super) bisects: bool,
    /// How long a lane rests after a failure.
    pub(super) backoff: Backoff,
}

/// How long a lane rests after a failure: twice as long each time, up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) most: Duration,
}

/// The part of the stream that was read and is not yet done with.
#[derive(Debug)]
pub(super) struct Lanes {
    rules: Rules,
    seed: Option<u64>,
    chance: Chance,
    by_number: BTreeMap<usize, Lane>,
    /// Every record since the last one that the position names: done, or not.
    records: BTreeMap<String, bool>,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Record>,
    /// How many of the waiting records are with the function now.
    out: usize,
    failures: u32,
    rests_until: Option<Instant>,
    /// The most records of the next batch, after one that was halved.
    at_most: Option<usize>,
}

#[derive(Debug, Clone)]
struct Record {
    sequence: String,
    body: Value,
}

/// A batch for one call of the function.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lane: usize,
    pub(super) records: Vec<Value>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The function answered, and named these records as failed.
    Answered(Vec<String>),
    /// The function failed.
    Failed,
}

impl Backoff {
    fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

impl Lanes {
    /// Lanes that are as loose as AWS is where it promises nothing, as the seed decides; without
    /// one, batches are as large as they can be, and none comes twice.
    pub(super) fn new(rules: Rules, seed: Option<u64>) -> Self {
        Self {
            rules,
            seed,
            chance: Chance::new(seed),
            by_number: BTreeMap::new(),
            records: BTreeMap::new(),
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
    pub(super) fn push(&mut self, pk: &str, sk: &str, sequence: String, body: Value) {
        self.records.insert(sequence.clone(), false);
        let lane = self.lane_of(pk, sk);
        let lane = self.by_number.entry(lane).or_default();
        lane.waiting.push_back(Record { sequence, body });
    }

    fn lane_of(&self, pk: &str, sk: &str) -> usize {
        let shard = place(self.seed, pk, SHARDS);
        let part = place(self.seed, &format!("{pk} {sk}"), self.rules.factor);
        shard * self.rules.factor.max(1) + part
    }

    /// The next batch of some lane that neither rests nor has a batch out.
    pub(super) fn next_batch(&mut self, now: Instant) -> Option<Batch> {
        let ready = |lane: &Lane| {
            lane.out == 0
                && !lane.waiting.is_empty()
                && lane.rests_until.is_none_or(|until| until <= now)
        };
        let ready: Vec<usize> = self
            .by_number
            .iter()
            .filter(|(_, lane)| ready(lane))
            .map(|(number, _)| *number)
            .collect();
        let number = *ready.get(self.chance.below(ready.len()))?;
        let lane = self.by_number.get_mut(&number)?;
        // A batch is what the stream had when it was read, which may be less than there is now.
        let size = self.rules.batch_size.max(1);
        let size = size - self.chance.below(size);
        let size = size.min(lane.at_most.unwrap_or(size));
        lane.out = lane.waiting.len().min(size);
        let out = lane.waiting.iter().take(lane.out);
        Some(Batch {
            lane: number,
            records: out.map(|record| record.body.clone()).collect(),
        })
    }

    /// Takes note of what became of a lane's batch, and gives the records that are given up.
    ///
    /// As Lambda reads `batchItemFailures`: everything before the first failure is done, and the
    /// failure and all after it come again, other customers' records among them. A batch that failed as a whole
    /// comes again whole, or in halves.
    pub(super) fn finish(&mut self, number: usize, outcome: &Outcome, now: Instant) -> Vec<String> {
        let Some(lane) = self.by_number.get_mut(&number) else {
            return Vec::new();
        };
        let out = std::mem::take(&mut lane.out);
        let mut done = match outcome {
            Outcome::Failed => 0,
            Outcome::Answered(failed) => failed
                .iter()
                // An identifier that is in no batch fails the whole of it, as it does at Lambda.
                .map(|id| lane.position(id, out).unwrap_or(0))
                .min()
                .unwrap_or(out),
        };
        let mut given_up = Vec::new();
        if done == out {
            lane.failures = 0;
            lane.rests_until = None;
            lane.at_most = None;
            if self.chance.below(TWICE_IN) == 1 {
                done = 0;
            }
        } else {
            let halved = *outcome == Outcome::Failed && self.rules.bisects && out > 1;
            lane.at_most = Some(if halved { out / 2 } else { out - done });
            // Splitting a batch does not count as a retry.
            lane.failures = if done > 0 {
                1
            } else {
                lane.failures.saturating_add(u32::from(!halved))
            };
            lane.rests_until = Some(now + self.rules.backoff.after(lane.failures));
            if self
                .rules
                .retries
                .is_some_and(|retries| lane.failures > retries)
            {
                let dropped = lane.waiting.iter().take(out).skip(done);
                given_up.extend(dropped.map(|record| record.sequence.clone()));
                done = out;
                lane.failures = 0;
                lane.rests_until = None;
                lane.at_most = None;
            }
        }
        for record in lane.waiting.drain(..done) {
            self.records.insert(record.sequence, true);
        }
        if lane.waiting.is_empty() {
            self.by_number.remove(&number);
        }
        given_up
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
        let rests = self.by_number.values().filter_map(|lane| lane.rests_until);
        rests.filter(|until| *until > now).min()
    }
}

impl Lane {
    /// Where a record stands among those that are out.
    fn position(&self, sequence: &str, out: usize) -> Option<usize> {
        let mut out = self.waiting.iter().take(out);
        out.position(|record| record.sequence == sequence)
    }
}

#[cfg(test)]
mod tests;
