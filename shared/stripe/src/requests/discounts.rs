//! <https://docs.stripe.com/api/subscriptions/update#update_subscription-discounts>

use perennial_types::{PromotionCodeId, SubscriptionId};

use super::{below, freeze, metadata, path, whole};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// Other discounts of a subscription, from its next invoice on. Stripe takes the whole list, and ends each discount
/// that it does not name.
#[derive(Debug, Clone, Copy)]
pub struct ChangeDiscounts<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
    /// Those that stay, `di_...`.
    pub kept: &'a [String],
    /// What is redeemed beside them.
    pub added: Option<Redeemed<'a>>,
    /// The request, by which it is found again.
    pub request: &'a str,
}

/// What is redeemed.
#[derive(Debug, Clone, Copy)]
pub enum Redeemed<'a> {
    /// A coupon, by its id.
    Coupon(&'a str),
    /// A promotion code.
    Code(&'a PromotionCodeId),
}

/// How a request begins that takes off all discounts.
const CLEARED: &str = "discounts=&";

impl ChangeDiscounts<'_> {
    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = self.list(Form::new());
        let form = form
            .with(&["proration_behavior"], "none")
            .with(&["metadata", metadata::ACTION], self.request);
        let path = below(path::SUBSCRIPTIONS, self.subscription.as_str());
        freeze(&path, whole(form), key)
    }

    /// What the next invoice would be.
    pub(crate) fn preview(&self) -> Form {
        self.list(Form::new().with(&["subscription"], self.subscription.as_str()))
    }

    /// Which discounts a request that was frozen here keeps; none if it takes off all that there are.
    pub fn kept(request: &FrozenRequest) -> Option<Vec<&str>> {
        if request.body.starts_with(CLEARED) {
            return None;
        }
        let pairs = request.body.split('&').filter_map(|it| it.split_once('='));
        let kept = pairs
            .filter(|(name, _)| name.starts_with("discounts[") && name.ends_with("[discount]"));
        Some(kept.map(|(_, id)| id).collect())
    }

    fn list(&self, form: Form) -> Form {
        if self.kept.is_empty() && self.added.is_none() {
            // An empty list would change nothing.
            return form.with(&["discounts"], "");
        }
        let mut form = form;
        for (index, kept) in self.kept.iter().enumerate() {
            form = form.with(&["discounts", &index.to_string(), "discount"], kept);
        }
        let last = self.kept.len().to_string();
        match self.added {
            Some(Redeemed::Coupon(id)) => form.with(&["discounts", &last, "coupon"], id),
            Some(Redeemed::Code(id)) => {
                form.with(&["discounts", &last, "promotion_code"], id.as_str())
            }
            None => form,
        }
    }
}
