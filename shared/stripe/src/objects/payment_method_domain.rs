//! <https://docs.stripe.com/api/payment_method_domains/object>

use serde::Deserialize;

/// A domain on which wallets may be shown.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentMethodDomain {
    /// `pmd_...`
    pub id: String,
    /// The host's name, such as `shop.example`.
    pub domain_name: String,
    /// Whether wallets are shown there at all.
    #[serde(default)]
    pub enabled: bool,
    /// How Apple Pay stands there.
    #[serde(default)]
    pub apple_pay: WalletOnDomain,
}

/// How a wallet stands on a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct WalletOnDomain {
    /// `active` or `inactive`.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    status_details: Option<StatusDetails>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct StatusDetails {
    #[serde(default)]
    error_message: Option<String>,
}

impl WalletOnDomain {
    /// Whether the wallet is shown there.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// Why it is not, in Stripe's words.
    pub fn error_message(&self) -> Option<&str> {
        self.status_details.as_ref()?.error_message.as_deref()
    }
}
