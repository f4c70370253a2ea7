//! What a user is entitled to, over all of their subscriptions.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{PlanGroup, Plans, Subscription, SubscriptionStatus, Timestamp};

/// The answer for one plan group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Whether the user has it.
    pub active: bool,
    /// The end of the period that is paid for or in trial.
    pub until: Option<Timestamp>,
    /// The status of the subscription that decided it; `none` without any, and `incomplete` also for
    /// a trial whose payment method the shopper has yet to confirm.
    pub because: String,
}

/// One answer for each configured plan group. A subscription that entitles beats any that does
/// not, and a later end beats an earlier one, so that an old subscription that dies cannot take
/// away what a newer one gives.
pub fn entitlements(
    plans: &Plans,
    subscriptions: &[Subscription],
) -> BTreeMap<PlanGroup, Entitlement> {
    plans
        .groups()
        .into_iter()
        .map(|group| {
            let best = subscriptions
                .iter()
                .filter(|subscription| in_group(plans, subscription, group))
                .max_by_key(|subscription| {
                    (subscription.entitles(), subscription.current_period_end)
                });
            (group.clone(), answer(best))
        })
        .collect()
}

fn in_group(plans: &Plans, subscription: &Subscription, group: &PlanGroup) -> bool {
    subscription
        .plan
        .as_ref()
        .and_then(|plan| plans.get(plan.as_str()))
        .is_some_and(|(_, plan)| plan.group == *group)
}

fn answer(best: Option<&Subscription>) -> Entitlement {
    match best {
        None => Entitlement {
            active: false,
            until: None,
            because: "none".to_owned(),
        },
        Some(subscription) => {
            let active = subscription.entitles();
            Entitlement {
                active,
                until: subscription.current_period_end.filter(|_| active),
                because: if subscription.awaits_shopper() {
                    SubscriptionStatus::Incomplete.as_str().to_owned()
                } else {
                    subscription.status.as_str().to_owned()
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Payment, PaymentReason, PaymentState};

    fn subscription(id: &str, status: &str, end: i64) -> Subscription {
        Subscription {
            id: id.parse().unwrap(),
            status: status.to_owned().into(),
            plan: Some("basic".parse().unwrap()),
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

    fn decide(subscriptions: &[Subscription]) -> Entitlement {
        let plans: Plans = serde_json::from_str(
            r#"{"basic":{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"}}"#,
        )
        .unwrap();
        entitlements(&plans, subscriptions)
            .into_values()
            .next()
            .unwrap()
    }

    #[test]
    fn an_old_subscription_that_expires_takes_nothing_away() {
        let (old, new) = (
            subscription("sub_1", "incomplete_expired", 900),
            subscription("sub_2", "active", 500),
        );
        for order in [vec![old.clone(), new.clone()], vec![new, old]] {
            let entitlement = decide(&order);
            assert!(entitlement.active);
            assert_eq!(entitlement.until, Some(Timestamp::from_unix(500)));
            assert_eq!(entitlement.because, "active");
        }
    }

    #[test]
    fn each_status_decides_as_documented() {
        for (status, active) in [
            ("active", true),
            ("trialing", true),
            ("past_due", true),
            ("unpaid", false),
            ("incomplete", false),
            ("incomplete_expired", false),
            ("canceled", false),
            ("paused", false),
            ("something_new", false),
        ] {
            let entitlement = decide(&[subscription("sub_1", status, 500)]);
            assert_eq!(entitlement.active, active, "{status}");
            assert_eq!(entitlement.because, status);
            assert_eq!(entitlement.until.is_some(), active);
        }
    }

    #[test]
    fn a_trial_that_nobody_has_confirmed_gives_nothing() {
        let mut trial = subscription("sub_1", "trialing", 500);
        trial.payment = Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
        let entitlement = decide(&[trial]);
        assert!(!entitlement.active);
        assert_eq!(entitlement.because, "incomplete");
        assert_eq!(entitlement.until, None);
    }

    #[test]
    fn without_a_subscription_the_answer_is_no() {
        let entitlement = decide(&[]);
        assert!(!entitlement.active);
        assert_eq!(entitlement.because, "none");
    }
}
