//! What a shop wants to hear about a subscription.

use serde::Serialize;

use crate::{PaymentState, Subscription, SubscriptionStatus};

/// A change, by the type of the event that tells the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Change {
    /// It is paid for, for the first time or again after it was not.
    #[serde(rename = "subscription.activated")]
    Activated,
    /// Its free trial has begun.
    #[serde(rename = "subscription.trialing")]
    Trialing,
    /// Another period is paid for.
    #[serde(rename = "subscription.renewed")]
    Renewed,
    /// A payment has failed and is tried again.
    #[serde(rename = "subscription.past_due")]
    PastDue,
    /// Nothing will be charged until the shopper gives a payment method.
    #[serde(rename = "subscription.payment_method_required")]
    PaymentMethodRequired,
    /// It has ended.
    #[serde(rename = "subscription.canceled")]
    Canceled,
}

impl Change {
    /// The event's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "subscription.activated",
            Self::Trialing => "subscription.trialing",
            Self::Renewed => "subscription.renewed",
            Self::PastDue => "subscription.past_due",
            Self::PaymentMethodRequired => "subscription.payment_method_required",
            Self::Canceled => "subscription.canceled",
        }
    }

    /// What has happened between two readings; nothing if a shop need not act on it.
    pub fn between(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        Self::of_status(old, new).or_else(|| {
            let lacks_method = |it: &Subscription| it.payment.state == PaymentState::MethodRequired;
            let lacked = old.is_some_and(lacks_method);
            (lacks_method(new) && !lacked && !new.status.is_terminal())
                .then_some(Self::PaymentMethodRequired)
        })
    }

    fn of_status(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        use SubscriptionStatus as Status;
        // One that never began has not ended either.
        let began = old.is_none_or(|old| !old.awaits_shopper());
        if new.awaits_shopper() || (!began && new.status.is_terminal()) {
            return None;
        }
        let old = old.filter(|_| began);
        let before = old.map(|old| &old.status);
        let same = before == Some(&new.status);
        match &new.status {
            // Stripe begins a period before it charges for it: an hour later, as a rule.
            Status::Active if same && is_paid(new) => {
                let ended = |it: &Subscription| it.current_period_end;
                let old = old.filter(|old| is_paid(old));
                (old.and_then(ended) < ended(new)).then_some(if is_first_after_trial(new) {
                    Self::Activated
                } else {
                    Self::Renewed
                })
            }
            _ if same => None,
            Status::Active if before == Some(&Status::Trialing) && !is_paid(new) => None,
            Status::Active => Some(Self::Activated),
            Status::Trialing => Some(Self::Trialing),
            Status::PastDue => Some(Self::PastDue),
            Status::Unpaid | Status::Paused => Some(Self::PaymentMethodRequired),
            Status::Canceled => Some(Self::Canceled),
            Status::IncompleteExpired | Status::Incomplete | Status::Other(_) => None,
        }
    }
}

/// Whether its newest bill is paid, as far as is known.
fn is_paid(it: &Subscription) -> bool {
    it.latest_invoice_status
        .as_deref()
        .is_none_or(|status| status == "paid")
}

fn is_first_after_trial(it: &Subscription) -> bool {
    it.trial_end.is_some() && it.trial_end == it.current_period_start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payment, PaymentReason, Timestamp};

    fn at(status: &str, end: i64) -> Subscription {
        Subscription {
            id: "sub_1".parse().unwrap(),
            status: status.to_owned().into(),
            plan: None,
            price: None,
            wallet: None,
            current_period_start: None,
            current_period_end: Some(Timestamp::from_unix(end)),
            trial_end: None,
            cancel_at_period_end: false,
            latest_invoice_status: None,
            payment: Payment::default(),
        }
    }

    fn unconfirmed(status: &str) -> Subscription {
        let payment = Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
        Subscription {
            payment,
            ..at(status, 1)
        }
    }

    #[test]
    fn a_trial_begins_once_its_payment_method_is_confirmed() {
        for (before, after, expected) in [
            (None, unconfirmed("trialing"), None),
            (
                Some(unconfirmed("trialing")),
                at("trialing", 1),
                Some(Change::Trialing),
            ),
            (Some(unconfirmed("trialing")), at("canceled", 1), None),
            (Some(at("incomplete", 1)), at("canceled", 1), None),
            (
                Some(at("incomplete", 1)),
                at("active", 1),
                Some(Change::Activated),
            ),
        ] {
            assert_eq!(
                Change::between(before.as_ref(), &after),
                expected,
                "{before:?}"
            );
        }
    }

    #[test]
    fn each_step_of_a_subscription_is_told_once() {
        for (before, after, expected) in [
            (None, at("active", 1), Some(Change::Activated)),
            (None, at("trialing", 1), Some(Change::Trialing)),
            (None, at("incomplete", 1), None),
            (
                Some(at("trialing", 1)),
                at("active", 2),
                Some(Change::Activated),
            ),
            (Some(at("active", 1)), at("active", 1), None),
            (
                Some(at("active", 1)),
                at("active", 2),
                Some(Change::Renewed),
            ),
            (
                Some(at("active", 2)),
                at("past_due", 2),
                Some(Change::PastDue),
            ),
            (Some(at("past_due", 2)), at("past_due", 2), None),
            (
                Some(at("past_due", 2)),
                at("active", 2),
                Some(Change::Activated),
            ),
            (
                Some(at("past_due", 2)),
                at("unpaid", 2),
                Some(Change::PaymentMethodRequired),
            ),
            (
                Some(at("trialing", 2)),
                at("paused", 2),
                Some(Change::PaymentMethodRequired),
            ),
            (
                Some(at("active", 2)),
                at("canceled", 2),
                Some(Change::Canceled),
            ),
            (Some(at("incomplete", 2)), at("incomplete_expired", 2), None),
        ] {
            assert_eq!(
                Change::between(before.as_ref(), &after),
                expected,
                "{after:?}"
            );
        }
    }

    #[test]
    fn a_period_is_told_once_it_is_paid_for_and_however_often_it_is_read_before() {
        let active = |end: i64, invoice: &str| Subscription {
            latest_invoice_status: Some(invoice.to_owned()),
            current_period_start: Some(Timestamp::from_unix(end - 1)),
            ..at("active", end)
        };
        let after_trial = |invoice: &str| Subscription {
            trial_end: Some(Timestamp::from_unix(1)),
            ..active(2, invoice)
        };
        let trial = Subscription {
            latest_invoice_status: Some("paid".to_owned()),
            ..at("trialing", 1)
        };
        for (before, after, expected) in [
            (&active(1, "paid"), &active(2, "draft"), None),
            (&active(2, "draft"), &active(2, "open"), None),
            (
                &active(2, "draft"),
                &active(2, "paid"),
                Some(Change::Renewed),
            ),
            (
                &active(1, "paid"),
                &active(2, "paid"),
                Some(Change::Renewed),
            ),
            (&active(2, "paid"), &active(2, "paid"), None),
            (
                &active(2, "draft"),
                &at("past_due", 2),
                Some(Change::PastDue),
            ),
            (&trial, &after_trial("draft"), None),
            (
                &after_trial("draft"),
                &after_trial("paid"),
                Some(Change::Activated),
            ),
            (&trial, &after_trial("paid"), Some(Change::Activated)),
        ] {
            assert_eq!(Change::between(Some(before), after), expected, "{after:?}");
        }
    }

    #[test]
    fn a_payment_method_that_is_gone_is_told_once_while_the_status_stays() {
        let well = at("active", 1);
        let lost = Payment::new(PaymentState::MethodRequired, PaymentReason::MethodDetached);
        let ill = Subscription {
            payment: lost,
            ..at("active", 1)
        };
        let told = Some(Change::PaymentMethodRequired);
        assert_eq!(Change::between(Some(&well), &ill), told);
        assert_eq!(Change::between(Some(&ill), &ill), None);
        assert_eq!(Change::between(Some(&ill), &well), None);
    }
}
