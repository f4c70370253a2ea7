//! What the shop can do after a bank's no.
//!
//! Each sentence can be followed to its end without the shopper paying twice: whatever leads to a new
//! charge names the payment that it replaces.

use perennial_types::PaymentIntentId;
use serde::Serialize;

/// What the shop can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// In one word.
    pub action: ShopAction,
    /// In a sentence.
    pub message: String,
    /// What the next charge for the same purpose has to name in `replaces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PaymentIntentId>,
    /// Where the shopper authorizes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
}

/// What the bank has said no to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A charge, and the payment that exists of it.
    Charge(Option<PaymentIntentId>),
    /// More money that is held.
    Increment,
    /// Money that was held.
    Capture,
    /// Money that goes back.
    Refund,
    /// A method that was to be saved.
    Setup,
}

/// What the shop can do, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopAction {
    /// Nothing has to be done.
    Nothing,
    /// Charge again in some days, with another key and what it replaces.
    RetryLater,
    /// Send the shopper the link, where they authorize the payment again.
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
    pub fn after(
        refused: Refused,
        code: Option<&str>,
        decline_code: Option<&str>,
        advice: Option<&str>,
    ) -> Self {
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
        Self::of(action, refused)
    }

    /// With the sentence that belongs to it.
    pub fn of(action: ShopAction, refused: Refused) -> Self {
        let message = message(action, &refused);
        let replaces = match refused {
            Refused::Charge(payment) if action != ShopAction::Nothing => payment,
            _ => None,
        };
        Self {
            action,
            message,
            replaces,
            authorize_url: None,
        }
    }

    /// With a link where the shopper can make the payment after all.
    #[must_use]
    pub fn with_link(mut self, link: String) -> Self {
        self.message
            .push_str(" Or let the shopper make this payment at authorize_url.");
        self.authorize_url = Some(link);
        self
    }
}

fn message(action: ShopAction, refused: &Refused) -> String {
    let with = |payment: &Option<PaymentIntentId>, how: &str| match payment {
        Some(payment) => format!(
            "{how} \"replaces\":\"{payment}\", so that this payment is canceled before the new one begins."
        ),
        None => String::new(),
    };
    match (action, refused) {
        (ShopAction::Nothing, _) => {
            "No action is needed: the payment method can be charged off-session.".to_owned()
        }
        (ShopAction::RetryLater, Refused::Charge(payment)) => format!(
            "Charge again in a few days with another Idempotency-Key{}",
            match payment {
                Some(_) => with(payment, " and"),
                None => ".".to_owned(),
            }
        ),
        (ShopAction::AskShopper, Refused::Charge(payment)) => format!(
            "Sending the same charge again will not help. Ask the shopper to authorize again, with a new payment in the page that saves the method.{}",
            with(payment, " Send it with")
        ),
        (ShopAction::Stop, Refused::Charge(payment)) => format!(
            "Do not charge this payment method again: the issuer will not approve it. Ask the shopper for another one.{}",
            with(payment, " Send the payment with that one with")
        ),
        (ShopAction::RetryLater, Refused::Increment) => {
            "Ask for the increment again later with another Idempotency-Key, or capture the authorized amount and charge the difference off-session.".to_owned()
        }
        (_, Refused::Increment) => {
            "Capture the authorized amount, and let the shopper pay the difference in the page.".to_owned()
        }
        (_, Refused::Capture) => {
            "Capture again later with another Idempotency-Key, or cancel this payment and then charge again with its id in \"replaces\".".to_owned()
        }
        (_, Refused::Refund) => "Refund again later with another Idempotency-Key.".to_owned(),
        (_, Refused::Setup) => {
            "A token can be used once. Ask the shopper to authorize again, in a checkout or with a payment in the page that saves the method.".to_owned()
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
            let next = NextStep::after(Refused::Charge(None), code, decline_code, advice);
            assert_eq!(
                next.action, expected,
                "{code:?} {decline_code:?} {advice:?}"
            );
        }
    }

    #[test]
    fn whatever_leads_to_another_charge_names_the_payment_that_it_replaces() {
        let payment: PaymentIntentId = "pi_1".parse().unwrap();
        for action in [
            ShopAction::RetryLater,
            ShopAction::AskShopper,
            ShopAction::Stop,
        ] {
            let next = NextStep::of(action, Refused::Charge(Some(payment.clone())));
            assert_eq!(next.replaces.as_ref(), Some(&payment), "{action:?}");
            assert!(
                next.message.contains("\"replaces\":\"pi_1\""),
                "{}",
                next.message
            );
            for refused in [
                Refused::Increment,
                Refused::Capture,
                Refused::Refund,
                Refused::Setup,
            ] {
                let next = NextStep::of(action, refused.clone());
                let charges = next.message.to_lowercase().contains("charge again");
                assert!(
                    !charges || next.message.contains("\"replaces\""),
                    "{refused:?}"
                );
            }
        }
        let next = NextStep::of(ShopAction::Nothing, Refused::Charge(Some(payment)));
        assert_eq!(next.replaces, None);
    }
}
