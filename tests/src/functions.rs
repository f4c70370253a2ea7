//! The functions in this process, with an environment that is known only after the server has
//! started.

use std::sync::atomic::{AtomicBool, Ordering};

use perennial_config::Env;
use perennial_functions::{FUNCTIONS, Started};
use perennial_local::{Invocation, InvokeError, Invoker};
use perennial_types::Clock;
use serde_json::Value;
use tokio::sync::SetOnce;

use crate::proxy::Proxy;

/// Calls the functions in this process. Calls that come before it is set up wait.
#[derive(Default)]
pub(crate) struct InProcess {
    started: SetOnce<Started>,
    /// Calls of the worker fail, as if it could not be started.
    worker_is_away: AtomicBool,
}

impl InProcess {
    pub(crate) fn stop_worker(&self) {
        self.worker_is_away.store(true, Ordering::Relaxed);
    }

    pub(crate) fn worker_is_stopped(&self) -> bool {
        self.worker_is_away.load(Ordering::Relaxed)
    }

    pub(crate) async fn set_up(&self, doors: &Doors<'_>, clock: Clock) {
        // A test sweeps when it wants to, and no schedule does.
        let functions = FUNCTIONS.into_iter().filter(|it| it.name != "reconcile");
        let env = |function: &str| Env::from_pairs(doors.of(function));
        // Entitlements are judged by it, and all else goes by the clock of the machine: a test that lets months pass
        // goes on with the previews and the checkouts that it has.
        let clock = |function: &str| match function {
            "subscriptions" => clock.clone(),
            _ => Clock::system(),
        };
        let started = Started::start(functions, env, clock).await;
        let started = started.expect("the functions start");
        assert!(
            self.started.set(started).is_ok(),
            "the functions are set up once"
        );
    }
}

impl Invoker for InProcess {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            if function == "worker" && self.worker_is_stopped() {
                return Err(InvokeError::Failed {
                    function: function.to_owned(),
                    reason: "the test has stopped it".to_owned(),
                });
            }
            self.started.wait().await.invoke(function, event).await
        })
    }
}

/// The environment of each function, which differs in the address at which it finds the table.
pub(crate) struct Doors<'a> {
    pub(crate) env: Vec<(String, String)>,
    pub(crate) to_dynamodb: &'a Proxy,
}

impl Doors<'_> {
    pub(crate) fn of(&self, function: &str) -> Vec<(String, String)> {
        let mut env = self.env.clone();
        for (name, value) in &mut env {
            if name == "AWS_ENDPOINT_URL_DYNAMODB" {
                *value = self.to_dynamodb.door(function);
            }
        }
        env
    }
}
