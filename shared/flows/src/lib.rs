//! The journeys: what happens between a shopper's click and a subscription that is paid.
//!
//! Each step that creates something at Stripe is claimed in the table first, with the exact
//! request that will be sent; whoever repeats the step sends the same bytes. Any of several
//! callers may finish a checkout, and all of them get the same answer.

mod abandon;
mod apply_event;
mod apply_payment;
mod confirming;
mod customer;
mod error;
mod finish_checkout;
mod issue_checkout;
mod open_attempt;
mod outgoing;
pub mod payments;
mod read_model;
pub mod reconcile;
mod refresh_subscription;
mod start;
mod start_subscription;
mod subscribe;

use std::time::{Duration, Instant};

pub use error::FlowError;
pub use finish_checkout::Finish;
pub use issue_checkout::{IssueCheckout, Issued, OpenCheckout, ServerConsent, ToConfirm};

use perennial_store::Table;
use perennial_stripe::Stripe;
use perennial_types::{Clock, Plans, Timestamp};

/// Everything that the journeys need.
#[derive(Debug, Clone)]
pub struct Flows {
    stripe: Stripe,
    table: Table,
    plans: Plans,
    clock: Clock,
    livemode: bool,
}

/// Time for Stripe in one request, so that an answer leaves before Lambda's and API Gateway's
/// limits (20 and 30 seconds).
const STRIPE_BUDGET: Duration = Duration::from_secs(9);

/// Longer than the time that one request has for Stripe, so that a holder whose lease has run out
/// is no longer sending.
const LEASE_SECONDS: i64 = 12;

/// How long a request waits for another one that is doing the same thing, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// Stripe remembers an idempotency key for at least 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>); an hour of that is left for clocks.
const KEY_SECONDS: i64 = 23 * 3600;

impl Flows {
    /// Puts the journeys together.
    pub fn new(stripe: Stripe, table: Table, plans: Plans, clock: Clock, livemode: bool) -> Self {
        Self {
            stripe,
            table,
            plans,
            clock,
            livemode,
        }
    }

    /// The plans that are sold.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The same journeys, with a limit to the time that this request spends on Stripe.
    fn within_budget(&self) -> Self {
        let stripe = self.stripe.with_deadline(Instant::now() + STRIPE_BUDGET);
        Self {
            stripe,
            ..self.clone()
        }
    }

    fn lease(&self) -> Timestamp {
        self.clock.now().plus_seconds(LEASE_SECONDS)
    }

    fn key_is_forgotten(&self, frozen_at: Timestamp) -> bool {
        self.clock.now() > frozen_at.plus_seconds(KEY_SECONDS)
    }
}

/// A word that no other caller uses.
fn owner() -> String {
    ulid::Ulid::new().to_string()
}

/// How long one request has been waiting for another.
struct Patience(Instant);

impl Patience {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn is_over(&self) -> bool {
        self.0.elapsed() >= PATIENCE
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
