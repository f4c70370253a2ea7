//! The right to carry out a step at Stripe.

use crate::{FrozenRequest, Timestamp};

/// How long one caller is taken to be alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// An id that no other caller uses.
    pub owner: String,
    /// When others may take over.
    pub until: Timestamp,
}

/// The right to carry out a step at Stripe, with what is sent for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who holds it, and how long.
    pub lease: Lease,
    /// When the request was frozen. Stripe remembers its key for 24 hours.
    pub frozen_at: Timestamp,
    /// What is sent.
    pub request: FrozenRequest,
}

impl Claim {
    /// The claim of a new owner, with what was frozen before.
    #[must_use]
    pub fn taken_over(self, lease: Lease) -> Self {
        Self { lease, ..self }
    }
}
