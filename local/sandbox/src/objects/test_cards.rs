//! Stripe's test cards, as far as subscriptions need them.
//!
//! <https://docs.stripe.com/testing>

use crate::error::ApiError;
use crate::state::{Fields, ids};
use serde_json::{Value, json};

/// A test card by the ids that stand for it.
#[derive(Debug)]
pub(crate) struct TestCard {
    /// What follows `pm_card_` and `tok_` in its ids.
    name: &'static str,
    /// The token that stands for it.
    pub(crate) token: &'static str,
    brand: &'static str,
    last4: &'static str,
    /// What its setup and its charges meet.
    meets: Meets,
}

/// What using a test card comes to.
#[derive(Clone, Copy, Debug)]
enum Meets {
    /// It is charged.
    Success,
    /// It is declined for this reason, already when it is saved.
    Decline(&'static str),
    /// It can be saved, and is declined when it is charged.
    DeclineLater,
    /// The bank asks the customer at each charge.
    Authentication,
}

const fn visa(
    name: &'static str,
    token: &'static str,
    last4: &'static str,
    meets: Meets,
) -> TestCard {
    TestCard {
        name,
        token,
        brand: "visa",
        last4,
        meets,
    }
}

const fn of_brand(
    brand: &'static str,
    name: &'static str,
    token: &'static str,
    last4: &'static str,
) -> TestCard {
    TestCard {
        name,
        token,
        brand,
        last4,
        meets: Meets::Success,
    }
}

const CARDS: [TestCard; 25] = [
    visa("visa", "tok_visa", "4242", Meets::Success),
    visa("visa_debit", "tok_visa_debit", "5556", Meets::Success),
    visa("us", "tok_us", "4242", Meets::Success),
    of_brand("mastercard", "mastercard", "tok_mastercard", "4444"),
    of_brand(
        "mastercard",
        "mastercard_debit",
        "tok_mastercard_debit",
        "8210",
    ),
    of_brand(
        "mastercard",
        "mastercard_prepaid",
        "tok_mastercard_prepaid",
        "5100",
    ),
    of_brand("amex", "amex", "tok_amex", "8431"),
    of_brand("discover", "discover", "tok_discover", "1117"),
    of_brand("diners", "diners", "tok_diners", "3237"),
    of_brand("jcb", "jcb", "tok_jcb", "0505"),
    of_brand("unionpay", "unionpay", "tok_unionpay", "0005"),
    visa(
        "chargeDeclined",
        "tok_chargeDeclined",
        "0002",
        Meets::Decline("generic_decline"),
    ),
    visa(
        "visa_chargeDeclined",
        "tok_visa_chargeDeclined",
        "0002",
        Meets::Decline("generic_decline"),
    ),
    visa(
        "chargeDeclinedInsufficientFunds",
        "tok_chargeDeclinedInsufficientFunds",
        "9995",
        Meets::Decline("insufficient_funds"),
    ),
    visa(
        "visa_chargeDeclinedInsufficientFunds",
        "tok_visa_chargeDeclinedInsufficientFunds",
        "9995",
        Meets::Decline("insufficient_funds"),
    ),
    visa(
        "visa_chargeDeclinedLostCard",
        "tok_visa_chargeDeclinedLostCard",
        "9987",
        Meets::Decline("lost_card"),
    ),
    visa(
        "visa_chargeDeclinedStolenCard",
        "tok_visa_chargeDeclinedStolenCard",
        "9979",
        Meets::Decline("stolen_card"),
    ),
    visa(
        "chargeDeclinedExpiredCard",
        "tok_chargeDeclinedExpiredCard",
        "0069",
        Meets::Decline("expired_card"),
    ),
    visa(
        "chargeDeclinedIncorrectCvc",
        "tok_chargeDeclinedIncorrectCvc",
        "0127",
        Meets::Decline("incorrect_cvc"),
    ),
    visa(
        "chargeDeclinedProcessingError",
        "tok_chargeDeclinedProcessingError",
        "0119",
        Meets::Decline("processing_error"),
    ),
    visa(
        "visa_chargeDeclinedVelocityLimitExceeded",
        "tok_visa_chargeDeclinedVelocityLimitExceeded",
        "6975",
        Meets::Decline("card_velocity_exceeded"),
    ),
    visa(
        "chargeCustomerFail",
        "tok_chargeCustomerFail",
        "0341",
        Meets::DeclineLater,
    ),
    visa(
        "authenticationRequired",
        "tok_authenticationRequired",
        "3184",
        Meets::Authentication,
    ),
    visa(
        "threeDSecure2Required",
        "tok_threeDSecure2Required",
        "3220",
        Meets::Authentication,
    ),
    visa(
        "threeDSecureRequired",
        "tok_threeDSecureRequired",
        "3063",
        Meets::Authentication,
    ),
];

/// What other ids of Stripe's page begin with: cards that are disputed, refunded late, blocked, checked or asked about in
/// ways that are not simulated, and those of other countries.
const NOT_SIMULATED: [&str; 13] = [
    "authenticationRequired",
    "avs",
    "bypassPending",
    "createDispute",
    "createIssuerFraudRecord",
    "createMulticaptureDispute",
    "cvcCheckFail",
    "highestFraud",
    "pendingRefund",
    "radarBlock",
    "refundFail",
    "riskLevel",
    "threeDSecure",
];

/// The card that a token stands for.
pub(crate) fn by_token(token: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.token == token)
}

/// The card that one of Stripe's test `PaymentMethods` stands for.
pub(crate) fn by_method(method: &str) -> Option<&'static TestCard> {
    let name = method.strip_prefix("pm_card_")?;
    CARDS.iter().find(|card| card.name == name)
}

/// Whether Stripe has a test card of this id that the sandbox has not.
pub(crate) fn is_not_simulated(id: &str) -> bool {
    let name = id
        .strip_prefix("pm_card_")
        .or_else(|| id.strip_prefix("tok_"));
    let Some(name) = name else { return false };
    let is_country = name.len() == 2 && name.bytes().all(|letter| letter.is_ascii_lowercase());
    let begins = NOT_SIMULATED
        .iter()
        .any(|known| name.trim_start_matches("visa_").starts_with(known));
    (is_country || begins) && by_token(id).is_none() && by_method(id).is_none()
}

impl TestCard {
    fn funding(&self) -> &'static str {
        match self.name.rsplit('_').next() {
            Some("debit") => "debit",
            Some("prepaid") => "prepaid",
            _ => "credit",
        }
    }

    /// The brand as the older card objects spell it.
    pub(crate) fn legacy_brand(&self) -> &'static str {
        match self.brand {
            "mastercard" => "MasterCard",
            "amex" => "American Express",
            "discover" => "Discover",
            "diners" => "Diners Club",
            "jcb" => "JCB",
            "unionpay" => "UnionPay",
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
                "funding": self.funding(),
                "generated_from": null,
                "last4": self.last4,
                "networks": {"available": [self.brand], "preferred": null},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": true},
                "wallet": null,
            }),
        );
        let (setup, charge) = match self.meets {
            Meets::Success => (None, "succeed"),
            Meets::Decline(reason) => (Some(reason), "decline"),
            Meets::DeclineLater => (None, "decline"),
            Meets::Authentication => (None, "authentication_required"),
        };
        method.set("_setup_decline", setup);
        method.set("_charge", charge);
        method.set("_decline_code", setup);
    }
}

/// Why setting the card up fails, if it does.
pub(crate) fn setup_refusal(method: &Value) -> Option<ApiError> {
    method.text("_setup_decline").map(ApiError::card_declined)
}

#[cfg(test)]
mod tests {
    use super::{CARDS, by_method, by_token, is_not_simulated, setup_refusal};
    use serde_json::json;

    // https://docs.stripe.com/testing
    #[test]
    fn a_card_is_declined_for_its_own_reason_and_in_stripes_words() {
        for (method, code, decline_code, message) in [
            (
                "pm_card_visa_chargeDeclined",
                "card_declined",
                Some("generic_decline"),
                "Your card was declined.",
            ),
            (
                "pm_card_chargeDeclinedInsufficientFunds",
                "card_declined",
                Some("insufficient_funds"),
                "Your card has insufficient funds.",
            ),
            (
                "pm_card_visa_chargeDeclinedLostCard",
                "card_declined",
                Some("lost_card"),
                "Your card was declined.",
            ),
            (
                "pm_card_chargeDeclinedExpiredCard",
                "expired_card",
                None,
                "Your card has expired.",
            ),
            (
                "pm_card_chargeDeclinedIncorrectCvc",
                "incorrect_cvc",
                None,
                "Your card's security code is incorrect.",
            ),
            (
                "pm_card_chargeDeclinedProcessingError",
                "processing_error",
                None,
                "An error occurred while processing your card. Try again in a little bit.",
            ),
        ] {
            let mut card = json!({});
            by_method(method).unwrap().apply(&mut card);
            let error = setup_refusal(&card).unwrap();
            assert_eq!(
                (error.status, error.code.as_deref()),
                (402, Some(code)),
                "{method}"
            );
            assert_eq!(
                error.more.get("decline_code"),
                decline_code.map(Into::into).as_ref()
            );
            assert_eq!(error.message, message);
        }
    }

    #[test]
    fn each_card_has_ids_of_its_own() {
        for card in &CARDS {
            let method = format!("pm_card_{}", card.name);
            assert_eq!(by_method(&method).unwrap().token, card.token);
            assert_eq!(by_token(card.token).unwrap().name, card.name);
            assert_eq!(card.token, format!("tok_{}", card.name));
        }
        assert!(is_not_simulated("pm_card_createDispute"));
        assert!(is_not_simulated("tok_fr"));
        assert!(!is_not_simulated("pm_card_visa") && !is_not_simulated("pm_1234"));
        assert!(!is_not_simulated("pm_card_nonsense"));
    }
}
