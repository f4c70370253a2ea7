//! Whether and when Stripe tries a payment that has failed again by itself.
//!
//! <https://docs.stripe.com/billing/revenue-recovery/smart-retries>

use super::periods::days;
use crate::error::ApiError;
use crate::state::Fields;
use crate::wallets;
use serde_json::Value;

/// Days after each failed attempt until the next. After the last one the account's settings decide.
///
/// Stripe chooses the times of its Smart Retries itself; these are those of a fixed schedule, which has at most three.
const AFTER_DAYS: [i64; 3] = [3, 5, 7];

/// The decline codes after which Stripe charges the same payment method no more.
const HARD_DECLINES: [&str; 9] = [
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "stolen_card",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
    "authentication_required",
    "highest_risk_level",
    "transaction_not_allowed",
];

/// Who asks for a payment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// The schedule, without anybody asking.
    Schedule,
    /// A request, or the customer.
    Request,
}

/// When a failed payment is tried again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// At this time, in seconds since the epoch.
    At(i64),
    /// Never, and the account's settings decide at this time.
    DecidedAt(i64),
    /// Never again: the retries are used up.
    UsedUp,
}

/// The number of attempts after one more, which only the schedule counts once there was one: types of npm stripe
/// 23.1.0, `Invoice.attempt_count`.
pub(crate) fn count(invoice: &Value, by: By) -> i64 {
    let before = invoice.int("attempt_count").unwrap_or(0);
    if by == By::Schedule || before == 0 {
        before + 1
    } else {
        before
    }
}

/// What follows the attempt that has failed now, of which the invoice has the number.
///
/// A hard decline leaves the schedule as it is, and the attempts to come are counted without being made. Without a
/// payment method, and with one that Stripe never tries again, there is no further attempt. That the account's settings
/// then decide when the schedule would have been over is an inference: the page names the schedule's length alone.
pub(crate) fn next(invoice: &Value, method: Option<&Value>, now: i64) -> Next {
    let made = usize::try_from(invoice.int("attempt_count").unwrap_or(1)).unwrap_or(1);
    let Some(wait) = AFTER_DAYS.get(made.saturating_sub(1)) else {
        return Next::UsedUp;
    };
    let kind = method.and_then(|method| method.text("type"));
    if kind.is_none_or(|kind| wallets::redirect(kind).is_some()) {
        let left = AFTER_DAYS.iter().skip(made.saturating_sub(1)).sum();
        return Next::DecidedAt(now + days(left));
    }
    Next::At(now + days(*wait))
}

/// Whether the bank has said that this payment method is not to be charged again.
pub(crate) fn is_hard(error: &ApiError) -> bool {
    let code = error.more.get("decline_code").and_then(Value::as_str);
    code.is_some_and(|code| HARD_DECLINES.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::{By, Next, count, is_hard, next};
    use crate::error::ApiError;
    use serde_json::{Value, json};

    const DAY: i64 = 86_400;

    fn after(attempts: i64, kind: Option<&str>) -> Next {
        let method = kind.map(|kind| json!({"type": kind}));
        next(&json!({"attempt_count": attempts}), method.as_ref(), 1000)
    }

    #[test]
    fn a_card_is_tried_three_times_more_and_a_wallet_without_retries_never() {
        assert_eq!(after(1, Some("card")), Next::At(1000 + 3 * DAY));
        assert_eq!(after(2, Some("card")), Next::At(1000 + 5 * DAY));
        assert_eq!(after(3, Some("card")), Next::At(1000 + 7 * DAY));
        assert_eq!(after(4, Some("card")), Next::UsedUp);
        for kind in [Some("amazon_pay"), Some("cashapp"), None] {
            assert_eq!(after(1, kind), Next::DecidedAt(1000 + 15 * DAY));
            // The method was replaced after the second attempt.
            assert_eq!(after(2, kind), Next::DecidedAt(1000 + 12 * DAY));
        }
    }

    #[test]
    fn requests_after_the_first_attempt_are_not_counted() {
        let tried = |attempts: i64| json!({"attempt_count": attempts});
        assert_eq!(count(&Value::Null, By::Request), 1);
        assert_eq!(count(&tried(0), By::Schedule), 1);
        assert_eq!(count(&tried(1), By::Request), 1);
        assert_eq!(count(&tried(1), By::Schedule), 2);
    }

    #[test]
    fn lost_cards_are_hard_declines_and_empty_accounts_are_not() {
        assert!(is_hard(&ApiError::card_declined("lost_card")));
        assert!(!is_hard(&ApiError::card_declined("insufficient_funds")));
        assert!(!is_hard(&ApiError::card("no code")));
    }
}
