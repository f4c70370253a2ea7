//! The text that a shopper agrees to, and its version.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Discount, Plan, Timestamp, TrialWithoutMethod, Wallet};

/// What the shop shows beside a wallet's button. An attempt keeps its version, so that the shop can
/// say later what a shopper agreed to.
///
/// Stripe asks merchants to keep a record of the terms under which a payment method was saved
/// (<https://docs.stripe.com/payments/save-and-reuse>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", deny_unknown_fields)]
pub struct Consent {
    version: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    version: String,
    text: String,
}

/// Why a text of consent is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsentError {
    /// The version is not a name.
    #[error(
        "the version of the consent must be 1 to 64 letters, digits, hyphens, dots and underscores"
    )]
    Version,
    /// Too short to be a text, or too long for a wallet's sheet.
    #[error("the text of the consent must be 20 to 500 characters long")]
    Length,
    /// A shopper has to read what is charged.
    #[error("the text of the consent must hold {{terms}}, where the amount and the interval go")]
    Terms,
}

/// Apple cuts a billing agreement off at 500 characters
/// (<https://developer.apple.com/documentation/apple_pay_on_the_web/applepayrecurringpaymentrequest>).
const LONGEST_TEXT: usize = 500;

impl Default for Consent {
    fn default() -> Self {
        Self {
            version: "default-1".to_owned(),
            text: "By continuing, you allow this shop to charge {terms} with {wallet}, until you cancel."
                .to_owned(),
        }
    }
}

impl TryFrom<Unchecked> for Consent {
    type Error = ConsentError;

    fn try_from(unchecked: Unchecked) -> Result<Self, ConsentError> {
        let Unchecked { version, text } = unchecked;
        let named = (1..=64).contains(&version.len())
            && version
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !named {
            return Err(ConsentError::Version);
        }
        if !(20..=LONGEST_TEXT).contains(&text.chars().count()) {
            return Err(ConsentError::Length);
        }
        if !text.contains("{terms}") {
            return Err(ConsentError::Terms);
        }
        Ok(Self { version, text })
    }
}

impl Consent {
    /// The name of this text.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The text for this plan and wallet, as the shopper reads it.
    pub fn text_for(&self, plan: &Plan, wallet: Wallet) -> String {
        self.text_with(&terms(plan, None), wallet)
    }

    /// The same with a discount, for a subscription that begins `now`.
    pub fn text_for_discounted(
        &self,
        plan: &Plan,
        discount: Option<&Discount>,
        wallet: Wallet,
        now: Timestamp,
    ) -> String {
        let discount = discount.map(|discount| (discount, now));
        self.text_with(&terms(plan, discount), wallet)
    }

    fn text_with(&self, terms: &str, wallet: Wallet) -> String {
        let text = self.text.replace("{wallet}", wallet.label());
        text.replace("{terms}", terms) + wallet.row().consent_note
    }
}

/// What a shopper reads beside the button of a free trial that begins without a payment method. Nobody agrees to a
/// payment by it, so it has no version.
pub fn terms_without_method(plan: &Plan, ends: TrialWithoutMethod) -> String {
    let days = match plan.trial_days {
        1 => "One free day".to_owned(),
        days => format!("{days} free days"),
    };
    let ends = match ends {
        TrialWithoutMethod::Cancel => "it ends by itself",
        TrialWithoutMethod::Pause => "it is paused",
    };
    format!(
        "{days}, without a payment method. If you add one by then, {} {} is charged from then on; if not, {ends}, and nothing is charged.",
        plan.money(),
        plan.interval.every(plan.interval_count),
    )
}

/// What is charged and when, such as `15.00 USD every month after 14 free days`.
fn terms(plan: &Plan, discount: Option<(&Discount, Timestamp)>) -> String {
    let every = plan.interval.every(plan.interval_count);
    let trial = match plan.trial_days {
        0 => String::new(),
        1 => " after one free day".to_owned(),
        days => format!(" after {days} free days"),
    };
    match discount {
        None => format!("{} {every}{trial}", plan.money()),
        Some((discount, now)) => discount.terms(plan, now, &every, &trial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lasts;

    fn plan(extra: &str) -> Plan {
        serde_json::from_str(&format!(
            r#"{{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"{extra}}}"#
        ))
        .unwrap()
    }

    #[track_caller]
    fn check(extra: &str, expected: &str) {
        let text = Consent::default().text_for(&plan(extra), Wallet::ApplePay);
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_text_names_the_wallet_and_what_is_charged_when() {
        check("", "charge 15.00 USD every month with Apple Pay");
        check(r#","trial_days":14"#, "every month after 14 free days with");
        check(
            r#","trial_days":1,"interval_count":3"#,
            "every 3 months after one free day",
        );
    }

    #[test]
    fn a_text_says_what_a_discount_makes_of_the_price_and_until_when() {
        let (reduced, now) = (1200, Timestamp::from_unix(0));
        for (extra, lasts, expected) in [
            (
                "",
                Lasts::Once,
                "charge 12.00 USD for the first payment, then 15.00 USD every month with Apple Pay",
            ),
            (
                "",
                Lasts::Months(3),
                "12.00 USD every month for the first 3 payments, then 15.00 USD every month with",
            ),
            ("", Lasts::Forever, "charge 12.00 USD every month with"),
            (
                r#","trial_days":14"#,
                Lasts::Months(1),
                "12.00 USD for the first payment after 14 free days, then 15.00 USD every month with",
            ),
        ] {
            let discount = Discount {
                amount: reduced,
                lasts,
            };
            let (plan, wallet) = (plan(extra), Wallet::ApplePay);
            let consent = Consent::default();
            let text = consent.text_for_discounted(&plan, Some(&discount), wallet, now);
            assert!(text.contains(expected), "{text}");
            assert_eq!(
                consent.text_for_discounted(&plan, None, wallet, now),
                consent.text_for(&plan, wallet)
            );
        }
    }

    #[test]
    fn a_trial_without_a_payment_method_says_that_nothing_is_charged_without_one() {
        for (extra, ends, expected) in [
            (
                r#","trial_days":14"#,
                TrialWithoutMethod::Cancel,
                "14 free days, without a payment method. If you add one by then, 15.00 USD every month is charged from then on; if not, it ends by itself, and nothing is charged.",
            ),
            (
                r#","trial_days":1,"interval_count":3"#,
                TrialWithoutMethod::Pause,
                "One free day, without a payment method. If you add one by then, 15.00 USD every 3 months is charged from then on; if not, it is paused, and nothing is charged.",
            ),
        ] {
            assert_eq!(terms_without_method(&plan(extra), ends), expected);
        }
    }

    #[test]
    fn a_text_without_the_terms_is_refused() {
        let parse = |json: &str| serde_json::from_str::<Consent>(json).map_err(|e| e.to_string());
        let good = parse(r#"{"version":"2","text":"You agree to pay {terms} by {wallet}."}"#);
        assert_eq!(good.unwrap().version(), "2");
        for (json, expected) in [
            (
                r#"{"version":"2","text":"You agree to pay us something."}"#,
                "{terms}",
            ),
            (
                r#"{"version":"","text":"You agree to pay {terms} by {wallet}."}"#,
                "version",
            ),
            (
                r#"{"version":"a b","text":"You agree to pay {terms} by {wallet}."}"#,
                "version",
            ),
            (r#"{"version":"2","text":"{terms}"}"#, "20 to 500"),
            (
                r#"{"version":"2","text":"You agree to pay {terms}.","x":1}"#,
                "unknown field",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
