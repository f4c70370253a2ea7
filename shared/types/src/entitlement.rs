//! What a user is entitled to, over all of their subscriptions.

use std::{collections::BTreeMap, str::FromStr};

use serde::Serialize;
use thiserror::Error;

use crate::{
    Disputes, EntitledAddon, PauseReason, PaymentReason, PlanGroup, Plans, Subscription,
    SubscriptionStatus as Status, Timestamp,
};

/// How long an entitlement outlives what is known to be paid for.
///
/// A renewal is charged about an hour after its period has begun, its event may be late, and who
/// cannot be charged is not cut off at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    seconds: i64,
}

/// Why a grace is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the grace is from 1 to 60 whole days")]
pub struct GraceError;

const DAY_SECONDS: i64 = 24 * 3600;

impl Default for Grace {
    /// Three days: as long as Stripe sends a webhook again
    /// (<https://docs.stripe.com/webhooks#automatic-retries>).
    fn default() -> Self {
        Self {
            seconds: 3 * DAY_SECONDS,
        }
    }
}

impl FromStr for Grace {
    type Err = GraceError;

    /// From whole days. Less than one would take away what every renewal gives back an hour later.
    fn from_str(text: &str) -> Result<Self, GraceError> {
        let days = text.parse().ok().filter(|days| (1..=60).contains(days));
        days.map(|days: i64| Self {
            seconds: days * DAY_SECONDS,
        })
        .ok_or(GraceError)
    }
}

/// What a disputed payment does to what the subscription entitles to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DisputedAccess {
    /// Nothing.
    #[default]
    Keep,
    /// It entitles to nothing once a dispute is lost.
    SuspendWhenLost,
    /// It entitles to nothing while a dispute is open, and once one is lost.
    Suspend,
}

impl FromStr for DisputedAccess {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(Self::Keep),
            "suspend_when_lost" => Ok(Self::SuspendWhenLost),
            "suspend" => Ok(Self::Suspend),
            _ => Err("it must be keep, suspend_when_lost or suspend"),
        }
    }
}

impl DisputedAccess {
    /// Why a subscription with these disputes entitles to nothing, if it does not.
    fn suspended(self, disputes: Disputes) -> Option<PaymentReason> {
        match self {
            Self::Keep => None,
            Self::SuspendWhenLost => disputes.lost.then_some(PaymentReason::DisputeLost),
            Self::Suspend => disputes.reason(),
        }
    }
}

/// What the shop has decided about entitlements.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessRules {
    /// How long one outlives what is paid for.
    pub grace: Grace,
    /// What a dispute does to it.
    pub disputed: DisputedAccess,
}

/// The answer for one plan group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Whether the user has it.
    pub active: bool,
    /// When it ends unless something is paid by then; never in the past while it is active.
    pub until: Option<Timestamp>,
    /// The status of the subscription that decided it; `none` without any, `incomplete` also for a
    /// trial whose payment method the shopper has yet to confirm, and `lapsed` for one whose time
    /// is over although Stripe has told nothing of its end; `disputed` or `dispute_lost` for one that
    /// would entitle if nothing were claimed back.
    pub because: String,
    /// How many of the plan are paid for; only of one that is sold in quantities, while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// The add-ons of the plan that are paid for, while it is active.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addons: Vec<EntitledAddon>,
}

/// One answer for each configured plan group, by the prices that are charged and the plans that
/// have them today. A subscription that entitles beats any that does not, and a later end beats an
/// earlier one, so that an old subscription that dies cannot take away what a newer one gives.
pub fn entitlements(
    plans: &Plans,
    subscriptions: &[Subscription],
    now: Timestamp,
    rules: AccessRules,
) -> BTreeMap<PlanGroup, Entitlement> {
    plans
        .groups()
        .into_iter()
        .map(|group| {
            let best = subscriptions
                .iter()
                .filter(|subscription| subscription.is_of_group(plans, group))
                .map(|subscription| (answer(subscription, now, rules), subscription))
                .max_by_key(|(answer, subscription)| {
                    (answer.active, answer.until, subscription.current_period_end)
                });
            let best = best.map(|(answer, subscription)| Entitlement {
                quantity: subscription
                    .quantity_of(plans, group)
                    .filter(|_| answer.active),
                addons: if answer.active {
                    subscription.addons_of(plans, group)
                } else {
                    Vec::new()
                },
                ..answer
            });
            (group.clone(), best.unwrap_or_else(none))
        })
        .collect()
}

fn none() -> Entitlement {
    Entitlement {
        active: false,
        until: None,
        because: "none".to_owned(),
        quantity: None,
        addons: Vec::new(),
    }
}

fn answer(subscription: &Subscription, now: Timestamp, rules: AccessRules) -> Entitlement {
    // Whatever the clock says, the current period has begun.
    let now = subscription
        .current_period_start
        .map_or(now, |start| start.max(now));
    let span = span(subscription, rules.grace);
    let runs = span.is_some_and(|span| span.last.is_none_or(|last| now < last));
    let suspended = rules.disputed.suspended(subscription.disputes);
    let suspended = suspended.filter(|_| runs);
    let active = runs && suspended.is_none();
    let because = match &subscription.status {
        _ if suspended == Some(PaymentReason::Disputed) => "disputed",
        _ if suspended.is_some() => "dispute_lost",
        _ if subscription.awaits_shopper() => Status::Incomplete.as_str(),
        _ if !active && paused_here(subscription).is_some() => Status::Paused.as_str(),
        Status::Active | Status::Trialing if !active => "lapsed",
        status => status.as_str(),
    };
    Entitlement {
        active,
        until: span
            .filter(|_| active)
            .and_then(|span| span.firm.filter(|firm| now < *firm).or(span.last)),
        because: because.to_owned(),
        quantity: None,
        addons: Vec::new(),
    }
}

/// How long a subscription entitles; without an end if none is known.
#[derive(Clone, Copy)]
struct Span {
    /// When the next payment falls due.
    firm: Option<Timestamp>,
    /// When the grace after that is over.
    last: Option<Timestamp>,
}

impl Span {
    fn with_grace(firm: Option<Timestamp>, grace: Grace) -> Self {
        let last = firm.map(|firm| firm.plus_seconds(grace.seconds));
        Self { firm, last }
    }

    /// What is not paid for entitles by its grace alone.
    fn grace_alone(paid: Timestamp, grace: Grace) -> Self {
        let last = Some(paid.plus_seconds(grace.seconds));
        Self { firm: last, last }
    }

    /// Nothing is charged any more once it has ended, so there is no grace after that.
    fn up_to(self, end: Option<Timestamp>) -> Self {
        let earliest = |it: Option<Timestamp>| it.into_iter().chain(end).min();
        Self {
            firm: earliest(self.firm),
            last: earliest(self.last),
        }
    }
}

/// Since when invoices are not collected because its user or the shop has paused it here. A pause of the collection
/// that was made elsewhere gives the time away.
fn paused_here(it: &Subscription) -> Option<Timestamp> {
    let pause = it.pause.as_ref()?;
    let collection = pause.reason == PauseReason::PauseCollection && it.status == Status::Active;
    pause.since.filter(|_| collection)
}

fn span(it: &Subscription, grace: Grace) -> Option<Span> {
    if it.awaits_shopper() {
        return None;
    }
    let paid = it.paid_until.or(it.current_period_end);
    if let Some(since) = paused_here(it) {
        // The period in which it was paused is paid for, and none after it is.
        let runs = it.current_period_start.is_none_or(|start| start <= since);
        return runs.then(|| {
            Span {
                firm: paid,
                last: paid,
            }
            .up_to(it.planned_end())
        });
    }
    let span = match it.status {
        Status::Trialing => Span::with_grace(it.trial_end.or(it.current_period_end), grace),
        Status::Active => match paid.filter(|_| paid < it.current_period_end) {
            Some(paid) => Span::grace_alone(paid, grace),
            None => Span::with_grace(paid, grace),
        },
        // An account may leave what is never paid past due, and each new period is tried in turn:
        // only the first of them counts.
        Status::PastDue if it.next_payment_attempt.is_some() && paid >= it.current_period_start => {
            Span::with_grace(it.next_payment_attempt, grace)
        }
        Status::PastDue if paid < it.current_period_start => Span::grace_alone(paid?, grace),
        // Stripe never tries again with this method. After several tries, time enough has passed.
        Status::PastDue if it.payment_attempts <= 1 => Span::grace_alone(paid?, grace),
        _ => return None,
    };
    Some(span.up_to(it.planned_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pause, Payment, PaymentState};

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_unix(day * DAY)
    }

    /// Of the period from day 0 to day 30.
    fn subscription(status: &str) -> Subscription {
        Subscription {
            plan: Some("basic".parse().unwrap()),
            prices: Some(vec!["price_1".parse().unwrap()]),
            current_period_start: Some(at(0)),
            current_period_end: Some(at(30)),
            ..Subscription::bare(status, "price_1")
        }
    }

    fn plans() -> Plans {
        serde_json::from_str(
            r#"{"basic":{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"}}"#,
        )
        .unwrap()
    }

    fn decide(subscriptions: &[Subscription], now: Timestamp) -> Entitlement {
        entitlements(&plans(), subscriptions, now, AccessRules::default())
            .into_values()
            .next()
            .unwrap()
    }

    /// Checks, for some days, until when it is active; none when it is not.
    #[track_caller]
    fn check(subscription: &Subscription, days: &[(i64, Option<i64>)]) {
        for (day, until) in days {
            let entitlement = decide(std::slice::from_ref(subscription), at(*day));
            let seen = entitlement.until.filter(|_| entitlement.active);
            assert_eq!(seen, until.map(at), "on day {day}: {entitlement:?}");
            assert_eq!(entitlement.active, until.is_some(), "on day {day}");
        }
    }

    #[test]
    fn a_plan_that_is_sold_in_quantities_says_how_many_there_are() {
        let once = plans();
        let seats: Plans = serde_json::from_str(
            r#"{"team":{"price":"price_1","group":"main","label":"Team","amount":1500,"currency":"usd","interval":"month","quantity":{"maximum":50}},
                "more":{"price":"price_2","group":"more","label":"More","amount":100,"currency":"usd","interval":"month","quantity":{"maximum":50}}}"#,
        )
        .unwrap();
        let five = Subscription {
            quantity: Some(5),
            ..subscription("active")
        };
        let of = |plans: &Plans, it: &Subscription, group: &str, day| {
            let all = entitlements(
                plans,
                std::slice::from_ref(it),
                at(day),
                AccessRules::default(),
            );
            all.get(group).unwrap().quantity
        };
        assert_eq!(of(&seats, &five, "main", 1), Some(5));
        assert_eq!(of(&seats, &five, "main", 40), None, "it is over");
        assert_eq!(of(&once, &five, "main", 1), None);
        // An item that was added at Stripe: of how many is not noted.
        let both = Subscription {
            prices: Some(vec!["price_1".parse().unwrap(), "price_2".parse().unwrap()]),
            ..five
        };
        assert_eq!(of(&seats, &both, "main", 1), Some(5));
        assert_eq!(of(&seats, &both, "more", 1), None);
    }

    #[test]
    fn an_old_subscription_that_expires_takes_nothing_away() {
        let old = subscription("incomplete_expired");
        let mut new = subscription("active");
        new.current_period_end = Some(at(20));
        for order in [vec![old.clone(), new.clone()], vec![new, old]] {
            let entitlement = decide(&order, at(10));
            assert!(entitlement.active);
            assert_eq!(entitlement.until, Some(at(20)));
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
            let entitlement = decide(&[subscription(status)], at(10));
            assert_eq!(entitlement.active, active, "{status}");
            assert_eq!(entitlement.because, status);
            assert_eq!(entitlement.until.is_some(), active);
        }
    }

    #[test]
    fn a_pause_of_the_collection_gives_time_away_only_if_it_was_made_elsewhere() {
        let paused = |since: Option<i64>, start: i64| Subscription {
            pause: Some(Pause {
                reason: PauseReason::PauseCollection,
                since: since.map(at),
                resumes_at: None,
            }),
            current_period_start: Some(at(start)),
            current_period_end: Some(at(start + 30)),
            ..subscription("active")
        };
        check(&paused(None, 0), &[(29, Some(30)), (31, Some(33))]);
        check(&paused(None, 30), &[(31, Some(60))]);
        check(&paused(Some(5), 0), &[(29, Some(30)), (30, None)]);
        check(&paused(Some(5), 30), &[(31, None)]);
        let again = decide(&[paused(Some(5), 30)], at(31));
        assert_eq!(again.because, "paused");
    }

    #[test]
    fn a_period_that_is_over_entitles_by_its_grace_alone() {
        check(
            &subscription("active"),
            &[(29, Some(30)), (30, Some(33)), (32, Some(33)), (33, None)],
        );
        let lapsed = decide(&[subscription("active")], at(40));
        assert_eq!((lapsed.until, lapsed.because.as_str()), (None, "lapsed"));
        let trial = Subscription {
            trial_end: Some(at(14)),
            ..subscription("trialing")
        };
        check(&trial, &[(13, Some(14)), (14, Some(17)), (17, None)]);
    }

    #[test]
    fn a_scheduled_end_has_no_grace() {
        for (end, days) in [
            (30, [(29, Some(30)), (30, None)]),
            (12, [(11, Some(12)), (12, None)]),
            // It is renewed before.
            (45, [(29, Some(30)), (32, Some(33))]),
            (31, [(30, Some(31)), (31, None)]),
        ] {
            let ending = Subscription {
                ends_at: Some(at(end)),
                ..subscription("active")
            };
            check(&ending, &days);
        }
        let flagged = Subscription {
            cancel_at_period_end: true,
            ..subscription("active")
        };
        check(&flagged, &[(29, Some(30)), (30, None)]);
        let retried = Subscription {
            ends_at: Some(at(5)),
            next_payment_attempt: Some(at(8)),
            ..subscription("past_due")
        };
        check(&retried, &[(4, Some(5)), (5, None)]);
    }

    #[test]
    fn past_due_entitles_while_a_further_try_is_due() {
        let due = |paid: i64, attempts: u64, next: Option<i64>| Subscription {
            paid_until: Some(at(paid)),
            payment_attempts: attempts,
            next_payment_attempt: next.map(at),
            ..subscription("past_due")
        };
        check(
            &due(0, 2, Some(8)),
            &[(1, Some(8)), (9, Some(11)), (11, None), (100, None)],
        );
        // Tried once, and never again.
        check(&due(0, 1, None), &[(1, Some(3)), (3, None), (100, None)]);
        // Tried as often as Stripe does.
        check(&due(0, 4, None), &[(1, None), (15, None)]);
        // By a clock that is behind, the next period has begun all the same.
        check(&due(-30, 1, None), &[(-29, None)]);
        // The period before is not paid either, so the tries of this one give nothing.
        check(&due(-30, 1, Some(3)), &[(-29, None), (1, None)]);
        // The grace of what was paid reaches into this period, however often that was tried.
        check(&due(-1, 2, None), &[(0, Some(2)), (2, None)]);
    }

    #[test]
    fn what_is_paid_beyond_the_period_entitles_as_long() {
        let ahead = Subscription {
            paid_until: Some(at(40)),
            ..subscription("active")
        };
        check(&ahead, &[(35, Some(40)), (41, Some(43)), (43, None)]);
        assert_eq!("3".parse(), Ok(Grace::default()));
    }

    #[test]
    fn a_renewal_that_is_not_paid_yet_entitles_by_the_grace_alone() {
        let draft = Subscription {
            paid_until: Some(at(0)),
            ..subscription("active")
        };
        check(&draft, &[(0, Some(3)), (2, Some(3)), (3, None)]);
    }

    #[test]
    fn a_plan_is_found_by_its_price_and_not_by_the_name_that_was_written() {
        let mut renamed = subscription("active");
        renamed.plan = Some("starter".parse().unwrap());
        check(&renamed, &[(1, Some(30))]);
        let mut switched = subscription("active");
        switched.prices = Some(vec!["price_2".parse().unwrap()]);
        assert_eq!(decide(&[switched], at(1)).because, "none");
    }

    #[test]
    fn a_trial_that_nobody_has_confirmed_gives_nothing() {
        let mut trial = subscription("trialing");
        trial.payment = Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
        let entitlement = decide(&[trial], at(1));
        assert!(!entitlement.active);
        assert_eq!(entitlement.because, "incomplete");
        assert_eq!(entitlement.until, None);
    }

    #[test]
    fn without_a_subscription_the_answer_is_no() {
        let entitlement = decide(&[], at(1));
        assert!(!entitlement.active);
        assert_eq!(entitlement.because, "none");
    }

    #[test]
    fn a_dispute_takes_away_what_the_shop_has_decided() {
        use DisputedAccess::{Keep, Suspend, SuspendWhenLost};
        let plans = plans();
        let decide = |status: &str, disputes: Disputes, disputed: DisputedAccess| {
            let it = Subscription {
                disputes,
                ..subscription(status)
            };
            let rules = AccessRules {
                disputed,
                ..AccessRules::default()
            };
            let decided = entitlements(&plans, &[it], at(1), rules);
            decided.into_values().next().unwrap()
        };
        let of = |open: bool, lost: bool| Disputes { open, lost };
        for (disputes, disputed, because) in [
            (of(false, false), Keep, None),
            (of(false, false), Suspend, None),
            (of(true, true), Keep, None),
            (of(true, false), SuspendWhenLost, None),
            (of(false, true), SuspendWhenLost, Some("dispute_lost")),
            // One that is open beside it gives nothing back.
            (of(true, true), SuspendWhenLost, Some("dispute_lost")),
            (of(true, false), Suspend, Some("disputed")),
            (of(false, true), Suspend, Some("dispute_lost")),
            (of(true, true), Suspend, Some("disputed")),
        ] {
            let decided = decide("active", disputes, disputed);
            let until = because.is_none().then(|| at(30));
            let seen = (decided.active, decided.until, decided.because.as_str());
            let expected = (because.is_none(), until, because.unwrap_or("active"));
            assert_eq!(seen, expected, "{disputes:?} {disputed:?}");
        }
        // What would not entitle anyway says why by itself.
        let ended = decide("canceled", of(true, true), Suspend);
        assert_eq!((ended.active, ended.because.as_str()), (false, "canceled"));
    }

    #[test]
    fn another_subscription_of_the_group_entitles_beside_one_that_is_disputed() {
        let disputed = Subscription {
            disputes: Disputes {
                open: false,
                lost: true,
            },
            ..subscription("active")
        };
        let rules = AccessRules {
            disputed: DisputedAccess::Suspend,
            ..AccessRules::default()
        };
        let both = [subscription("active"), disputed];
        let decided = entitlements(&plans(), &both, at(1), rules);
        let decided = decided.into_values().next().unwrap();
        assert_eq!((decided.active, decided.because.as_str()), (true, "active"));
    }

    #[test]
    fn a_grace_is_whole_days() {
        assert_eq!("3".parse(), Ok(Grace::default()));
        for text in ["0", "61", "-1", "1.5", "", "three"] {
            assert_eq!(text.parse::<Grace>(), Err(GraceError), "{text}");
        }
    }
}
