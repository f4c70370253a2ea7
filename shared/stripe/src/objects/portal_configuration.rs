//! <https://docs.stripe.com/api/customer_portal/configurations/object>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What customers find in the portal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PortalConfiguration {
    /// `bpc_...`
    pub id: String,
    /// Whether sessions may be opened with it.
    pub active: bool,
    /// What is offered, as it came: each feature is a field.
    pub features: Value,
    /// What it is tagged with.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}
