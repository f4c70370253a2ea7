//! The body, and what it lacks.

use std::collections::BTreeMap;

use perennial_http::ApiError;
use perennial_types::{AgreedDiscount, AgreedTax, BillingAddress};
use serde::Deserialize;

/// Either a checkout, or what a new one is for.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) checkout: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) wallet: Option<String>,
    pub(crate) quantity: Option<u64>,
    pub(crate) addons: Option<BTreeMap<String, u64>>,
    pub(crate) first: Option<AskedFirst>,
    pub(crate) consent: Option<String>,
    pub(crate) trial_days: Option<u32>,
    pub(crate) discount: Option<AgreedDiscount>,
    pub(crate) tax: Option<AgreedTax>,
    pub(crate) billing_address: Option<BillingAddress>,
    pub(crate) return_to: Option<String>,
    /// An ended subscription, whose payment method is charged for another one.
    pub(crate) again: Option<String>,
    pub(crate) due_now: Option<i64>,
    /// Whether a free trial begins without a payment method.
    pub(crate) without_payment_method: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AskedFirst {
    Subscription,
}

/// What a body lacks, or has too much of.
pub(crate) fn unclear(ask: &Ask) -> ApiError {
    if ask.checkout.is_some() {
        return ApiError::new(
            400,
            "invalid_field",
            "The body has a mistake: with `checkout` there is nothing else to say.",
        );
    }
    if ask.without_payment_method == Some(true) {
        return match ask {
            Ask { plan: None, .. } => lacking("plan"),
            _ => ApiError::new(
                400,
                "conflicting_fields",
                "With \"without_payment_method\" there is \"plan\", \"quantity\", \"addons\", \"tax\", \"billing_address\" and \"trial_days\" to say: nobody agrees to a payment. A promotion code may be used later, with a change.",
            ),
        };
    }
    if ask.again.is_some() {
        return match ask {
            Ask { plan: None, .. } => lacking("plan"),
            Ask { due_now: None, .. } => lacking("due_now"),
            _ => ApiError::new(
                400,
                "conflicting_fields",
                "With \"again\" there is \"plan\", \"quantity\", \"addons\", \"due_now\", \"tax\", \"consent\" and \"trial_days\" to say: what is charged is what the subscription was paid with.",
            ),
        };
    }
    if ask.due_now.is_some() {
        return ApiError::new(
            400,
            "conflicting_fields",
            "\"due_now\" goes with \"again\" alone.",
        );
    }
    let name = match ask {
        Ask {
            plan: None,
            wallet: None,
            first: None,
            ..
        } => "checkout",
        Ask { plan: None, .. } => "plan",
        Ask { wallet: None, .. } => "wallet",
        _ => "first",
    };
    lacking(name)
}

fn lacking(name: &str) -> ApiError {
    ApiError::new(
        400,
        "missing_field",
        format!(
            "The body has a mistake: missing field `{name}`. Send the `checkout` of POST /client-secret, or `plan`, `wallet` and \"first\":\"subscription\"."
        ),
    )
}
