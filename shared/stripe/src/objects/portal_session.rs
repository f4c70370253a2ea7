//! <https://docs.stripe.com/api/customer_portal/sessions/object>

use serde::Deserialize;

/// A customer's visit to the portal in which they look after their subscriptions.
#[derive(Clone, Deserialize)]
pub struct PortalSession {
    /// `bps_...`
    pub id: String,
    /// Where it is. Whoever has this address is let in, so never log it, never store it.
    pub url: String,
}

impl std::fmt::Debug for PortalSession {
    /// The address stays out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PortalSession")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
