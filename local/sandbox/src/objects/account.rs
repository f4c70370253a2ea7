//! The shop's own account.

use crate::params::call::{Answer, Call};
use crate::state::{Fields, World};
use crate::wallets;
use serde_json::{Value, json};

/// `GET /v1/account`
#[expect(
    clippy::unnecessary_wraps,
    reason = "operations have one form, and this one cannot fail"
)]
pub(crate) fn retrieve(world: &World, _call: &Call) -> Answer {
    let settings = world.account();
    let capability = |on: bool| if on { "active" } else { "inactive" };
    let mut capabilities = json!({
        "card_payments": capability(settings.flag("card")),
        "transfers": "active",
    });
    for (wallet, redirect) in wallets::redirects() {
        capabilities.set(redirect.capability, capability(settings.flag(wallet.name)));
    }
    Ok(json!({
        "id": "acct_1Perennial0Sandbox",
        "object": "account",
        "business_profile": {
            "mcc": null,
            "minority_owned_business_designation": null,
            "name": "Perennial sandbox shop",
            "product_description": null,
            "specified_commercial_transactions_act_url": null,
            "support_address": null,
            "support_email": null,
            "support_phone": null,
            "support_url": null,
            "url": null,
        },
        "business_type": "company",
        "capabilities": capabilities,
        "charges_enabled": true,
        "country": settings.at("country"),
        "created": 1_600_000_000,
        "default_currency": "usd",
        "details_submitted": true,
        "email": null,
        "metadata": {},
        "payouts_enabled": true,
        "settings": Value::Null,
        "type": "standard",
    }))
}
