//! What one request works with.

use std::{sync::Arc, time::Duration};

use perennial_store::{Catalog, Table, UserItems};
use perennial_stripe::Stripe;
use perennial_types::{Clock, Plans, RenewalReminder, Timestamp, Trials, UserId};
use tokio::time::Instant;

use crate::FlowError;

/// The clients, the plans and the time of one request.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) stripe: Stripe,
    pub(crate) table: Table,
    pub(crate) plans: Arc<Plans>,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    pub(crate) livemode: bool,
    pub(crate) trials: Trials,
    pub(crate) renewal_reminder: RenewalReminder,
    /// Whether somebody is answered, who may ask at once for what they were told.
    pub(crate) answers: bool,
    /// The time that one request has.
    pub(crate) budget: Duration,
    /// When Stripe is asked no more, and no other request is waited for.
    pub(crate) deadline: Instant,
}

/// How long a request waits for another one that is doing the same thing, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(6);
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// How far back a user's checkouts are read: as far as they count in the limit of an hour. Older ones
/// are read by their key if something names them.
const LATELY_SECONDS: i64 = 3600;

/// Stripe remembers an idempotency key for at least 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>); an hour of that is left for clocks.
pub(crate) const KEY_SECONDS: i64 = 23 * 3600;

impl Context {
    /// The plans, as they were when the request began.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The same for one object of a sweep or a batch, with the time of a request.
    pub(crate) fn for_one_object(&self) -> Self {
        let deadline = self.deadline.min(Instant::now() + self.budget);
        Self {
            stripe: self.stripe.with_deadline(deadline),
            deadline,
            ..self.clone()
        }
    }

    /// How long this request waits for another one, which is never longer than it has.
    pub(crate) fn patience(&self) -> WaitBudget {
        WaitBudget(self.deadline.min(Instant::now() + PATIENCE))
    }

    pub(crate) fn lately(&self) -> Timestamp {
        self.clock.now().plus_seconds(-LATELY_SECONDS)
    }

    pub(crate) async fn load_user(&self, user: &UserId) -> Result<UserItems, FlowError> {
        Ok(self.table.load_user(user, self.lately()).await?)
    }

    pub(crate) fn key_is_forgotten(&self, frozen_at: Timestamp) -> bool {
        self.clock.now() > frozen_at.plus_seconds(KEY_SECONDS)
    }
}

/// Until when one request waits for another.
pub(crate) struct WaitBudget(Instant);

impl WaitBudget {
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }

    /// Waits a little; false when it has waited long enough.
    pub(crate) async fn wait(&self) -> bool {
        if self.is_over() {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        true
    }
}
