use super::*;
use crate::{Pause, PauseReason, Payment, Timestamp};

fn at(status: &str, end: i64) -> Subscription {
    Subscription {
        current_period_end: Some(Timestamp::from_unix(end)),
        ..Subscription::bare(status, "price_1")
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
        let seen = Change::between(before.as_ref(), &after, false);
        assert_eq!(seen, Vec::from_iter(expected), "{before:?}");
    }
}

/// It lacks one from the start, and is told of as one that asks for it only if it had one.
#[test]
fn a_trial_without_a_payment_method_begins_as_any_other() {
    let lacks = |status| Subscription {
        payment: Payment::new(PaymentState::MethodRequired, PaymentReason::MethodMissing),
        ..at(status, 1)
    };
    for (before, after, expected) in [
        (None, lacks("trialing"), vec![Change::Trialing]),
        (Some(lacks("trialing")), lacks("trialing"), vec![]),
        (
            Some(at("trialing", 1)),
            lacks("trialing"),
            vec![Change::PaymentMethodRequired],
        ),
        (
            None,
            lacks("active"),
            vec![Change::Activated, Change::PaymentMethodRequired],
        ),
    ] {
        let seen = Change::between(before.as_ref(), &after, true);
        assert_eq!(seen, expected, "{before:?}");
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
        let seen = Change::between(before.as_ref(), &after, false);
        assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
    }
}

#[test]
fn a_period_is_told_once_it_is_paid_for_and_however_often_it_is_read_before() {
    let active = |end: i64, invoice: &str| Subscription {
        latest_invoice_status: Some(invoice.to_owned().into()),
        current_period_start: Some(Timestamp::from_unix(end - 1)),
        ..at("active", end)
    };
    let after_trial = |invoice: &str| Subscription {
        trial_end: Some(Timestamp::from_unix(1)),
        ..active(2, invoice)
    };
    let trial = Subscription {
        latest_invoice_status: Some(InvoiceStatus::Paid),
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
        let seen = Change::between(Some(before), after, false);
        assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
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
    let told = [Change::PaymentMethodRequired];
    assert_eq!(Change::between(Some(&well), &ill, false), told);
    assert_eq!(Change::between(Some(&ill), &ill, false), []);
    assert_eq!(Change::between(Some(&ill), &well, false), []);
}

#[test]
fn another_payment_method_is_told_where_both_are_known() {
    let paid_by = |status: &str, method: Option<&str>| Subscription {
        payment_method: method.map(|method| method.parse().unwrap()),
        ..at(status, 1)
    };
    let changed = [Change::PaymentMethodChanged];
    for (before, after, told) in [
        (Some("pm_1"), Some("pm_2"), &changed[..]),
        (Some("pm_1"), Some("pm_1"), &[]),
        // An older version has noted none.
        (None, Some("pm_1"), &[]),
        (Some("pm_1"), None, &[]),
        (None, None, &[]),
    ] {
        let before = paid_by("active", before);
        let after = paid_by("active", after);
        assert_eq!(Change::between(Some(&before), &after, false), told);
    }
    let one = paid_by("active", Some("pm_1"));
    let begun = Change::between(None, &one, false);
    assert_eq!(begun, [Change::Activated], "the first one is no other one");
    let confirmed = Change::between(Some(&paid_by("incomplete", Some("pm_2"))), &one, false);
    assert_eq!(confirmed, [Change::Activated]);
    let ended = Change::between(Some(&one), &paid_by("canceled", Some("pm_2")), false);
    assert_eq!(ended, [Change::Canceled]);
    let paid = Change::between(Some(&paid_by("past_due", Some("pm_2"))), &one, false);
    assert_eq!(paid, [Change::Activated, Change::PaymentMethodChanged]);
}

#[test]
fn a_payment_that_is_not_tried_again_asks_for_a_method_at_once() {
    let last = Payment::new(
        PaymentState::MethodRequired,
        PaymentReason::RetriesExhausted,
    );
    let failed = Subscription {
        payment: last,
        ..at("past_due", 2)
    };
    let told = [Change::PastDue, Change::PaymentMethodRequired];
    assert_eq!(
        Change::between(Some(&at("active", 2)), &failed, false),
        told
    );
    let given_up = Subscription {
        payment: last,
        ..at("unpaid", 2)
    };
    let told = [Change::PaymentMethodRequired];
    assert_eq!(Change::between(Some(&failed), &given_up, false), told);
    assert_eq!(
        Change::between(Some(&at("past_due", 2)), &given_up, false),
        told,
        "once, and not twice"
    );
}

fn paused(status: &str, reason: PauseReason) -> Subscription {
    Subscription {
        pause: Some(Pause {
            reason,
            since: None,
            resumes_at: None,
        }),
        ..at(status, 2)
    }
}

#[test]
fn a_pause_on_purpose_is_told_apart_from_one_for_lack_of_a_payment() {
    use PauseReason as Reason;
    let active = at("active", 2);
    for (reason, told) in [
        (Reason::PauseRequested, Change::Paused),
        (Reason::System, Change::Paused),
        (Reason::Other("later".to_owned()), Change::Paused),
        (
            Reason::TrialEndWithoutPaymentMethod,
            Change::PaymentMethodRequired,
        ),
        (Reason::FirstPaymentFailure, Change::PaymentMethodRequired),
        (Reason::FinalPaymentFailure, Change::PaymentMethodRequired),
    ] {
        let back = if reason.lacks_payment() {
            Change::Activated
        } else {
            Change::Resumed
        };
        let paused = paused("paused", reason);
        assert_eq!(
            Change::between(Some(&active), &paused, false),
            [told],
            "{paused:?}"
        );
        assert_eq!(
            Change::between(Some(&paused), &paused, false),
            [],
            "{paused:?}"
        );
        assert_eq!(
            Change::between(Some(&paused), &active, false),
            [back],
            "{paused:?}"
        );
    }
    let collection = paused("active", Reason::PauseCollection);
    let told = [Change::Paused];
    assert_eq!(Change::between(Some(&active), &collection, false), told);
    assert_eq!(Change::between(Some(&collection), &collection, false), []);
    let told = [Change::Resumed];
    assert_eq!(Change::between(Some(&collection), &active, false), told);
    let told = [Change::Paused];
    let whole = paused("paused", Reason::PauseRequested);
    assert_eq!(Change::between(Some(&collection), &whole, false), told);
    let told = [Change::Canceled];
    assert_eq!(
        Change::between(Some(&collection), &at("canceled", 2), false),
        told
    );
}

#[test]
fn an_end_is_told_when_it_is_set_moved_or_taken_back() {
    let ending = |end: i64| Subscription {
        ends_at: Some(Timestamp::from_unix(end)),
        ..at("active", 2)
    };
    let by_an_older_version = Subscription {
        cancel_at_period_end: true,
        ..at("active", 2)
    };
    let active = at("active", 2);
    let (scheduled, withdrawn) = (Change::CancellationScheduled, Change::CancellationWithdrawn);
    for (before, after, expected) in [
        (&active, &ending(2), &[scheduled][..]),
        (&ending(2), &ending(2), &[]),
        (&ending(2), &ending(1), &[scheduled]),
        (&ending(2), &active, &[withdrawn]),
        (&by_an_older_version, &ending(2), &[]),
        (&by_an_older_version, &active, &[withdrawn]),
        (&ending(2), &at("canceled", 2), &[Change::Canceled]),
    ] {
        assert_eq!(
            Change::between(Some(before), after, false),
            expected,
            "{after:?}"
        );
    }
    let told = [Change::Activated, scheduled];
    assert_eq!(Change::between(None, &ending(2), false), told);
}

#[test]
fn other_add_ons_are_told_and_what_is_none_is_another_plan() {
    let of = |items: &[(&str, Option<&str>, u64)]| {
        let extra = items.iter().map(|(price, name, quantity)| ExtraItem {
            name: name.map(|name| name.parse().unwrap()),
            price: price.parse().unwrap(),
            quantity: Some(*quantity),
        });
        let addons: Vec<_> = extra.collect();
        let all = addons.iter().map(|it| it.price.clone());
        Subscription {
            prices: Some(all.chain(["price_1".parse().unwrap()]).collect()),
            addons,
            quantity: Some(1),
            ..at("active", 1)
        }
    };
    let (named, unnamed) = (Some("storage"), None);
    for (before, after, expected) in [
        (
            &[][..],
            &[("price_s", named, 1)][..],
            &[Change::AddonsChanged][..],
        ),
        (
            &[("price_s", named, 1)],
            &[("price_s", named, 2)],
            &[Change::AddonsChanged],
        ),
        (&[("price_s", named, 1)], &[], &[Change::AddonsChanged]),
        (
            &[("price_s", named, 1)],
            &[("price_t", named, 1)],
            &[Change::AddonsChanged],
        ),
        (&[("price_s", named, 1)], &[("price_s", named, 1)], &[]),
        // The configuration has come to know it, or has forgotten it.
        (&[("price_s", unnamed, 1)], &[("price_s", named, 1)], &[]),
        (&[("price_s", named, 1)], &[("price_s", unnamed, 1)], &[]),
        (&[], &[("price_s", unnamed, 1)], &[Change::PlanChanged]),
        (&[("price_s", unnamed, 1)], &[("price_s", unnamed, 2)], &[]),
    ] {
        let seen = Change::between(Some(&of(before)), &of(after), false);
        assert_eq!(seen, expected, "{before:?} {after:?}");
    }
    let more = Subscription {
        quantity: Some(2),
        ..of(&[("price_s", named, 1)])
    };
    let both = [Change::QuantityChanged, Change::AddonsChanged];
    assert_eq!(Change::between(Some(&of(&[])), &more, false), both);
    // An older version has noted the prices and no items.
    let older = Subscription {
        addons: Vec::new(),
        ..of(&[("price_s", named, 1)])
    };
    let now = of(&[("price_s", named, 1)]);
    assert_eq!(
        Change::between(Some(&older), &now, false),
        [Change::AddonsChanged]
    );
}

#[test]
fn another_quantity_is_told_by_itself_and_with_another_price_once() {
    let of = |price: &str, quantity: Option<u64>| Subscription {
        prices: Some(vec![price.parse().unwrap()]),
        quantity,
        ..at("active", 2)
    };
    let two = of("price_1", Some(2));
    for (before, after, expected) in [
        (of("price_1", Some(5)), &two, Some(Change::QuantityChanged)),
        (of("price_1", Some(2)), &two, None),
        // As an older version has noted it.
        (of("price_1", None), &two, None),
        (of("price_2", Some(5)), &two, Some(Change::PlanChanged)),
    ] {
        let seen = Change::between(Some(&before), after, false);
        assert_eq!(seen, Vec::from_iter(expected), "{before:?}");
    }
    let going_to = |quantity: Option<u64>| Subscription {
        pending_change: Some(PendingChange {
            plan: None,
            price: "price_1".parse().unwrap(),
            quantity,
            addons: None,
            at: Timestamp::from_unix(2),
        }),
        ..of("price_1", Some(5))
    };
    let five = of("price_1", Some(5));
    for (before, after, expected) in [
        (&five, &going_to(Some(2)), Some(Change::ChangeScheduled)),
        (&going_to(None), &going_to(Some(2)), None),
        (
            &going_to(Some(3)),
            &going_to(Some(2)),
            Some(Change::ChangeScheduled),
        ),
        (&going_to(Some(2)), &two, Some(Change::QuantityChanged)),
        (&going_to(Some(2)), &five, Some(Change::ChangeWithdrawn)),
    ] {
        let seen = Change::between(Some(before), after, false);
        assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
    }
}

#[test]
fn another_price_is_told_and_another_name_is_not() {
    let charged = |prices: &[&str]| Subscription {
        prices: Some(prices.iter().map(|price| price.parse().unwrap()).collect()),
        ..at("active", 2)
    };
    let told = [Change::PlanChanged];
    let one = charged(&["price_1"]);
    assert_eq!(Change::between(Some(&at("active", 2)), &one, false), []);
    assert_eq!(
        Change::between(Some(&one), &charged(&["price_2"]), false),
        told
    );
    let both = charged(&["price_1", "price_2"]);
    assert_eq!(Change::between(Some(&one), &both, false), told);
    let renamed = Subscription {
        plan: Some("starter".parse().unwrap()),
        ..one.clone()
    };
    assert_eq!(Change::between(Some(&one), &renamed, false), []);
}
