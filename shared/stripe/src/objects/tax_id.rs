//! <https://docs.stripe.com/api/tax_ids/object>

use perennial_types::TaxId;
use serde::Deserialize;

use super::lenient;

/// A tax id that a customer has. Its number is compared, and not shown.
#[derive(Clone, Deserialize)]
pub struct HeldTaxId {
    /// `txi_...`
    pub id: String,
    /// Its type, such as `eu_vat`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    value: String,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    verification: Verification,
}

#[derive(Clone, Default, Deserialize)]
struct Verification {
    #[serde(default)]
    status: Option<String>,
}

impl HeldTaxId {
    /// Whether it is this one.
    pub fn is(&self, id: &TaxId) -> bool {
        id.is(&self.kind, &self.value)
    }

    /// What the register of its country says: `pending`, `verified`, `unverified`, or `unavailable` where Stripe asks
    /// none.
    pub fn verification(&self) -> &str {
        self.verification.status.as_deref().unwrap_or("unavailable")
    }
}

impl std::fmt::Debug for HeldTaxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldTaxId")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
