//! Behind the table's stream: applies the events of the inbox, each customer's in order.

mod batch;

use std::time::Duration;

use perennial_config::{Env, EventHandler, Start, StartError};
use perennial_flows::Clients;
use perennial_store::InboxItem;
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

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, ()) = Clients::start(env, clock, Ok(())).await?;
        Ok(Self { clients })
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
        for customer in customers {
            let items: Vec<InboxItem> = customer.iter().map(|it| it.item.clone()).collect();
            let results = context.events().apply_all(&items).await;
            let failed = customer
                .into_iter()
                .zip(results)
                .filter(|(_, result)| result.is_err());
            failures.extend(failed.map(|(it, _)| it.again()));
        }
        Ok(json!({ "batchItemFailures": failures }))
    }
}
