//! <https://docs.stripe.com/api/customers/object>

use perennial_types::CustomerId;
use serde::Deserialize;

use super::{Identified, Metadata, lenient};

/// A customer. One that was deleted is answered with 200 and `deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// `cus_...`
    pub id: CustomerId,
    /// Whether only the id is left.
    #[serde(default)]
    pub deleted: bool,
    /// When it was created, in Unix seconds; 0 if deleted.
    #[serde(default)]
    pub created: i64,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
    /// What is left of payments and credits, in the smallest unit of `currency`: less than 0 if the customer has it.
    #[serde(default)]
    pub balance: i64,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
}

impl Identified for Customer {
    type Id = CustomerId;

    fn id(&self) -> &CustomerId {
        &self.id
    }
}
