//! The schedules of the template: the functions that are called without anybody asking.

mod when;

use std::sync::Arc;
use std::time::Duration;

use perennial_types::{Clock, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use when::When;

use crate::invoker::{self, InvokeError, Invoker};

/// A function that is called on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The crate of the function, such as `reconcile`.
    pub(crate) function: String,
    /// The event that it gets.
    pub(crate) input: Value,
    /// When it gets it.
    pub(crate) when: When,
    /// When Lambda ends the function.
    pub(crate) timeout: Duration,
}

/// Calls the functions of schedules, when they are due or when somebody asks.
#[derive(Clone)]
pub(crate) struct Scheduler {
    schedules: Vec<Schedule>,
    invoker: Arc<dyn Invoker>,
    clock: Clock,
}

/// A machine that slept is late by no more than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl Scheduler {
    pub(crate) fn new(schedules: Vec<Schedule>, invoker: Arc<dyn Invoker>, clock: Clock) -> Self {
        Self {
            schedules,
            invoker,
            clock,
        }
    }

    /// The events that schedules send.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Value> {
        self.schedules.iter().map(|schedule| &schedule.input)
    }

    /// Calls the function that a schedule sends this event to, now; nothing if none does.
    pub(crate) async fn run(&self, input: &Value) -> Option<Result<Value, InvokeError>> {
        let schedule = self.schedules.iter().find(|it| it.input == *input)?;
        Some(self.call(schedule).await)
    }

    /// Keeps all schedules until told to stop, and then finishes the calls that are under way.
    pub(crate) fn keep(self, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
        let mut all = JoinSet::new();
        for schedule in self.schedules.clone() {
            all.spawn(self.clone().keep_one(schedule, stop.clone()));
        }
        tokio::spawn(async move { while all.join_next().await.is_some() {} })
    }

    async fn keep_one(self, schedule: Schedule, mut stop: watch::Receiver<bool>) {
        let mut last = self.clock.now();
        // The next time counts from the last one and not from its end, unless that is over too.
        while let Some(due) = schedule.when.next(last) {
            tokio::select! {
                () = self.wait_until(due) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let input = &schedule.input;
            match self.call(&schedule).await {
                Ok(answer) => tracing::info!(%input, %answer, "a schedule ran"),
                Err(error) => tracing::warn!(%input, %error, "a schedule failed"),
            }
            let now = self.clock.now();
            last = match schedule.when.next(due) {
                Some(next) if next > now => due,
                _ => now,
            };
        }
    }

    async fn call(&self, schedule: &Schedule) -> Result<Value, InvokeError> {
        let (function, input) = (&schedule.function, schedule.input.clone());
        invoker::call(&self.invoker, function, input, schedule.timeout).await
    }

    /// In short sleeps, since the time that they are measured in stands still while a machine sleeps.
    async fn wait_until(&self, due: Timestamp) {
        loop {
            let left = due.unix().saturating_sub(self.clock.now().unix());
            let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else {
                return;
            };
            tokio::time::sleep(Duration::from_secs(left).min(LONGEST_SLEEP)).await;
        }
    }
}

#[cfg(test)]
mod tests;
