//! Stripe's test cards, as far as subscriptions need them.
//!
//! <https://docs.stripe.com/testing>

use crate::error::ApiError;
use crate::state::{Fields, ids};
use serde_json::{Value, json};

/// A test card by the ids that stand for it.
#[derive(Debug)]
pub(crate) struct TestCard {
    method: &'static str,
    /// The token that stands for it.
    pub(crate) token: &'static str,
    brand: &'static str,
    last4: &'static str,
    /// The code of the decline that its setup meets.
    setup: Option<&'static str>,
    /// What its charges meet, in the words of the control API.
    charge: &'static str,
}

const fn card(
    method: &'static str,
    token: &'static str,
    last4: &'static str,
    setup: Option<&'static str>,
    charge: &'static str,
) -> TestCard {
    TestCard {
        method,
        token,
        brand: "visa",
        last4,
        setup,
        charge,
    }
}

const CARDS: [TestCard; 7] = [
    card("pm_card_visa", "tok_visa", "4242", None, "succeed"),
    TestCard {
        brand: "mastercard",
        ..card(
            "pm_card_mastercard",
            "tok_mastercard",
            "4444",
            None,
            "succeed",
        )
    },
    TestCard {
        brand: "amex",
        ..card("pm_card_amex", "tok_amex", "8431", None, "succeed")
    },
    card(
        "pm_card_chargeDeclined",
        "tok_chargeDeclined",
        "0002",
        Some("generic_decline"),
        "decline",
    ),
    card(
        "pm_card_visa_chargeDeclined",
        "tok_visa_chargeDeclined",
        "0002",
        Some("generic_decline"),
        "decline",
    ),
    card(
        "pm_card_chargeCustomerFail",
        "tok_chargeCustomerFail",
        "0341",
        None,
        "decline",
    ),
    card(
        "pm_card_authenticationRequired",
        "tok_authenticationRequired",
        "3184",
        None,
        "authentication_required",
    ),
];

/// The card that a token stands for.
pub(crate) fn by_token(token: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.token == token)
}

/// The card that one of Stripe's test `PaymentMethods` stands for.
pub(crate) fn by_method(method: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.method == method)
}

impl TestCard {
    /// The brand as the older card objects spell it.
    pub(crate) fn legacy_brand(&self) -> &'static str {
        match self.brand {
            "mastercard" => "MasterCard",
            "amex" => "American Express",
            _ => "Visa",
        }
    }

    /// Writes the card into a payment method.
    pub(crate) fn apply(&self, method: &mut Value) {
        method.set(
            "card",
            json!({
                "brand": self.brand,
                "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
                "country": "US",
                "display_brand": self.brand,
                "exp_month": 8,
                "exp_year": 2034,
                "fingerprint": ids::random(16),
                "funding": "credit",
                "generated_from": null,
                "last4": self.last4,
                "networks": {"available": [self.brand], "preferred": null},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": true},
                "wallet": null,
            }),
        );
        method.set("_setup_decline", self.setup);
        method.set("_charge", self.charge);
    }
}

/// Why setting the card up fails, if it does.
pub(crate) fn setup_refusal(method: &Value) -> Option<ApiError> {
    method.text("_setup_decline").map(ApiError::card_declined)
}
