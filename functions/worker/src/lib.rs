//! Behind the table's stream: applies the events of the inbox, each customer's in order and
//! customers side by side.

mod batch;

use std::{num::NonZeroU32, time::Duration};

use futures_util::{StreamExt as _, stream};
use perennial_config::{Env, EventHandler, Start, StartError, worker_concurrency};
use perennial_flows::{Clients, Context, FlowError};
use perennial_store::InboxItem;
use perennial_stripe::Pace;
use perennial_types::Clock;
use serde_json::{Value, json};
use tokio::time::Instant;

use batch::{Batch, Received, by_customer};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    clock: Clock,
}

/// The time that a batch has for Stripe, of the function's 60 seconds. What does not fit into it is
/// brought again.
const BATCH: Duration = Duration::from_secs(45);

/// So many customers are looked after at the same time. Each has a request's time from when it is begun.
const SIDE_BY_SIDE: usize = 10;

/// All copies of the worker together call Stripe at most so often in a second: less than half of the 100
/// calls that Stripe takes of an account (<https://docs.stripe.com/rate-limits>).
const CALLS_PER_SECOND: u32 = 48;

/// How many copies there are at once where nothing limits them: one for each shard, of which a table has four
/// until it has grown.
const COPIES: NonZeroU32 = NonZeroU32::new(4).expect("4 is not 0");

/// The share of one copy. Of more copies than there are calls, each has one.
fn share(copies: Option<NonZeroU32>) -> NonZeroU32 {
    let copies = copies.unwrap_or(COPIES);
    NonZeroU32::new(CALLS_PER_SECOND / copies).unwrap_or(NonZeroU32::MIN)
}

/// How long after a refusal for the number of calls a customer's events are tried again. What comes behind
/// them would be refused as well, so there is nothing else to do with the batch's time.
const PAUSE: Duration = Duration::from_secs(1);

/// An event that fails by itself for so long is left to the sweep, so that it does not hold up its shard.
const PATIENCE_SECONDS: i64 = 600;

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let copies = worker_concurrency(env);
        let (clients, copies) = Clients::start(env, clock.clone(), copies).await?;
        Ok(Self {
            clients: clients.paced(Pace::per_second(share(copies))),
            clock,
        })
    }
}

/// Events that could not be applied, each with the reason.
type Failed = Vec<(Received, FlowError)>;

impl App {
    /// Applies a customer's events, again and again while Stripe refuses them for the number of calls and
    /// `until` has not come.
    async fn apply(&self, context: &Context, customer: Vec<Received>, until: Instant) -> Failed {
        let mut waiting = customer;
        loop {
            let items: Vec<InboxItem> = waiting.iter().map(|it| it.item.clone()).collect();
            let results = context.events().apply_all(&items).await;
            let failed = waiting.into_iter().zip(results);
            let failed: Failed = failed
                .filter_map(|(it, result)| Some((it, result.err()?)))
                .collect();
            let is_refused = failed.iter().any(|(_, error)| error.is_rate_limit());
            if !is_refused || Instant::now() + PAUSE >= until {
                return failed;
            }
            tokio::time::sleep(PAUSE).await;
            waiting = failed.into_iter().map(|(it, _)| it).collect();
        }
    }

    /// What asks for events to be brought again. Those that have failed by themselves for too long are left to
    /// the sweep; where Stripe answers nobody, none has.
    async fn again(&self, context: &Context, failed: Failed, answers_nobody: bool) -> Vec<Value> {
        let mut again = Vec::new();
        for (received, error) in failed {
            let age = self.clock.now().unix() - received.item.received_at.unix();
            let is_its_own = !answers_nobody && !error.is_of_no_object();
            let is_left = is_its_own
                && age > PATIENCE_SECONDS
                && context.events().leave_to_sweep(&received.item).await;
            if !is_left {
                again.push(received.again());
            }
        }
        again
    }
}

impl EventHandler for App {
    /// Applies a batch of stream records. The answer names those that are to be brought again;
    /// what can never be applied is noted in the inbox and not brought again.
    async fn handle(&self, event: Value) -> Result<Value, String> {
        let batch: Batch = match serde_json::from_value(event) {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(%error, "the event is not one of a DynamoDB stream");
                return Ok(json!({ "batchItemFailures": [] }));
            }
        };
        let customers = by_customer(batch);
        let mut failures = Vec::new();
        if customers.is_empty() {
            return Ok(json!({ "batchItemFailures": failures }));
        }
        let context = match self.clients.begin_slice(BATCH).await {
            Ok(context) => context,
            Err(error) => {
                let error = error.chain();
                tracing::error!(
                    error,
                    "a batch of events cannot be begun, and is brought again"
                );
                let all = customers.into_iter().flatten().map(Received::again);
                return Ok(json!({ "batchItemFailures": all.collect::<Vec<_>>() }));
            }
        };
        let (context, until) = (&context, Instant::now() + BATCH);
        let several = customers.len() > 1;
        let mut applied = stream::iter(customers)
            .map(|customer| self.apply(context, customer, until))
            .buffer_unordered(SIDE_BY_SIDE);
        let mut failed = Vec::new();
        let mut answers_nobody = several;
        while let Some(of_customer) = applied.next().await {
            answers_nobody &= !of_customer.is_empty();
            failed.extend(of_customer);
        }
        failures.extend(self.again(context, failed, answers_nobody).await);
        Ok(json!({ "batchItemFailures": failures }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copies_share_the_calls() {
        for (copies, calls) in [
            (0, 12),
            (1, 48),
            (2, 24),
            (4, 12),
            (5, 9),
            (48, 1),
            (1000, 1),
        ] {
            assert_eq!(share(NonZeroU32::new(copies)).get(), calls, "{copies}");
        }
    }
}
