//! What every connection and background task shares.

use super::faults::Fault;
use super::request_log::RequestLog;
use crate::error::{ApiError, ErrorType, Result};
use crate::state::World;
use crate::state::world::Origin;
use std::collections::HashSet;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The state and the means to wake those who act on it.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    /// The one secret key that is taken; without it, any is.
    pub(crate) secret_key: Option<String>,
    /// Wakes the webhook worker.
    pub(crate) deliveries: Notify,
    /// Wakes the passing of time.
    pub(crate) ticks: Notify,
    /// What was asked of the API.
    pub(crate) requests: Mutex<RequestLog>,
    /// What goes wrong on purpose.
    pub(crate) faults: Mutex<Vec<Fault>>,
    /// The idempotency keys whose requests are not answered yet.
    pub(crate) in_flight: Mutex<HashSet<String>>,
    /// Sends webhooks, in a sandbox that does.
    pub(crate) http: Option<reqwest::Client>,
    /// How many seconds the sandbox's own time runs ahead of the machine's.
    pub(crate) ahead: Arc<AtomicI64>,
}

impl Shared {
    /// Everything at its beginning around a world.
    pub(crate) fn new(
        world: World,
        http: Option<reqwest::Client>,
        secret_key: Option<String>,
    ) -> Self {
        let ahead = world.setting("ahead");
        Self {
            ahead: Arc::new(AtomicI64::new(ahead)),
            world: Mutex::new(world),
            secret_key,
            deliveries: Notify::new(),
            ticks: Notify::new(),
            requests: Mutex::default(),
            faults: Mutex::default(),
            in_flight: Mutex::default(),
            http,
        }
    }

    /// The world, for this one step. It must not be held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Runs one transaction, and lets the webhook worker look at what it left to send.
    pub(crate) fn change<T>(
        &self,
        origin: Origin,
        step: impl FnOnce(&mut World) -> Result<T>,
    ) -> Result<T> {
        let result = self.transact(origin, step);
        self.deliveries.notify_one();
        result
    }

    /// Runs one transaction: kept when it succeeds or its error says so, undone otherwise.
    fn transact<T>(&self, origin: Origin, step: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        let mut world = self.world();
        world.origin = origin;
        let result = step(&mut world);
        world.origin = Origin::default();
        let kept = result
            .as_ref()
            .map_or_else(|error| error.keeps_changes, |_| true);
        if kept {
            world.store.commit().map_err(|error| {
                tracing::error!(%error, "the data file cannot be written");
                ApiError::invalid("The sandbox cannot write its data file.")
                    .with_status(500)
                    .with_kind(ErrorType::Api)
            })?;
        } else {
            world.store.undo();
        }
        result
    }

    /// Records something of the sandbox's own that cannot be refused and gives nobody anything to do.
    pub(crate) fn note(&self, step: impl FnOnce(&mut World)) {
        // Only the data file can fail here, which `change` has logged.
        let _ = self.transact(Origin::default(), |world| {
            step(world);
            Ok(())
        });
    }
}

/// A panic while the lock was held leaves nothing half done that the next transaction would not undo.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
