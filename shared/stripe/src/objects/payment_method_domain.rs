//! <https://docs.stripe.com/api/payment_method_domains/object>

use serde::Deserialize;
use serde_json::{Map, Value};

/// A domain on which wallets may be shown. Each wallet is a field of it, so it is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PaymentMethodDomain(Map<String, Value>);

impl PaymentMethodDomain {
    /// Whether wallets are shown there at all.
    pub fn is_enabled(&self) -> bool {
        self.0.get("enabled").and_then(Value::as_bool) == Some(true)
    }

    /// Whether a wallet is shown there, by the name of its field, such as `apple_pay`.
    pub fn is_active(&self, field: &str) -> bool {
        let status = self.0.get(field).and_then(|wallet| wallet.get("status"));
        status.and_then(Value::as_str) == Some("active")
    }

    /// Why a wallet is not shown there, in Stripe's words.
    pub fn error_message(&self, field: &str) -> Option<&str> {
        let message = self.0.get(field)?.pointer("/status_details/error_message");
        message?.as_str()
    }
}
