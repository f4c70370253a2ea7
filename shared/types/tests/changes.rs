//! What a shop is told of a subscription that nobody here has heard of while it lived.

#![allow(clippy::unwrap_used)]

use perennial_types::{
    Change, Disputes, FailureReason, InvoiceStatus, Payment, PaymentReason, PaymentState, Refunded,
    Subscription, Timestamp,
};

fn at(status: &str) -> Subscription {
    Subscription {
        id: "sub_1".parse().unwrap(),
        status: status.to_owned().into(),
        plan: None,
        price: Some("price_1".parse().unwrap()),
        prices: None,
        sold_as: None,
        wallet: None,
        payment_method: None,
        current_period_start: None,
        current_period_end: Some(Timestamp::from_unix(1000)),
        paid_until: None,
        trial_end: None,
        reminded: None,
        ends_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        quantity: None,
        addons: Vec::new(),
        pending_change: None,
        pause: None,
        latest_invoice_status: Some(InvoiceStatus::Paid),
        latest_paid_invoice: None,
        payment_attempts: 0,
        next_payment_attempt: None,
        refunds: Vec::new(),
        disputes: Disputes::default(),
        payment: Payment::default(),
    }
}

/// One with a free trial until 500, that has ended at this time.
fn with_trial(status: &str, ended: Option<i64>) -> Subscription {
    Subscription {
        trial_end: Some(Timestamp::from_unix(500)),
        ends_at: ended.map(Timestamp::from_unix),
        ..at(status)
    }
}

/// Of which the shopper had not confirmed the method of the trial when it was read.
fn unconfirmed_trial() -> Subscription {
    let payment = Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
    Subscription {
        payment,
        ..with_trial("trialing", None)
    }
}

#[test]
fn what_has_begun_and_ended_unheard_is_told_from_its_beginning() {
    use Change::{Activated, Canceled, Trialing};
    let unpaid_after_trial = Subscription {
        latest_invoice_status: Some(InvoiceStatus::Open),
        ..with_trial("canceled", Some(900))
    };
    for (after, began, expected) in [
        (at("canceled"), true, &[Activated, Canceled][..]),
        (at("canceled"), false, &[]),
        (at("incomplete_expired"), false, &[]),
        (
            with_trial("canceled", Some(400)),
            true,
            &[Trialing, Canceled],
        ),
        (
            with_trial("canceled", Some(500)),
            true,
            &[Trialing, Canceled],
        ),
        (with_trial("canceled", Some(400)), false, &[]),
        (
            with_trial("canceled", Some(900)),
            true,
            &[Trialing, Activated, Canceled],
        ),
        (unpaid_after_trial, true, &[Trialing, Canceled]),
    ] {
        for before in [None, Some(at("incomplete")), Some(unconfirmed_trial())] {
            let told = Change::between(before.as_ref(), &after, began);
            assert_eq!(told, expected, "{before:?} {after:?}");
        }
    }
}

#[test]
fn what_has_begun_and_fallen_behind_unheard_is_told_from_its_beginning() {
    use Change::{Activated, PastDue, PaymentMethodRequired, Trialing};
    for (after, expected) in [
        (at("past_due"), [Activated, PastDue]),
        (at("unpaid"), [Activated, PaymentMethodRequired]),
        (with_trial("past_due", None), [Trialing, PastDue]),
        (
            with_trial("paused", None),
            [Trialing, PaymentMethodRequired],
        ),
    ] {
        for before in [None, Some(at("incomplete"))] {
            let told = Change::between(before.as_ref(), &after, false);
            assert_eq!(told, expected, "{before:?} {after:?}");
        }
    }
}

#[test]
fn what_was_heard_of_is_told_once() {
    for (before, after, expected) in [
        (at("active"), at("canceled"), &[Change::Canceled][..]),
        (at("canceled"), at("canceled"), &[]),
        (at("active"), at("past_due"), &[Change::PastDue]),
    ] {
        for began in [false, true] {
            let told = Change::between(Some(&before), &after, began);
            assert_eq!(told, expected, "{before:?} {after:?}");
        }
    }
}

#[test]
fn a_change_is_written_as_the_event_that_tells_it() {
    for change in [
        Change::Activated,
        Change::Trialing,
        Change::TrialEnding,
        Change::RenewalUpcoming,
        Change::Renewed,
        Change::PastDue,
        Change::PaymentMethodRequired,
        Change::PlanChanged,
        Change::CancellationScheduled,
        Change::CancellationWithdrawn,
        Change::Paused,
        Change::Resumed,
        Change::Canceled,
    ] {
        let written = serde_json::to_value(change).unwrap();
        assert_eq!(written, change.as_str());
    }
}

#[test]
fn a_checkout_of_what_has_ended_says_whether_money_was_taken() {
    let ended = |it: &Subscription| FailureReason::of_ended(it);
    assert_eq!(ended(&at("active")), None);
    assert_eq!(
        ended(&at("canceled")),
        Some(FailureReason::EndedAfterPayment)
    );
    assert_eq!(
        ended(&with_trial("canceled", Some(400))),
        Some(FailureReason::EndedInTrial)
    );
}

#[test]
fn one_that_has_ended_or_waits_for_its_shopper_stands_in_nobodys_way() {
    let unconfirmed = Subscription {
        payment: Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen),
        ..at("trialing")
    };
    for (subscription, ours, others) in [
        (at("active"), true, true),
        (at("past_due"), true, true),
        (at("incomplete"), false, true),
        (unconfirmed, false, true),
        (at("canceled"), false, false),
        (at("incomplete_expired"), false, false),
    ] {
        assert_eq!(subscription.stands(true), ours, "{subscription:?}");
        assert_eq!(subscription.stands(false), others, "{subscription:?}");
    }
}

#[test]
fn a_refund_is_full_once_nothing_of_the_payment_is_left() {
    for (amount, is_full) in [(999, false), (1000, true), (1001, true)] {
        let refunded = Refunded {
            invoice: "in_1".to_owned(),
            amount,
            paid: 1000,
            currency: None,
        };
        assert_eq!(refunded.is_full(), is_full, "{amount}");
    }
}

#[test]
fn an_end_of_a_trial_is_told_once_and_another_end_again() {
    let told = |at: Option<i64>| Subscription {
        reminded: at.map(Timestamp::from_unix),
        ..with_trial("trialing", None)
    };
    for (before, after, expected) in [
        (Some(told(None)), told(None), &[][..]),
        (Some(told(None)), told(Some(500)), &[Change::TrialEnding]),
        (Some(told(Some(500))), told(Some(500)), &[]),
        (
            Some(told(Some(500))),
            told(Some(900)),
            &[Change::TrialEnding],
        ),
        (
            None,
            told(Some(500)),
            &[Change::Trialing, Change::TrialEnding],
        ),
        (
            Some(told(Some(500))),
            with_trial("active", None),
            &[Change::Activated],
        ),
    ] {
        let changes = Change::between(before.as_ref(), &after, false);
        assert_eq!(changes, expected, "{before:?} {after:?}");
    }
}

#[test]
fn the_end_of_a_trial_is_near_for_three_days_and_only_if_it_goes_on() {
    let end = 10 * 24 * 3600;
    let trial = Subscription {
        trial_end: Some(Timestamp::from_unix(end)),
        current_period_end: Some(Timestamp::from_unix(end)),
        ..at("trialing")
    };
    let is_near = |it: &Subscription, before: i64| {
        it.near_trial_end(Timestamp::from_unix(end - before))
            .is_some()
    };
    for (before, near) in [
        (4 * 24 * 3600, false),
        (3 * 24 * 3600 + 3601, false),
        (3 * 24 * 3600, true),
        (1, true),
        (0, false),
        (-1, false),
    ] {
        assert_eq!(is_near(&trial, before), near, "{before}");
    }
    let canceled = Subscription {
        cancel_at_period_end: true,
        ..trial.clone()
    };
    let ends_later = Subscription {
        ends_at: Some(Timestamp::from_unix(end + 1)),
        ..trial.clone()
    };
    let unconfirmed = Subscription {
        payment: unconfirmed_trial().payment,
        ..trial.clone()
    };
    let paid = Subscription {
        status: "active".to_owned().into(),
        ..trial
    };
    assert!(is_near(&ends_later, 60));
    for it in [canceled, unconfirmed, paid] {
        assert!(!is_near(&it, 60), "{it:?}");
    }
}
