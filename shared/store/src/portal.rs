//! Which configuration of Stripe's customer portal is this deployment's own.

use perennial_types::{Claim, FrozenRequest, Lease, Timestamp};
use serde::Deserialize;

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{Key, text},
};

/// The configuration, or the claim on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortalItem {
    /// It exists.
    Known {
        /// Stripe's id, `bpc_...`.
        configuration: String,
    },
    /// A request is creating it, or died doing so.
    Creating(Claim),
}

#[derive(Deserialize)]
struct Stored {
    configuration: Option<String>,
    owner: Option<String>,
    lease: Option<Timestamp>,
    request: Option<FrozenRequest>,
    frozen_at: Option<Timestamp>,
}

impl Stored {
    fn read(self) -> Option<PortalItem> {
        if let Some(configuration) = self.configuration {
            return Some(PortalItem::Known { configuration });
        }
        Some(PortalItem::Creating(Claim {
            lease: Lease {
                owner: self.owner?,
                until: self.lease?,
            },
            frozen_at: self.frozen_at?,
            request: self.request?,
        }))
    }
}

impl Table {
    /// The configuration, or the claim on it; nothing before anybody has claimed it.
    pub async fn portal_item(&self) -> Result<Option<PortalItem>, StoreError> {
        let item = self.get::<Stored>("portal_item", Key::portal()).await?;
        Ok(item.and_then(Stored::read))
    }

    /// Claims the right to create the configuration. False when another caller was first. An owner may
    /// replace its own claim.
    pub async fn claim_portal(&self, claim: &Claim) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::portal().attributes()))
            .update_expression(
                "SET #owner = :owner, lease = :lease, #request = :request, frozen_at = :frozen_at",
            )
            .condition_expression(
                "attribute_not_exists(configuration) AND (attribute_not_exists(#owner) OR #owner = :owner)",
            )
            .expression_attribute_names("#owner", "owner")
            // REQUEST is a reserved word.
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":owner", text(&claim.lease.owner))
            .expression_attribute_values(":lease", text(claim.lease.until.to_string()))
            .expression_attribute_values(":request", text(claim.request.to_text()))
            .expression_attribute_values(":frozen_at", text(claim.frozen_at.to_string()));
        applied("claim_portal", update).await
    }

    /// Writes the configuration down. False when another one is written down already.
    pub async fn record_portal(&self, configuration: &str) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::portal().attributes()))
            .update_expression(
                "SET configuration = :configuration REMOVE #owner, lease, #request, frozen_at",
            )
            .condition_expression(
                "attribute_not_exists(configuration) OR configuration = :configuration",
            )
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":configuration", text(configuration));
        applied("record_portal", update).await
    }

    /// Forgets a configuration that Stripe does not know. False when another one is written down by now.
    pub async fn forget_portal(&self, configuration: &str) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::portal().attributes()))
            .update_expression("REMOVE configuration")
            .condition_expression("configuration = :configuration")
            .expression_attribute_values(":configuration", text(configuration));
        applied("forget_portal", update).await
    }
}
