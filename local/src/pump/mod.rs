//! The event source mapping: the table's stream drives a function, as Lambda would do it.
//!
//! A record is delivered at least once, in batches of any size. Records of one shard stay in order,
//! and so do those of one partition key as long as the template keeps `ParallelizationFactor` at 1;
//! a failure holds up its shard until it is given up. What AWS leaves open is decided by a seed.

mod chance;
mod lanes;
mod position;
mod records;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{path::PathBuf, sync::Arc, time::Duration};

use dynoxide::Database;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The shard of a partition key, without a seed.
#[cfg(test)]
pub(crate) fn shard_of(pk: &str) -> usize {
    chance::place(None, pk, lanes::SHARDS)
}

use crate::dynamodb::{DatabaseError, Writes};
use crate::invoker::{self, Invoker};
use crate::template::StreamMapping;
use lanes::{Backoff, Batch, Lanes, Outcome, Rules};
use position::PositionFile;
use records::Records;

/// Records that are read before those in front of them are done.
const READ_AHEAD: usize = 500;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(200),
    most: Duration::from_secs(5),
};

/// Reads the stream and calls the function.
pub(crate) struct Pump {
    records: Records,
    position: PositionFile,
    mapping: StreamMapping,
    invoker: Arc<dyn Invoker>,
    written: watch::Receiver<u64>,
    /// Whether the stream may have records that were not read.
    behind: bool,
    lanes: Lanes,
    read_to: Option<String>,
    unfinished: Arc<AtomicUsize>,
    calls: JoinSet<(usize, Outcome)>,
}

impl Pump {
    /// Stands where the last run stopped, and reads on whenever something was written.
    pub(crate) fn new(
        database: Database,
        table: &str,
        position: Option<PathBuf>,
        mapping: StreamMapping,
        invoker: Arc<dyn Invoker>,
        writes: &Writes,
        seed: Option<u64>,
    ) -> Result<Self, DatabaseError> {
        let records = Records::of_table(database, table)?;
        let position = PositionFile::new(position);
        let read_to = position
            .load(&records.arn)
            .map_err(DatabaseError::Position)?;
        let rules = Rules {
            batch_size: mapping.batch_size,
            factor: mapping.factor,
            retries: mapping.retries,
            bisects: mapping.bisects,
            backoff: BACKOFF,
        };
        Ok(Self {
            records,
            position,
            mapping,
            invoker,
            written: writes.heard(),
            // What was written while nobody was here.
            behind: true,
            lanes: Lanes::new(rules, seed),
            read_to,
            unfinished: Arc::default(),
            calls: JoinSet::new(),
        })
    }

    /// How many records were read and are not done with. One that is delivered again counts until it is
    /// done with once more.
    pub(crate) fn unfinished(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.unfinished)
    }

    /// Works until told to stop, and then finishes the calls that are under way.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let read = if self.behind {
                self.read().await
            } else {
                Some(false)
            };
            // Told before they are delivered: whoever sees what a record has led to sees that it is under way.
            self.unfinished
                .store(self.lanes.unfinished(), Ordering::SeqCst);
            self.deliver();
            self.keep_position();
            if read == Some(true) {
                continue;
            }
            let now = Instant::now();
            let again = read.is_none().then(|| now + BACKOFF.most);
            let wakes_at = self.lanes.wakes_at(now).into_iter().chain(again).min();
            let wait = async {
                match wakes_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(finished) = self.calls.join_next() => self.settle(finished),
                () = wait => {}
                Ok(()) = self.written.changed() => self.behind = true,
                _ = stop.changed() => break,
            }
        }
        while let Some(finished) = self.calls.join_next().await {
            self.settle(finished);
        }
        self.keep_position();
    }

    /// Reads on; says whether there was anything, or nothing if the stream cannot be read.
    async fn read(&mut self) -> Option<bool> {
        let room = READ_AHEAD.saturating_sub(self.lanes.unfinished());
        if room == 0 {
            return Some(false);
        }
        // Whatever is written from here on is heard of.
        self.written.borrow_and_update();
        match self.records.read(self.read_to.clone(), room).await {
            Ok(records) => {
                let any = !records.is_empty();
                self.behind = any;
                for record in records {
                    self.take(record);
                }
                Some(any)
            }
            Err(error) => {
                tracing::error!(error = %error, "the table's stream cannot be read");
                None
            }
        }
    }

    fn take(&mut self, record: Value) {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let Some(sequence) = text("/dynamodb/SequenceNumber").map(str::to_owned) else {
            return;
        };
        let pk = text("/dynamodb/Keys/pk/S").unwrap_or_default().to_owned();
        let sk = text("/dynamodb/Keys/sk/S").unwrap_or_default().to_owned();
        self.read_to = Some(sequence.clone());
        let filters = &self.mapping.filters;
        if filters.is_empty() || filters.iter().any(|filter| filter.matches(&record)) {
            self.lanes.push(&pk, &sk, sequence, record);
        } else {
            self.lanes.skip(sequence);
        }
    }

    fn deliver(&mut self) {
        while let Some(batch) = self.lanes.next_batch(Instant::now()) {
            let invoker = Arc::clone(&self.invoker);
            let (function, timeout) = (self.mapping.function.clone(), self.mapping.timeout);
            self.calls.spawn(async move {
                let Batch { lane, records } = batch;
                let event = json!({ "Records": records });
                let answer = invoker::call(&invoker, &function, event, timeout).await;
                let outcome = match answer {
                    Ok(answer) => Outcome::Answered(failures(&answer)),
                    Err(error) => {
                        tracing::warn!(error = %error, "a batch of the stream will be tried again");
                        Outcome::Failed
                    }
                };
                (lane, outcome)
            });
        }
    }

    fn settle(&mut self, finished: Result<(usize, Outcome), tokio::task::JoinError>) {
        match finished {
            Ok((lane, outcome)) => {
                let given_up = self.lanes.finish(lane, &outcome, Instant::now());
                if !given_up.is_empty() {
                    // What is given up stays in the table, where a sweep finds it.
                    tracing::warn!(?given_up, "records of the stream are given up");
                }
            }
            // The function runs in a task of its own, so what ended here is the server itself.
            Err(error) => tracing::error!(error = %error, "a delivery was ended"),
        }
    }

    fn keep_position(&mut self) {
        let Some(sequence) = self.lanes.advance() else {
            return;
        };
        if let Err(error) = self.position.save(&self.records.arn, &sequence) {
            tracing::error!(error = %error, "the position in the stream cannot be kept");
        }
    }
}

/// The sequence numbers in an answer's `batchItemFailures`.
fn failures(answer: &Value) -> Vec<String> {
    let listed = answer.get("batchItemFailures").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .map(|failure| {
            let id = failure.get("itemIdentifier").and_then(Value::as_str);
            id.unwrap_or_default().to_owned()
        })
        .collect()
}
