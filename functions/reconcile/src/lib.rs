//! On a schedule: finishes what nobody has finished, and finds what nobody was told. At a deployment:
//! publishes the plans.
//!
//! The event of a schedule names the sweep: `{"sweep":"open"}` every few minutes, `{"sweep":"events"}`
//! and `{"sweep":"plans"}` every hour, `{"sweep":"subscriptions"}` every night, and then with
//! `"begun":true` until it is complete. The answer counts what was done. The event of a deployment is that of a custom resource of CloudFormation.

mod deployment;
mod portal;

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use perennial_config::{Env, EventHandler, Start, StartError, Trust, trust};
use perennial_flows::{Clients, Context, FlowError, SweepBudget, sweeps::Begin};
use perennial_stripe::Pace;
use perennial_types::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    trust: Trust,
    plans_file: PathBuf,
    slice: Duration,
    pace: Duration,
}

#[derive(Deserialize)]
struct Ask {
    sweep: Sweep,
    /// Goes on with a list that is begun, and begins none.
    #[serde(default)]
    begun: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sweep {
    /// Checkouts, actions and events that have waited for too long, pauses that are over, and charges of which the
    /// shop is told ahead.
    Open,
    /// Stripe's list of events, and that of the `SetupIntents` of a day ago.
    Events,
    /// The price of each plan.
    Plans,
    /// Stripe's list of subscriptions.
    Subscriptions,
}

/// However many parts of a list are read side by side, Stripe is called at most so often in a second. With
/// the worker's calls that leaves shoppers a third of the 100 that Stripe takes of an account.
const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");

/// Of these, all that one event begins end before the next one comes.
const SLICE: Duration = Duration::from_secs(90);
/// Of pauses that end there is little within five minutes.
const SHORT_SLICE: Duration = Duration::from_secs(30);
/// Of what goes through a whole list. It is within the function's 900 seconds, together with one of the
/// others and with time for the objects that are being dealt with, and ends before it comes again.
const LONG_SLICE: Duration = Duration::from_mins(13);
/// When these objects, too, have to be done.
const AFTER_THE_SLICE: Duration = Duration::from_secs(10);

/// Where Lambda puts what the template's layer holds.
const PLANS_FILE: &str = "/opt/plans.json";

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (clients, trust) = Clients::start(env, clock, trust(env)).await?;
        Ok(Self {
            clients: clients.paced(Pace::per_second(CALLS_PER_SECOND)),
            trust,
            plans_file: env.get("PLANS_FILE").unwrap_or(PLANS_FILE).into(),
            slice: SLICE,
            pace: SweepBudget::PACE,
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
        // Boxed, because it holds all sweeps.
        Box::pin(self.sweep(&ask))
            .await
            .map_err(|error| error.chain())
    }
}

impl App {
    /// With other slices, but for what goes through a whole list, and at another pace: a test has to see
    /// the end of it.
    #[must_use]
    pub fn with_slices(self, slice: Duration, pace: Duration) -> Self {
        Self {
            slice,
            pace,
            ..self
        }
    }

    /// The plans, and the portal's configuration, which is in nobody's way when it fails.
    async fn sweep_plans(&self, slice: SweepBudget) -> Result<Value, FlowError> {
        let portal = self.keep_portal().await;
        let mut plans = self.refresh_plans(slice).await?;
        if let Some(members) = plans.as_object_mut() {
            members.insert("portal".to_owned(), json!(portal));
        }
        Ok(plans)
    }

    async fn refresh_plans(&self, slice: SweepBudget) -> Result<Value, FlowError> {
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

    /// A slice, and the time that it has.
    async fn begin(&self, length: Duration) -> Result<(Context, SweepBudget), FlowError> {
        let context = self.clients.begin_slice(length + AFTER_THE_SLICE).await?;
        let slice = SweepBudget {
            pace: self.pace,
            ..SweepBudget::of(length)
        };
        Ok((context, slice))
    }

    /// Each sweep has a slice of its own, and one that fails keeps no other from its own.
    async fn sweep(&self, ask: &Ask) -> Result<Value, FlowError> {
        let done = match ask.sweep {
            Sweep::Open => {
                let checkouts = async {
                    let (context, slice) = self.begin(self.slice).await?;
                    context.sweeps().checkouts(slice).await
                };
                let actions = async {
                    let (context, slice) = self.begin(self.slice).await?;
                    context.sweeps().actions(slice).await
                };
                let inbox = async {
                    let (context, slice) = self.begin(self.slice).await?;
                    context.sweeps().inbox(slice).await
                };
                let pauses = async {
                    let (context, slice) = self.begin(self.slice.min(SHORT_SLICE)).await?;
                    context.sweeps().pauses(slice).await
                };
                let reminders = async {
                    let (context, slice) = self.begin(self.slice).await?;
                    context.sweeps().reminders(slice).await
                };
                let pauses = pauses.await;
                // Side by side, so that all of them end in time.
                let (checkouts, reminders) = tokio::join!(checkouts, reminders);
                let (actions, inbox) = tokio::join!(actions, inbox);
                json!({ "pauses": pauses?, "checkouts": checkouts?, "actions": actions?, "inbox": inbox?, "reminders": reminders? })
            }
            Sweep::Events => {
                let events = async {
                    let (context, slice) = self.begin(LONG_SLICE).await?;
                    context.sweeps().missed_events(slice).await
                };
                let setups = async {
                    let (context, slice) = self.begin(self.slice).await?;
                    context.sweeps().lost_setups(slice).await
                };
                let (events, setups) = (events.await, setups.await);
                json!({ "events": events?, "setups": setups? })
            }
            Sweep::Plans => json!({ "plans": self.sweep_plans(SweepBudget::of(SLICE)).await? }),
            Sweep::Subscriptions => {
                let begin = if ask.begun {
                    Begin::Never
                } else {
                    Begin::Always
                };
                let (context, slice) = self.begin(LONG_SLICE).await?;
                json!({ "subscriptions": context.sweeps().subscriptions(slice, begin).await? })
            }
        };
        tracing::info!(%done, "swept");
        Ok(done)
    }
}
