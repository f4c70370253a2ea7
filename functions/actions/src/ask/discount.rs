//! The body with which a server puts a discount on a subscription, or takes off what it has.

use perennial_flows::{actions::Discounting, codes::LONGEST_WORDS};
use perennial_http::ApiError;
use perennial_types::PromotionCodeId;
use serde::{Deserialize, Serialize};

use super::{LONGEST_ID, OfUser, conflicting, not_an_id};

/// The words of a code that were typed in, without what a paste brings along.
pub(crate) fn code_words(typed: &str) -> Result<String, ApiError> {
    let words = typed.trim();
    if words.is_empty() || words.len() > LONGEST_WORDS {
        return Err(ApiError::new(
            400,
            "invalid_field",
            format!("\"code\" has 1 to {LONGEST_WORDS} characters."),
        ));
    }
    Ok(words.to_owned())
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiscountAsk {
    user: Option<String>,
    coupon: Option<String>,
    promotion_code: Option<String>,
    remove: Option<bool>,
}

impl OfUser for DiscountAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl DiscountAsk {
    pub(crate) fn parse(self) -> Result<Discounting, ApiError> {
        match (self.coupon, self.promotion_code, self.remove) {
            (Some(id), None, None) => {
                // The shop names its coupons as it likes.
                let plain = id.bytes().all(|byte| byte.is_ascii_graphic());
                if id.is_empty() || id.len() > LONGEST_ID || !plain {
                    return Err(ApiError::new(
                        400,
                        "invalid_field",
                        "\"coupon\" is the id of a coupon of your Stripe account.",
                    ));
                }
                Ok(Discounting::Coupon(id))
            }
            (None, Some(id), None) => {
                let id: Option<PromotionCodeId> = id.parse().ok();
                id.map(Discounting::Code)
                    .ok_or_else(|| not_an_id("promotion_code", "promo_..."))
            }
            (None, None, Some(true)) => Ok(Discounting::Remove),
            (None, None, _) => Err(ApiError::new(
                400,
                "missing_field",
                "Say what becomes of the discount: send \"coupon\", \"promotion_code\" or \"remove\": true.",
            )),
            _ => Err(conflicting(
                "\"coupon\" and \"promotion_code\" put a discount on, and \"remove\" takes off what there is: send one of them.",
            )),
        }
    }
}
