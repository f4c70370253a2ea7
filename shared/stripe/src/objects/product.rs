//! <https://docs.stripe.com/api/products/object> and <https://docs.stripe.com/api/prices/object>

use perennial_types::PriceId;
use serde::Deserialize;

use super::{Expandable, Identified, Metadata, lenient};

/// Something that is for sale.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Product {
    /// `prod_...`, or an id of one's own.
    pub id: String,
    /// Whether it can be sold.
    #[serde(default)]
    pub active: bool,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
}

/// What a product costs, and how often.
#[derive(Debug, Clone, Deserialize)]
pub struct Price {
    /// `price_...`
    pub id: PriceId,
    /// Whether it can be used.
    #[serde(default)]
    pub active: bool,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: String,
    /// The amount in the currency's smallest unit; absent for tiers and fractions.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// How often it is due; absent for one that is paid once.
    #[serde(default)]
    pub recurring: Option<Recurring>,
    /// Its product, which may be expanded; a product that was deleted has its id alone.
    #[serde(default)]
    pub product: Option<Expandable<Product>>,
    /// `per_unit`, or `tiered`.
    #[serde(default)]
    pub billing_scheme: Option<String>,
    /// Set for a price that is counted in packages.
    #[serde(default)]
    pub transform_quantity: Option<serde_json::Value>,
    /// Our name for it.
    #[serde(default)]
    pub lookup_key: Option<String>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
}

/// How often a price is due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recurring {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    /// Every so many of them.
    #[serde(default = "one")]
    pub interval_count: u64,
    /// `licensed`, or `metered` for one that is charged by use.
    #[serde(default)]
    pub usage_type: Option<String>,
}

impl Identified for Product {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}

fn one() -> u64 {
    1
}
