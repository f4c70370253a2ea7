//! <https://docs.stripe.com/api/charges/object>

use perennial_types::{PaymentIntentId, PaymentMethodId, open_enum};
use serde::Deserialize;

use super::{Identified, lenient};

open_enum! {
    /// What came of a try to move money.
    ChargeStatus {
        /// The bank agreed.
        Succeeded => "succeeded",
        /// The bank is thinking.
        Pending => "pending",
        /// The bank refused.
        Failed => "failed",
    }
}

/// One try to move money; a payment may need several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// `ch_...`
    pub id: String,
    /// What came of it.
    pub status: ChargeStatus,
    /// What was asked for, in the currency's smallest unit.
    #[serde(default)]
    pub amount: u64,
    /// What was taken of it, in the currency's smallest unit.
    #[serde(default)]
    pub amount_captured: u64,
    /// What was given back or let go, in the currency's smallest unit.
    #[serde(default)]
    pub amount_refunded: u64,
    /// Whether the shopper's bank or wallet has claimed it back, whatever came of that.
    #[serde(default)]
    pub disputed: bool,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: String,
    /// When it was tried, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// Which payment it belongs to.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_intent: Option<PaymentIntentId>,
    /// What was charged.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<PaymentMethodId>,
    /// Such as `card_declined`.
    #[serde(default)]
    pub failure_code: Option<String>,
    /// What the network said.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    payment_method_details: Option<Details>,
}

/// What the network said to a charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// The bank's reason for a refusal, such as `insufficient_funds`.
    #[serde(default)]
    pub reason: Option<String>,
    /// What the bank advises: `try_again_later`, `do_not_try_again` or `confirm_card_data`.
    #[serde(default)]
    pub advice_code: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Details {
    #[serde(default)]
    card: Option<CardDetails>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct CardDetails {
    #[serde(default)]
    incremental_authorization: Option<Feature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Feature {
    #[serde(default)]
    status: String,
}

impl Charge {
    /// What went back of what was taken. What was held and never taken counts as refunded for
    /// Stripe, and not here.
    pub fn given_back(&self) -> u64 {
        let let_go = self.amount.saturating_sub(self.amount_captured);
        self.amount_refunded.saturating_sub(let_go)
    }

    /// Whether the network lets the amount be raised before it is captured.
    pub fn can_be_incremented(&self) -> bool {
        let card = self.payment_method_details.as_ref();
        card.and_then(|details| details.card.as_ref()?.incremental_authorization.as_ref())
            .is_some_and(|feature| feature.status == "available")
    }
}

impl Identified for Charge {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
