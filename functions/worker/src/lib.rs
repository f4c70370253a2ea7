//! Behind the table's stream: applies the events of the inbox, each customer's in order and
//! customers side by side.

mod batch;

use std::{num::NonZeroU32, time::Duration};

use futures_util::{StreamExt as _, stream};
use perennial_config::{Env, EventHandler, Start, StartError};
use perennial_flows::Clients;
use perennial_store::InboxItem;
use perennial_stripe::Pace;
use perennial_types::Clock;
use serde_json::{Value, json};

use batch::{Batch, Received, by_customer};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
}

/// The time that a batch has for Stripe, of the function's 60 seconds. What does not fit into it is
/// brought again.
const BATCH: Duration = Duration::from_secs(45);

/// So many customers are looked after at the same time. Each has a request's time from when it is begun.
const SIDE_BY_SIDE: usize = 10;

/// A copy of the worker calls Stripe at most so often in a second. A table has four shards until it has
/// grown, so that is less than half of the 100 calls that Stripe takes of an account
/// (<https://docs.stripe.com/rate-limits>).
const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(12).expect("12 is not 0");

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, ()) = Clients::start(env, clock, Ok(())).await?;
        Ok(Self {
            clients: clients.paced(Pace::per_second(CALLS_PER_SECOND)),
        })
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
        let context = &context;
        let mut applied = stream::iter(customers)
            .map(|customer| async move {
                let items: Vec<InboxItem> = customer.iter().map(|it| it.item.clone()).collect();
                let results = context.events().apply_all(&items).await;
                customer.into_iter().zip(results)
            })
            .buffer_unordered(SIDE_BY_SIDE);
        while let Some(customer) = applied.next().await {
            let failed = customer.filter(|(_, result)| result.is_err());
            failures.extend(failed.map(|(it, _)| it.again()));
        }
        Ok(json!({ "batchItemFailures": failures }))
    }
}
