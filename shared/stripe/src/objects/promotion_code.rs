//! <https://docs.stripe.com/api/promotion_codes/object> and <https://docs.stripe.com/api/coupons/object>

use std::collections::BTreeMap;

use perennial_types::PromotionCodeId;
use serde::Deserialize;

use super::{Customer, Expandable, Identified, lenient};

/// What a shopper types in to redeem a coupon. Its words are not read, since nothing needs them.
#[derive(Debug, Clone, Deserialize)]
pub struct PromotionCode {
    /// `promo_...`
    pub id: PromotionCodeId,
    /// Whether it can be redeemed, its coupon included.
    pub active: bool,
    /// The only customer who may redeem it; anybody may without.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub customer: Option<Expandable<Customer>>,
    /// When its time is over, in Unix seconds.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// How often it may be redeemed.
    #[serde(default)]
    pub max_redemptions: Option<i64>,
    /// How often it was.
    #[serde(default)]
    pub times_redeemed: i64,
    /// For which orders it is.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub restrictions: Restrictions,
    promotion: Promotion,
}

/// For which orders a code is.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Restrictions {
    /// Only for customers who have begun no payment and no trial before.
    #[serde(default)]
    pub first_time_transaction: bool,
    /// What the order has to come to, before the discount.
    #[serde(default)]
    pub minimum_amount: Option<u64>,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub minimum_amount_currency: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Promotion {
    #[serde(default)]
    coupon: Option<Expandable<Coupon>>,
}

/// What a code takes off, and for how long.
#[derive(Debug, Clone, Deserialize)]
pub struct Coupon {
    id: String,
    /// An amount, in the currency's smallest unit; otherwise it takes a percentage off.
    #[serde(default)]
    pub amount_off: Option<u64>,
    /// A percentage, with up to four digits after the point.
    #[serde(default)]
    pub percent_off: Option<serde_json::Number>,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    currency_options: BTreeMap<String, InCurrency>,
    /// `once`, `repeating` or `forever`.
    pub duration: String,
    /// For how many months a repeating one counts.
    #[serde(default)]
    pub duration_in_months: Option<u32>,
    /// How often it may be redeemed, by whatever code.
    #[serde(default)]
    pub max_redemptions: Option<i64>,
    /// How often it was.
    #[serde(default)]
    pub times_redeemed: i64,
    /// When its time is over, in Unix seconds.
    #[serde(default)]
    pub redeem_by: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct InCurrency {
    #[serde(default)]
    amount_off: Option<u64>,
}

impl PromotionCode {
    /// What it takes off.
    pub fn coupon(&self) -> Option<&Coupon> {
        self.promotion.coupon.as_ref()?.object()
    }
}

impl Coupon {
    /// Whether it takes something off a price in this currency.
    pub fn is_for(&self, currency: &str) -> bool {
        self.amount_off.is_none() || self.amount_in(currency).is_some()
    }

    /// What it takes off a price in this currency, in its smallest unit; none if that is a percentage, or nothing.
    pub fn amount_in(&self, currency: &str) -> Option<u64> {
        if self.currency.as_deref() == Some(currency) {
            return self.amount_off;
        }
        self.currency_options.get(currency)?.amount_off
    }
}

impl Identified for Coupon {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
