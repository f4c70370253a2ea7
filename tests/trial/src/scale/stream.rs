//! The table's stream and Lambda behind it, as the template sets them up: each shard hands one batch at a
//! time to a copy of the worker, and a batch again from its first failure on.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perennial_functions::Running;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// The part of the template that says how the worker is called.
const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Lambda waits between the tries of a batch; how long is nowhere said.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How the template has the worker called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping {
    batch: usize,
    window: Duration,
    retries: u64,
    oldest: Duration,
    timeout: Duration,
}

impl Mapping {
    /// As the template says.
    pub(super) fn of_template() -> Option<Self> {
        let worker = TEMPLATE.split("\n  Worker:\n").nth(1)?;
        let number = |name: &str| {
            let rest = worker.split(&format!("{name}: ")).nth(1)?;
            let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        };
        Some(Self {
            batch: usize::try_from(number("BatchSize")?).ok()?,
            window: Duration::from_secs(number("MaximumBatchingWindowInSeconds")?),
            retries: number("MaximumRetryAttempts")?,
            oldest: Duration::from_secs(number("MaximumRecordAgeInSeconds")?),
            timeout: Duration::from_secs(number("Timeout")?),
        })
    }
}

/// A record, and when it came.
struct Waiting {
    record: Value,
    since: Instant,
}

impl Waiting {
    fn number(&self) -> &str {
        self.record["dynamodb"]["SequenceNumber"]
            .as_str()
            .unwrap_or_default()
    }
}

/// What has become of the stream's records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivered {
    pub(super) invocations: u64,
    /// Invocations that Lambda has ended for their time.
    pub(super) timeouts: u64,
    pub(super) done: u64,
    pub(super) given_up: u64,
    /// The age of the oldest record of a batch, when it was handed over.
    pub(super) oldest: Duration,
    /// How many five minutes had a record of half an hour.
    pub(super) periods_behind: u64,
}

#[derive(Default)]
struct State {
    shards: Vec<VecDeque<Waiting>>,
    under_way: usize,
    delivered: Delivered,
    behind: BTreeSet<u64>,
}

/// The stream.
#[derive(Clone)]
pub(super) struct Stream {
    mapping: Mapping,
    began: Instant,
    state: Arc<Mutex<State>>,
}

impl Stream {
    pub(super) fn new(mapping: Mapping, shards: usize) -> Self {
        let state = State {
            shards: (0..shards).map(|_| VecDeque::new()).collect(),
            ..State::default()
        };
        Self {
            mapping,
            began: Instant::now(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts each record that the template lets through into the shard of its partition key.
    pub(super) fn add(&self, records: Vec<Value>) {
        let mut state = self.state();
        let shards = state.shards.len().max(1);
        let is_for_worker = |record: &Value| {
            let key = record["dynamodb"]["Keys"]["pk"]["S"].as_str();
            key.is_some_and(|key| key.starts_with("INBOX#"))
        };
        for record in records.into_iter().filter(is_for_worker) {
            let mut hash = DefaultHasher::new();
            record["dynamodb"]["Keys"]["pk"].to_string().hash(&mut hash);
            let shard = usize::try_from(hash.finish()).unwrap_or_default() % shards;
            let since = Instant::now();
            if let Some(shard) = state.shards.get_mut(shard) {
                shard.push_back(Waiting { record, since });
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.under_way == 0 && state.shards.iter().all(VecDeque::is_empty)
    }

    pub(super) fn delivered(&self) -> Delivered {
        let state = self.state();
        let periods_behind = u64::try_from(state.behind.len()).unwrap_or_default();
        Delivered {
            periods_behind,
            ..state.delivered
        }
    }

    fn take(&self, shard: usize) -> Vec<Waiting> {
        let mut state = self.state();
        let Some(waiting) = state.shards.get_mut(shard) else {
            return Vec::new();
        };
        let many = self.mapping.batch.min(waiting.len());
        let batch: Vec<Waiting> = waiting.drain(..many).collect();
        state.under_way += batch.len();
        batch
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
    }

    /// Hands a shard's records to a copy of the worker, for as long as the run lasts.
    pub(super) async fn drive(self, shard: usize, worker: Running) {
        loop {
            let waiting = self.state().shards.get(shard).map_or(0, VecDeque::len);
            if waiting < self.mapping.batch {
                sleep(self.mapping.window).await;
            }
            let batch = self.take(shard);
            if !batch.is_empty() {
                Box::pin(self.hand_over(batch, &worker)).await;
            }
        }
    }

    async fn hand_over(&self, mut batch: Vec<Waiting>, worker: &Running) {
        let mut tries = 0;
        let mut wait = Duration::from_secs(1);
        while let Some(first) = batch.first() {
            let age = first.since.elapsed();
            if tries > self.mapping.retries || age > self.mapping.oldest {
                let many = batch.len();
                self.note(|state| {
                    state.under_way -= many;
                    state.delivered.given_up += u64::try_from(many).unwrap_or_default();
                });
                return;
            }
            let period = self.began.elapsed().as_secs() / 300;
            self.note(|state| {
                state.delivered.invocations += 1;
                state.delivered.oldest = state.delivered.oldest.max(age);
                if age >= Duration::from_mins(30) {
                    state.behind.insert(period);
                }
            });
            let records: Vec<&Value> = batch.iter().map(|it| &it.record).collect();
            let event = json!({ "Records": records });
            let failed = match timeout(self.mapping.timeout, worker.handle(event)).await {
                Ok(Ok(answer)) => failed(&answer),
                Ok(Err(_)) => batch.iter().map(|it| it.number().to_owned()).collect(),
                Err(_) => {
                    self.note(|state| state.delivered.timeouts += 1);
                    batch.iter().map(|it| it.number().to_owned()).collect()
                }
            };
            let first = batch.iter().position(|it| failed.contains(it.number()));
            let done = first.unwrap_or(batch.len());
            batch.drain(..done);
            self.note(|state| {
                state.under_way -= done;
                state.delivered.done += u64::try_from(done).unwrap_or_default();
            });
            if done > 0 {
                (tries, wait) = (0, Duration::from_secs(1));
            } else {
                tries += 1;
            }
            if !batch.is_empty() {
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

fn failed(answer: &Value) -> BTreeSet<String> {
    let failures = answer["batchItemFailures"].as_array();
    let names = failures.into_iter().flatten();
    names
        .filter_map(|it| it["itemIdentifier"].as_str().map(str::to_owned))
        .collect()
}
