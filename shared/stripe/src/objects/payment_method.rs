//! <https://docs.stripe.com/api/payment_methods/object>

use std::fmt;

use perennial_types::{CustomerId, PaymentMethodId, Wallet};
use serde::Deserialize;

use super::{Customer, Expandable, Identified, lenient};

/// A way to pay.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentMethod {
    /// `pm_...`
    pub id: PaymentMethodId,
    /// `amazon_pay`, `card` and so on; Apple Pay is a card with a wallet.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose it is; nobody's once it is detached.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// Set if it is a card.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub card: Option<Card>,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
}

/// What a card tells about itself. What is personal of it is answered and kept nowhere.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Card {
    /// The wallet that it came from, if any.
    #[serde(default)]
    pub wallet: Option<CardWallet>,
    /// `visa`, `mastercard` and so on.
    #[serde(default)]
    pub brand: Option<String>,
    /// Its last four digits.
    #[serde(default)]
    pub last4: Option<String>,
}

impl fmt::Debug for Card {
    /// The digits stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card")
            .field("wallet", &self.wallet)
            .field("brand", &self.brand)
            .finish_non_exhaustive()
    }
}

/// The wallet that a card came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CardWallet {
    /// `apple_pay`, `google_pay` and so on.
    #[serde(rename = "type")]
    pub kind: String,
}

impl PaymentMethod {
    /// The customer's id, if it is attached to one.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.customer.as_ref().map(Expandable::id)
    }

    /// The wallet that it is of, if it is one of ours. Some have no type of their own: they are cards
    /// whose `wallet.type` names them.
    pub fn wallet(&self) -> Option<Wallet> {
        Wallet::of_method(&self.kind, self.card_wallet())
    }

    /// `apple_pay` for a card from that wallet, otherwise nothing.
    pub fn card_wallet(&self) -> Option<&str> {
        let wallet = self.card.as_ref()?.wallet.as_ref()?;
        Some(&wallet.kind)
    }
}

impl Identified for PaymentMethod {
    type Id = PaymentMethodId;

    fn id(&self) -> &PaymentMethodId {
        &self.id
    }
}
