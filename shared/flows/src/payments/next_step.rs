//! What the shop can do after a bank's no.

use serde::Serialize;

/// What the shop can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// In one word.
    pub action: ShopAction,
    /// In a sentence.
    pub message: &'static str,
    /// Where the shopper authorises again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
}

/// What the shop can do, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopAction {
    /// Nothing has to be done.
    Nothing,
    /// Charge again in some days, with another key.
    RetryLater,
    /// Send the shopper the link, where they authorise the payment again.
    AskShopper,
    /// Charge this method no more.
    Stop,
}

/// The bank has said for good that this method is not to be charged
/// (<https://docs.stripe.com/declines/codes>).
const FOR_GOOD: [&str; 14] = [
    "fraudulent",
    "lost_card",
    "merchant_blacklist",
    "pickup_card",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "service_not_allowed",
    "stolen_card",
    "stop_payment_order",
    "transaction_not_allowed",
    "testmode_decline",
    "highest_risk_level",
];

/// It may be otherwise in some days.
const FOR_NOW: [&str; 10] = [
    "card_velocity_exceeded",
    "approve_with_id",
    "insufficient_funds",
    "issuer_not_available",
    "processing_error",
    "reenter_transaction",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
    "duplicate_transaction",
    "call_issuer",
];

impl NextStep {
    /// What can be done after these codes of Stripe. The bank's advice counts more than its reason.
    pub fn after(code: Option<&str>, decline_code: Option<&str>, advice: Option<&str>) -> Self {
        let authentication = code == Some("authentication_required")
            || decline_code == Some("authentication_required");
        let reason = decline_code.or(code).unwrap_or_default();
        let action = match advice {
            _ if authentication => ShopAction::AskShopper,
            Some("do_not_try_again") => ShopAction::Stop,
            Some("try_again_later") => ShopAction::RetryLater,
            Some("confirm_card_data") => ShopAction::AskShopper,
            _ if FOR_GOOD.contains(&reason) => ShopAction::Stop,
            _ if FOR_NOW.contains(&reason) => ShopAction::RetryLater,
            _ => ShopAction::AskShopper,
        };
        Self::of(action)
    }

    /// With the sentence that belongs to it.
    pub fn of(action: ShopAction) -> Self {
        let message = match action {
            ShopAction::Nothing => "Nothing has to be done: the method can be charged off-session.",
            ShopAction::RetryLater => {
                "Charge again in some days with another Idempotency-Key, or let the shopper pay at the link."
            }
            ShopAction::AskShopper => {
                "Ask the shopper to authorise again: at the link for a payment that exists, or with a new payment that saves the method. Sending the same charge again will not help."
            }
            ShopAction::Stop => {
                "Do not charge this method again: the bank refuses it for good. Ask the shopper for another one."
            }
        };
        Self {
            action,
            message,
            authorize_url: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_shop_can_do_follows_the_banks_advice_and_then_its_reason() {
        for (code, decline_code, advice, expected) in [
            (
                Some("authentication_required"),
                None,
                None,
                ShopAction::AskShopper,
            ),
            (
                Some("card_declined"),
                Some("authentication_required"),
                Some("do_not_try_again"),
                ShopAction::AskShopper,
            ),
            (
                Some("card_declined"),
                Some("insufficient_funds"),
                None,
                ShopAction::RetryLater,
            ),
            (
                Some("card_declined"),
                Some("insufficient_funds"),
                Some("do_not_try_again"),
                ShopAction::Stop,
            ),
            (
                Some("card_declined"),
                Some("stolen_card"),
                None,
                ShopAction::Stop,
            ),
            (
                Some("card_declined"),
                Some("generic_decline"),
                Some("try_again_later"),
                ShopAction::RetryLater,
            ),
            (
                Some("card_declined"),
                Some("generic_decline"),
                None,
                ShopAction::AskShopper,
            ),
            (Some("expired_card"), None, None, ShopAction::AskShopper),
            (Some("processing_error"), None, None, ShopAction::RetryLater),
            (None, None, None, ShopAction::AskShopper),
        ] {
            let next = NextStep::after(code, decline_code, advice);
            assert_eq!(
                next.action, expected,
                "{code:?} {decline_code:?} {advice:?}"
            );
        }
    }
}
