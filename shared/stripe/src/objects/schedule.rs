//! <https://docs.stripe.com/api/subscription_schedules/object>

use perennial_types::PriceId;
use serde::Deserialize;

use super::{Identified, Metadata, lenient};

/// What becomes of a subscription later. Times are in Unix seconds.
#[derive(Debug, Clone, Deserialize)]
pub struct Schedule {
    /// `sub_sched_...`
    pub id: String,
    /// `active`, `not_started`, `completed`, `released` or `canceled`.
    #[serde(default)]
    pub status: String,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// One after the other.
    #[serde(default)]
    pub phases: Vec<Phase>,
}

/// A span of time with its prices.
#[derive(Debug, Clone, Deserialize)]
pub struct Phase {
    /// When it begins.
    pub start_date: i64,
    /// When the next one begins, or the schedule ends.
    pub end_date: i64,
    /// What is sold in it.
    #[serde(default)]
    pub items: Vec<PhaseItem>,
    /// The discounts of it, in the order in which they count.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub discounts: Vec<PhaseDiscount>,
    /// When its trial ends.
    #[serde(default)]
    pub trial_end: Option<i64>,
}

/// A discount of a phase.
#[derive(Debug, Clone, Deserialize)]
pub struct PhaseDiscount {
    /// `di_...`, of one that the subscription has.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub discount: Option<String>,
}

/// One thing that is sold in a phase.
#[derive(Debug, Clone, Deserialize)]
pub struct PhaseItem {
    /// Its price.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub price: Option<PriceId>,
    /// How many.
    #[serde(default)]
    pub quantity: Option<u64>,
}

impl Schedule {
    /// The phase that comes after this time, in Unix seconds.
    pub fn next_phase(&self, now: i64) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.start_date > now)
    }
}

impl Identified for Schedule {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
