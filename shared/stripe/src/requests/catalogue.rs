//! <https://docs.stripe.com/api/products/create>, <https://docs.stripe.com/api/prices/create>,
//! <https://docs.stripe.com/api/coupons/create> and <https://docs.stripe.com/api/promotion_codes/create>

use super::{freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// Something to sell.
#[derive(Debug, Clone, Copy)]
pub struct CreateProduct<'a> {
    /// What the shopper reads on the invoice.
    pub name: &'a str,
    /// The name of the plan.
    pub plan: &'a str,
}

/// What it costs, and how often.
#[derive(Debug, Clone, Copy)]
pub struct CreatePrice<'a> {
    /// The product's id.
    pub product: &'a str,
    /// The currency's code, in lower case.
    pub currency: &'a str,
    /// The amount in the currency's smallest unit.
    pub unit_amount: i64,
    /// `day`, `week`, `month` or `year`.
    pub interval: &'a str,
    /// Every so many of them.
    pub interval_count: u32,
    /// `inclusive` or `exclusive`, if taxes are reckoned.
    pub tax_behavior: Option<&'a str>,
    /// The name by which the price is found again.
    pub lookup_key: &'a str,
    /// The name of the plan.
    pub plan: &'a str,
}

/// What a promotion code takes off. Its id is chosen, so that it is made once.
#[derive(Debug, Clone, Copy)]
pub struct CreateCoupon<'a> {
    /// Its id.
    pub id: &'a str,
    /// What the shopper reads on the invoice.
    pub name: &'a str,
    /// How much, in percent.
    pub percent_off: i64,
    /// For how many months; for one invoice without.
    pub months: Option<i64>,
}

/// What a shopper types in. No two that can be redeemed have the same words.
#[derive(Debug, Clone, Copy)]
pub struct CreatePromotionCode<'a> {
    /// The coupon's id.
    pub coupon: &'a str,
    /// Its words.
    pub code: &'a str,
    /// Whether it is for a first order only.
    pub first_time: bool,
}

impl CreateCoupon<'_> {
    pub(crate) fn form(&self) -> Form {
        let form = Form::new()
            .with(&["id"], self.id)
            .with(&["name"], self.name)
            .with_number(&["percent_off"], self.percent_off);
        match self.months {
            Some(months) => form
                .with(&["duration"], "repeating")
                .with_number(&["duration_in_months"], months),
            None => form.with(&["duration"], "once"),
        }
    }
}

impl CreatePromotionCode<'_> {
    pub(crate) fn form(&self) -> Form {
        let form = Form::new()
            .with(&["promotion", "type"], "coupon")
            .with(&["promotion", "coupon"], self.coupon)
            .with(&["code"], self.code);
        if self.first_time {
            form.with(&["restrictions", "first_time_transaction"], "true")
        } else {
            form
        }
    }
}

impl CreateProduct<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new()
            .with(&["name"], self.name)
            .with(&["metadata", metadata::PLAN], self.plan);
        freeze(path::PRODUCTS, form, key)
    }
}

impl CreatePrice<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new()
            .with(&["product"], self.product)
            .with(&["currency"], self.currency)
            .with_number(&["unit_amount"], self.unit_amount)
            .with(&["recurring", "interval"], self.interval)
            .with_number(
                &["recurring", "interval_count"],
                i64::from(self.interval_count),
            )
            .with(&["lookup_key"], self.lookup_key)
            .with(&["metadata", metadata::PLAN], self.plan);
        let form = match self.tax_behavior {
            Some(behavior) => form.with(&["tax_behavior"], behavior),
            None => form,
        };
        freeze(path::PRICES, form, key)
    }
}
