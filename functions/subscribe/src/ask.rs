//! The body, and what it lacks.

use perennial_http::ApiError;
use serde::Deserialize;

/// Either a checkout, or what a new one is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) checkout: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) wallet: Option<String>,
    pub(crate) first: Option<AskedFirst>,
    pub(crate) consent: Option<String>,
    pub(crate) trial_days: Option<u32>,
    pub(crate) return_to: Option<String>,
}

#[derive(Deserialize)]
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
    let lacking = match ask {
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
    ApiError::new(
        400,
        "missing_field",
        format!(
            "The body has a mistake: missing field `{lacking}`. Send the `checkout` of POST /client-secret, or `plan`, `wallet` and \"first\":\"subscription\"."
        ),
    )
}
