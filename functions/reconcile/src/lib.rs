//! On a schedule: finishes what nobody has finished, and finds what nobody was told.
//!
//! The event names the sweep: `{"sweep":"open"}` every few minutes, `{"sweep":"events"}` every
//! hour, `{"sweep":"subscriptions"}` every night. The answer counts what was done.

use std::time::Duration;

use perennial_config::{Env, Problems, StartError};
use perennial_flows::{Flows, reconcile::Slice};
use perennial_types::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    flows: Flows,
}

#[derive(Deserialize)]
struct Ask {
    sweep: Sweep,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sweep {
    /// Checkouts and events that have waited for too long.
    Open,
    /// Stripe's list of events.
    Events,
    /// Stripe's list of subscriptions.
    Subscriptions,
}

/// Well within the function's 120 seconds, with time for the object that is being dealt with.
const SLICE: Duration = Duration::from_secs(90);

impl App {
    /// Reads the environment and builds the clients.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
        Ok(Self {
            flows: Flows::start(env, Problems::default(), clock).await?,
        })
    }

    /// Runs a slice of the sweep that the event names. The error is a sentence that says why the
    /// slice did not come to its end, so that the invocation counts as failed.
    pub async fn handle(&self, event: Value) -> Result<Value, String> {
        let ask: Ask = serde_json::from_value(event)
            .map_err(|error| format!("the event names no sweep: {error}"))?;
        self.sweep(&ask.sweep, Slice::of(SLICE))
            .await
            .map_err(|error| error.chain())
    }

    async fn sweep(
        &self,
        sweep: &Sweep,
        slice: Slice,
    ) -> Result<Value, perennial_flows::FlowError> {
        let done = match sweep {
            Sweep::Open => json!({
                "checkouts": self.flows.sweep_checkouts(slice).await?,
                "inbox": self.flows.sweep_inbox(slice).await?,
            }),
            Sweep::Events => json!({ "events": self.flows.sweep_events(slice).await? }),
            Sweep::Subscriptions => {
                json!({ "subscriptions": self.flows.compare_subscriptions(slice).await? })
            }
        };
        tracing::info!(%done, "swept");
        Ok(done)
    }
}
