//! The end of a subscription for which money goes back, as it was shown and agreed to.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Currency, SubscriptionId, Timestamp, UserId};

/// What the shop gives back of a paid period that a shopper ends at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelRefund {
    /// Nothing: what is paid for is kept to its end.
    #[default]
    None,
    /// The part of the time that is not used.
    Prorated,
}

impl FromStr for CancelRefund {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "prorated" => Ok(Self::Prorated),
            _ => Err("it must be none or prorated"),
        }
    }
}

/// What goes back of one invoice. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// Which invoice, `in_...`.
    pub invoice: String,
    /// What goes back to the payment method that paid it.
    pub refund: u64,
    /// What the customer keeps for invoices to come: what no payment at Stripe has paid.
    pub credit: u64,
}

/// What goes back in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenBack {
    /// To the payment method.
    pub refund: u64,
    /// To the customer's balance at Stripe.
    pub credit: u64,
    /// The currency of both.
    pub currency: Currency,
}

/// What the amounts of an end follow from. Anything else that changes does not change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndBasis {
    /// Stripe's status.
    pub status: String,
    /// The newest invoice.
    pub invoice: Option<String>,
    /// The end of the period, in Unix seconds.
    pub period_end: Option<i64>,
    /// What is charged for, as prices with their quantities.
    pub charged: Vec<String>,
}

/// An end at once as it was shown: what a signed preview says, and what is owed once it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedEnd {
    /// A number of its own.
    pub id: String,
    /// Whose subscription.
    pub user: UserId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What goes back, by invoice; empty if nothing does.
    pub parts: Vec<RefundPart>,
    /// How the subscription stood.
    pub basis: EndBasis,
    /// Until when it may be carried out, that moment included.
    pub until: Timestamp,
}

impl AgreedEnd {
    /// What goes back in all.
    pub fn given_back(&self) -> GivenBack {
        let sum = |of: fn(&RefundPart) -> u64| {
            let amounts = self.parts.iter().map(of);
            amounts.fold(0, u64::saturating_add)
        };
        GivenBack {
            refund: sum(|part| part.refund),
            credit: sum(|part| part.credit),
            currency: self.currency,
        }
    }
}
