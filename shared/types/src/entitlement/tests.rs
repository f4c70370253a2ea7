use super::*;
use crate::{Grant, Pause, Payment, PaymentState};

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
    entitlements(
        &plans(),
        subscriptions,
        &Grants::default(),
        now,
        AccessRules::default(),
    )
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
            &Grants::default(),
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
        let decided = entitlements(&plans, &[it], &Grants::default(), at(1), rules);
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
    let decided = entitlements(&plans(), &both, &Grants::default(), at(1), rules);
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

/// A grant of this plan until a day.
fn given(plan: &str, until: Option<i64>, quantity: Option<u64>) -> Grants {
    let mut given = Grants::default();
    let grant = Grant {
        price: "price_1".parse().unwrap(),
        until: until.map(at),
        quantity,
    };
    assert!(given.give(plan.parse().unwrap(), grant));
    given
}

#[test]
fn what_was_given_entitles_without_a_subscription_until_it_is_over() {
    let with = |grants: &Grants, day| {
        let decided = entitlements(&plans(), &[], grants, at(day), AccessRules::default());
        decided.into_values().next().unwrap()
    };
    let ends = given("basic", Some(10), None);
    let seen = with(&ends, 9);
    assert_eq!((seen.active, seen.because.as_str()), (true, "granted"));
    assert_eq!(seen.until, Some(at(10)));
    let over = with(&ends, 10);
    assert_eq!((over.active, over.because.as_str()), (false, "none"));
    let endless = with(&given("basic", None, Some(3)), 10_000);
    assert_eq!((endless.active, endless.until), (true, None));
    assert_eq!(endless.quantity, Some(3));
}

#[test]
fn nothing_that_is_paid_for_becomes_less_by_what_was_given() {
    let seats: Plans = serde_json::from_str(
        r#"{"basic":{"price":"price_1","group":"main","label":"Team","amount":1500,"currency":"usd","interval":"month","quantity":{"maximum":50}}}"#,
    )
    .unwrap();
    let five = Subscription {
        quantity: Some(5),
        ..subscription("active")
    };
    let trial = Subscription {
        status: Status::Trialing,
        trial_end: Some(at(14)),
        ..five.clone()
    };
    for (it, until, quantity, seen_until, seen_quantity) in [
        (&five, Some(10), Some(3), Some(30), 5),
        (&five, Some(40), Some(3), Some(40), 5),
        (&five, Some(10), Some(9), Some(30), 9),
        (&five, Some(10), None, Some(30), 5),
        (&five, None, Some(9), None, 9),
        (&trial, Some(20), Some(1), Some(20), 5),
    ] {
        let decided = entitlements(
            &seats,
            std::slice::from_ref(it),
            &given("basic", until, quantity),
            at(1),
            AccessRules::default(),
        );
        let seen = decided.into_values().next().unwrap();
        assert!(seen.active);
        assert_eq!(seen.until, seen_until.map(at), "{until:?}");
        assert_eq!(seen.quantity, Some(seen_quantity), "{quantity:?}");
        assert_eq!(seen.because, it.status.as_str());
    }
}

#[test]
fn what_was_given_entitles_beside_a_subscription_that_does_not() {
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
    for (it, because) in [
        (disputed, "dispute_lost"),
        (subscription("canceled"), "canceled"),
        (subscription("paused"), "paused"),
    ] {
        let decide = |grants: &Grants| {
            let all = std::slice::from_ref(&it);
            let decided = entitlements(&plans(), all, grants, at(1), rules);
            decided.into_values().next().unwrap()
        };
        let seen = decide(&given("basic", Some(2), None));
        assert_eq!((seen.active, seen.until), (true, Some(at(2))));
        assert_eq!(seen.because, "granted");
        let seen = decide(&given("basic", Some(1), None));
        assert_eq!((seen.active, seen.because.as_str()), (false, because));
    }
}

/// By the price that is paid, and not by the plan that was sold; and of what was given beside it.
#[test]
fn the_features_are_those_of_what_is_paid_for_or_was_given() {
    let plans: Plans = serde_json::from_str(
        r#"{"basic":{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month","features":["hd"]},
            "pro":{"price":"price_2","group":"main","label":"Pro","amount":2900,"currency":"usd","interval":"month","features":["offline","api","hd"],"former_prices":["price_0"]}}"#,
    )
    .unwrap();
    let of = |it: &[Subscription], grants: &Grants, day| {
        let all = entitlements(&plans, it, grants, at(day), AccessRules::default());
        let main = serde_json::to_value(all.get("main").unwrap()).unwrap();
        main["features"].clone()
    };
    let none = Grants::default();
    let basic = subscription("active");
    let paid = |price: &str| {
        let price: crate::PriceId = price.parse().unwrap();
        let it = Subscription {
            prices: Some(vec![price.clone()]),
            price: Some(price),
            ..subscription("active")
        };
        [it]
    };
    let pro = serde_json::json!(["api", "hd", "offline"]);
    assert_eq!(of(&[], &none, 1), serde_json::Value::Null);
    assert_eq!(
        of(std::slice::from_ref(&basic), &none, 1),
        serde_json::json!(["hd"])
    );
    assert_eq!(
        of(std::slice::from_ref(&basic), &none, 40),
        serde_json::Value::Null,
        "it is over"
    );
    assert_eq!(of(&paid("price_2"), &none, 1), pro);
    assert_eq!(of(&paid("price_0"), &none, 1), pro, "a former price");
    let mut given = Grants::default();
    let grant = Grant {
        price: "price_2".parse().unwrap(),
        until: Some(at(35)),
        quantity: None,
    };
    given.give("pro".parse().unwrap(), grant);
    assert_eq!(of(std::slice::from_ref(&basic), &given, 1), pro);
    assert_eq!(of(&[basic], &given, 34), pro, "the grant alone");
    assert_eq!(of(&[], &given, 35), serde_json::Value::Null);
}
