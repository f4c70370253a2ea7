//! <https://docs.stripe.com/api/accounts/object>

use std::collections::BTreeMap;

use serde::Deserialize;

use super::lenient;

/// The shop's own account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// `acct_...`
    pub id: String,
    /// Where the business is, by ISO 3166-1, such as `US`.
    #[serde(default)]
    pub country: Option<String>,
    /// What it may do, such as `card_payments`, each `active`, `inactive` or `pending`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub capabilities: BTreeMap<String, String>,
}
