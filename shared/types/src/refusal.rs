//! Why a plan is not offered.

use serde::{Deserialize, Serialize};

/// Why a plan is not offered. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The shop keeps it for its subscribers.
    NotSold,
    /// It is no longer in `plans.json`.
    Removed,
    /// Stripe has no such price.
    PriceMissing,
    /// The price is of the other mode.
    OtherMode,
    /// The price is archived.
    PriceArchived,
    /// The price's product is archived or deleted.
    ProductArchived,
    /// The price is paid once.
    PriceNotRecurring,
    /// The price is charged by use.
    PriceMetered,
    /// The price has tiers, or is counted in packages.
    PriceNotPerUnit,
    /// The price has no whole amount above 0 in minor units.
    PriceWithoutAmount,
    /// `plans.json` says another currency.
    CurrencyDiffers,
    /// `plans.json` says another amount.
    AmountDiffers,
    /// `plans.json` says another interval.
    IntervalDiffers,
    /// The price of an add-on is also that of a plan, or of another add-on of its plan.
    PriceTaken,
}

/// Why a plan is not offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For code.
    pub code: RefusalCode,
    /// For the person who edits `plans.json`.
    pub sentence: String,
}

impl RefusalCode {
    /// The code, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSold => "not_sold",
            Self::Removed => "removed",
            Self::PriceMissing => "price_missing",
            Self::OtherMode => "other_mode",
            Self::PriceArchived => "price_archived",
            Self::ProductArchived => "product_archived",
            Self::PriceNotRecurring => "price_not_recurring",
            Self::PriceMetered => "price_metered",
            Self::PriceNotPerUnit => "price_not_per_unit",
            Self::PriceWithoutAmount => "price_without_amount",
            Self::CurrencyDiffers => "currency_differs",
            Self::AmountDiffers => "amount_differs",
            Self::IntervalDiffers => "interval_differs",
            Self::PriceTaken => "price_taken",
        }
    }

    /// Whether the shop did not mean it, so that somebody has to be told.
    pub fn is_a_fault(self) -> bool {
        !matches!(self, Self::NotSold | Self::Removed)
    }
}
