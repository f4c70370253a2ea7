//! The journeys: what happens between a shopper's click and a subscription that is paid.
//!
//! Each step that creates something at Stripe is claimed in the table first, with the exact
//! request that will be sent; whoever repeats the step sends the same bytes. Any of several
//! callers may finish a checkout, and all of them get the same answer.

mod abandon;
mod apply_event;
mod apply_payment;
mod catalog;
mod clients;
mod confirm_return;
mod confirming;
mod customer;
mod declines;
mod error;
mod finish_checkout;
mod issue_checkout;
mod one_of_group;
mod open_attempt;
mod outgoing;
pub mod payments;
mod read_model;
pub mod reconcile;
mod refresh_subscription;
mod right_to_subscribe;
mod start_subscription;
mod step;
mod subscribe;
mod wrong_method;

use std::{sync::Arc, time::Duration};

pub use catalog::{PublishError, Published, RefreshedPlans, Resolver};
pub use clients::{Clients, Connections};
pub use confirm_return::{Return, ReturnedIntent};
pub use error::FlowError;
pub use finish_checkout::Finish;
pub use issue_checkout::{IssueCheckout, Issued, OpenCheckout, ServerConsent, ToConfirm};

use perennial_store::{Catalog, Table, UserItems};
use perennial_stripe::Stripe;
use perennial_types::{Attempt, AttemptId, Clock, Plans, Timestamp, Trials, UserId, chance};
use tokio::time::Instant;

/// Everything that the journeys of one request need.
#[derive(Debug, Clone)]
pub struct Flows {
    stripe: Stripe,
    table: Table,
    plans: Arc<Plans>,
    catalog: Catalog,
    clock: Clock,
    livemode: bool,
    trials: Trials,
    /// The time that one request has.
    budget: Duration,
    /// When Stripe is asked no more, and nobody is waited for.
    deadline: Instant,
}

/// Longer than the time that one request has for Stripe, so that a holder whose lease has run out
/// is no longer sending.
const LEASE_SECONDS: i64 = 12;

/// How long a request waits for another one that is doing the same thing, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// How far back a user's checkouts are read: as far as they count in the limit of an hour. Older ones
/// are read by their key if something names them.
const LATELY_SECONDS: i64 = 3600;

/// Stripe remembers an idempotency key for at least 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>); an hour of that is left for clocks.
const KEY_SECONDS: i64 = 23 * 3600;

impl Flows {
    /// The plans, as they were when the request began.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The same journeys for one object of a slice, with the time of a request.
    fn for_one_object(&self) -> Self {
        let deadline = self.deadline.min(Instant::now() + self.budget);
        Self {
            stripe: self.stripe.with_deadline(deadline),
            deadline,
            ..self.clone()
        }
    }

    fn resolver(&self) -> Resolver {
        Resolver::new(self.stripe.clone(), self.table.clone(), self.livemode)
    }

    /// How long this request waits for another one, which is never longer than it has.
    fn patience(&self) -> Patience {
        Patience(self.deadline.min(Instant::now() + PATIENCE))
    }

    fn lately(&self) -> Timestamp {
        self.clock.now().plus_seconds(-LATELY_SECONDS)
    }

    async fn load_user(&self, user: &UserId) -> Result<UserItems, FlowError> {
        Ok(self.table.load_user(user, self.lately()).await?)
    }

    /// An attempt that one of the user's items names, which may have begun long before they were read.
    async fn named_attempt(
        &self,
        user: &UserId,
        items: &UserItems,
        id: &AttemptId,
    ) -> Result<Option<Attempt>, FlowError> {
        match items.attempt(id) {
            Some(attempt) => Ok(Some(attempt.clone())),
            None => Ok(self.table.attempt(user, id).await?),
        }
    }

    /// The plans that tell what a subscription is for. One that was bought here a moment ago may be of a
    /// plan that was published since this copy of the function has looked.
    async fn plans_for(&self, subscription: &perennial_stripe::Subscription) -> Arc<Plans> {
        let is_known = read_model::charged(subscription)
            .iter()
            .all(|price| self.plans.plans_of_price(price).next().is_some());
        if is_known {
            return Arc::clone(&self.plans);
        }
        let plans = self.catalog.look_again().await;
        plans.unwrap_or_else(|_| Arc::clone(&self.plans))
    }

    fn key_is_forgotten(&self, frozen_at: Timestamp) -> bool {
        self.clock.now() > frozen_at.plus_seconds(KEY_SECONDS)
    }
}

/// An id that no other caller uses.
fn owner() -> String {
    format!("{:016x}{:016x}", chance::draw(), chance::draw())
}

/// Until when one request waits for another.
struct Patience(Instant);

impl Patience {
    fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }

    /// Waits a little; false when it has waited long enough.
    async fn wait(&self) -> bool {
        if self.is_over() {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        true
    }
}
