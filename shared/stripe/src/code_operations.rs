//! The operations of Stripe about promotion codes.

use perennial_types::{PromotionCodeId, SubscriptionId};

use crate::{
    ChangeDiscounts, CreateCoupon, CreatePromotionCode,
    client::Stripe,
    form::Form,
    objects::{Coupon, List, Preview, PromotionCode, Subscription},
    operations::{Answered, page},
    requests::{below, path},
};

/// With the amounts in further currencies, which are left out otherwise.
const COUPON: &str = "promotion.coupon.currency_options";

impl Stripe {
    /// Lists the promotion codes of these words, in any case of their letters: there may be one for each customer,
    /// and those that were ended before.
    pub async fn list_promotion_codes(&self, words: &str) -> Answered<List<PromotionCode>> {
        let query = Form::new()
            .with(&["code"], words)
            .with(&["expand", ""], format!("data.{COUPON}"));
        self.get(
            "list_promotion_codes",
            path::PROMOTION_CODES,
            page(query, None),
        )
        .await
    }

    /// Reads a promotion code.
    pub async fn retrieve_promotion_code(&self, id: &PromotionCodeId) -> Answered<PromotionCode> {
        let path = below(path::PROMOTION_CODES, id.as_str());
        let query = Form::new().with(&["expand", ""], COUPON);
        self.get("retrieve_promotion_code", &path, query).await
    }

    /// Reads a coupon.
    pub async fn retrieve_coupon(&self, id: &str) -> Answered<Coupon> {
        let query = Form::new().with(&["expand", ""], "currency_options");
        self.get("retrieve_coupon", &below(path::COUPONS, id), query)
            .await
    }

    /// Reads a subscription with what its discounts take off, which is left out otherwise.
    pub async fn retrieve_discounts(&self, id: &SubscriptionId) -> Answered<Subscription> {
        let path = below(path::SUBSCRIPTIONS, id.as_str());
        let query = Form::new().with(&["expand", ""], "discounts.source.coupon.currency_options");
        self.get("retrieve_subscription", &path, query).await
    }

    /// What the next invoice would be with other discounts. Nothing is done.
    pub async fn preview_discounts(&self, change: &ChangeDiscounts<'_>) -> Answered<Preview> {
        self.settle("preview_invoice", path::PREVIEW, change.preview())
            .await
    }

    /// Creates a coupon; see [`CreateCoupon`].
    pub async fn create_coupon(&self, coupon: &CreateCoupon<'_>) -> Answered<serde_json::Value> {
        self.settle("create_coupon", path::COUPONS, coupon.form())
            .await
    }

    /// Creates a promotion code; see [`CreatePromotionCode`].
    pub async fn create_promotion_code(
        &self,
        code: &CreatePromotionCode<'_>,
    ) -> Answered<PromotionCode> {
        let path = path::PROMOTION_CODES;
        self.settle("create_promotion_code", path, code.form())
            .await
    }
}
