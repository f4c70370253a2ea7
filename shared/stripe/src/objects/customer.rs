//! <https://docs.stripe.com/api/customers/object>

use perennial_types::{BillingAddress, CustomerId};
use serde::Deserialize;
use serde_json::Value;

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
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    address: Option<Address>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    invoice_settings: Option<InvoiceSettings>,
    /// A card of Stripe's older interface, `card_...` or `src_...`.
    #[serde(default)]
    default_source: Option<Value>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
}

/// As much of an address as taxes are reckoned by. It is compared, and not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Address {
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    postal_code: Option<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(..)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Value>,
}

impl Customer {
    /// Whether Stripe has something to charge that is of no subscription's own
    /// (<https://docs.stripe.com/api/subscriptions/object#subscription_object-default_payment_method>).
    pub fn pays_by_default(&self) -> bool {
        let settings = self.invoice_settings.as_ref();
        let method = settings.and_then(|it| it.default_payment_method.as_ref());
        method.or(self.default_source.as_ref()).is_some()
    }

    /// Whether this is their address already.
    pub fn is_at(&self, address: &BillingAddress) -> bool {
        self.address.as_ref().is_some_and(|it| {
            let code = it.postal_code.as_deref().filter(|code| !code.is_empty());
            it.country.as_deref() == Some(address.country()) && code == address.postal_code()
        })
    }
}

impl Identified for Customer {
    type Id = CustomerId;

    fn id(&self) -> &CustomerId {
        &self.id
    }
}
