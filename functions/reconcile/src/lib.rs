//! On a schedule: finishes what nobody has finished, and finds what nobody was told. At a deployment:
//! publishes the plans.
//!
//! The event of a schedule names the sweep: `{"sweep":"open"}` every few minutes, `{"sweep":"events"}`
//! and `{"sweep":"plans"}` every hour, `{"sweep":"subscriptions"}` every night. The answer counts what
//! was done. The event of a deployment is that of a custom resource of CloudFormation.

mod deployment;

use std::{path::PathBuf, time::Duration};

use perennial_config::{Env, EventHandler, Start, StartError, Trust, trust};
use perennial_flows::{Clients, FlowError, SweepBudget};
use perennial_types::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    trust: Trust,
    plans_file: PathBuf,
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
    /// Stripe's list of events, and that of the `SetupIntents` of a day ago.
    Events,
    /// The price of each plan.
    Plans,
    /// Stripe's list of subscriptions.
    Subscriptions,
}

/// Well within the function's 120 seconds, with time for the object that is being dealt with.
const SLICE: Duration = Duration::from_secs(90);
/// When that object, too, has to be done.
const AFTER_THE_SLICE: Duration = Duration::from_secs(10);

/// Where Lambda puts what the template's layer holds.
const PLANS_FILE: &str = "/opt/plans.json";

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, trust) = Clients::start(env, clock, trust(env)).await?;
        Ok(Self {
            clients,
            trust,
            plans_file: env.get("PLANS_FILE").unwrap_or(PLANS_FILE).into(),
        })
    }
}

impl EventHandler for App {
    /// Runs a slice of the sweep that the event names, or answers a deployment. The error is a sentence
    /// that says why the event did not come to its end, so that the invocation counts as failed.
    async fn handle(&self, event: Value) -> Result<Value, String> {
        if event.get("RequestType").is_some() {
            return self.deploy(event).await;
        }
        let ask: Ask = serde_json::from_value(event)
            .map_err(|error| format!("the event names no sweep: {error}"))?;
        // Boxed, because it holds all three sweeps.
        Box::pin(self.sweep(&ask.sweep, SweepBudget::of(SLICE)))
            .await
            .map_err(|error| error.chain())
    }
}

impl App {
    async fn sweep_plans(&self, slice: SweepBudget) -> Result<Value, FlowError> {
        let refreshed = self.clients.resolver().refresh(slice).await?;
        if refreshed.version > 0 {
            return Ok(json!(refreshed));
        }
        // The table is a new one, or has lost its catalog; the deployment's file is still here.
        match self.publish().await {
            Ok(published) => Ok(json!({ "version": published.version, "complete": true })),
            Err(reason) => {
                tracing::error!(reason, "the plans were not published");
                Ok(json!(refreshed))
            }
        }
    }

    async fn sweep(&self, sweep: &Sweep, slice: SweepBudget) -> Result<Value, FlowError> {
        let begin = || self.clients.begin_slice(SLICE + AFTER_THE_SLICE);
        let done = match sweep {
            Sweep::Open => {
                let context = begin().await?;
                json!({
                    "checkouts": context.sweeps().checkouts(slice).await?,
                    "inbox": context.sweeps().inbox(slice).await?,
                })
            }
            Sweep::Events => {
                let context = begin().await?;
                json!({
                    "events": context.sweeps().missed_events(slice).await?,
                    "setups": context.sweeps().lost_setups(slice).await?,
                })
            }
            Sweep::Plans => json!({ "plans": self.sweep_plans(slice).await? }),
            Sweep::Subscriptions => {
                let context = begin().await?;
                json!({ "subscriptions": context.sweeps().subscriptions(slice).await? })
            }
        };
        tracing::info!(%done, "swept");
        Ok(done)
    }
}
