//! <https://docs.stripe.com/api/discounts/object>

use perennial_types::PromotionCodeId;
use serde::Deserialize;

use super::{Coupon, Expandable, Identified, lenient};

/// A coupon that was redeemed for a subscription.
#[derive(Debug, Clone, Deserialize)]
pub struct Discount {
    /// `di_...`
    pub id: String,
    /// When its time is over, in Unix seconds; nothing of one that counts once or forever.
    #[serde(default)]
    pub end: Option<i64>,
    /// The code with which it was redeemed.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub promotion_code: Option<PromotionCodeId>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    source: Option<Source>,
}

#[derive(Debug, Clone, Deserialize)]
struct Source {
    #[serde(default)]
    coupon: Option<Expandable<Coupon>>,
}

impl Discount {
    /// What it takes off, if it was expanded.
    pub fn coupon(&self) -> Option<&Coupon> {
        self.source.as_ref()?.coupon.as_ref()?.object()
    }
}

impl Identified for Discount {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
