//! <https://docs.stripe.com/api/products/create> and <https://docs.stripe.com/api/prices/create>

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
    /// The name by which the price is found again.
    pub lookup_key: &'a str,
    /// The name of the plan.
    pub plan: &'a str,
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
        freeze(path::PRICES, form, key)
    }
}
