//! The right to carry out a step at Stripe.

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The owner of the lease.
    pub owner: String,
    /// When others may take over.
    pub lease: Timestamp,
    /// When the request was frozen. Stripe remembers its key for 24 hours.
    pub frozen_at: Timestamp,
    /// The request; none while it cannot be kept, because it holds a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<FrozenRequest>,
}

impl Claim {
    /// Whose it is, and how long.
    pub fn lease(&self) -> Lease {
        Lease {
            owner: self.owner.clone(),
            until: self.lease,
        }
    }

    /// The claim of a new owner, with what was frozen before.
    #[must_use]
    pub fn taken_over(self, lease: Lease) -> Self {
        Self {
            owner: lease.owner,
            lease: lease.until,
            ..self
        }
    }
}
