use super::*;
use crate::{Pause, PauseReason};

const NOW: Timestamp = Timestamp::from_unix(500);

fn at(status: &str) -> Subscription {
    Subscription {
        current_period_end: Some(Timestamp::from_unix(900)),
        ..Subscription::bare(status, "price_1")
    }
}

#[test]
fn a_shopper_ends_at_once_only_what_is_not_paid_for() {
    use CancelWhen::{Date, Now, PeriodEnd};
    for (status, shopper, server) in [
        ("active", &[PeriodEnd][..], &[PeriodEnd, Now, Date][..]),
        ("trialing", &[PeriodEnd, Now], &[PeriodEnd, Now, Date]),
        ("past_due", &[PeriodEnd, Now], &[PeriodEnd, Now, Date]),
        ("unpaid", &[Now], &[Now]),
        ("paused", &[Now], &[Now]),
    ] {
        let of = |by| at(status).actions(by, NOW, &Plans::default()).cancel;
        assert_eq!(of(By::Shopper).when, shopper, "{status}");
        assert_eq!(of(By::Server).when, server, "{status}");
        assert!(of(By::Shopper).open && of(By::Shopper).reason.is_none());
    }
}

#[test]
fn a_shopper_ends_at_once_what_is_given_back() {
    use CancelWhen::{Now, PeriodEnd};
    let plans = plans(r#","cancel_refund":"prorated""#);
    let cancel = |it: &Subscription| it.actions(By::Shopper, NOW, &plans).cancel;
    assert_eq!(cancel(&at("active")).when, [PeriodEnd, Now]);
    assert_eq!(cancel(&at("active")).refund, CancelRefund::Prorated);
    let ending = Subscription {
        ends_at: Some(Timestamp::from_unix(900)),
        ..at("active")
    };
    assert_eq!(cancel(&ending).when, [Now], "earlier than was asked for");
    assert_eq!(cancel(&at("canceled")).when, []);
}

#[test]
fn what_is_closed_says_why() {
    for (status, reason) in [
        ("canceled", NotNow::Ended),
        ("incomplete_expired", NotNow::Ended),
        ("incomplete", NotNow::NotConfirmed),
    ] {
        let actions = at(status).actions(By::Server, NOW, &Plans::default());
        assert_eq!(actions.cancel.reason, Some(reason), "{status}");
        assert_eq!(actions.withdraw_cancellation.reason, Some(reason));
        assert_eq!(actions.cancel.when, []);
    }
    let running = at("active").actions(By::Shopper, NOW, &Plans::default());
    let reason = running.withdraw_cancellation.reason;
    assert_eq!(reason, Some(NotNow::NotCanceling));
}

#[test]
fn what_is_going_to_end_can_be_kept_or_ended_earlier_where_that_is_allowed() {
    let ending = Subscription {
        ends_at: Some(Timestamp::from_unix(900)),
        ..at("active")
    };
    let shopper = ending.actions(By::Shopper, NOW, &Plans::default());
    assert!(shopper.withdraw_cancellation.open);
    assert_eq!(shopper.cancel.reason, Some(NotNow::Canceling));
    let server = ending.actions(By::Server, NOW, &Plans::default());
    assert_eq!(server.cancel.when, [CancelWhen::Now]);
}

fn plans(pause: &str) -> Plans {
    let plan = format!(
        r#"{{"basic":{{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"{pause}}}}}"#
    );
    serde_json::from_str(&plan).unwrap()
}

#[test]
fn a_shopper_pauses_as_long_as_the_plan_allows_and_a_server_as_it_wants() {
    for (pause, open, longest_days, open_end) in [
        ("", false, None, false),
        (r#","shopper_pause":90"#, true, Some(90), false),
        (r#","shopper_pause":"open""#, true, None, true),
    ] {
        let plans = plans(pause);
        let may = at("active").actions(By::Shopper, NOW, &plans).pause;
        assert_eq!(
            (may.open, may.longest_days),
            (open, longest_days),
            "{pause}"
        );
        assert_eq!(may.open_end, open_end, "{pause}");
        assert_eq!(may.reason, (!open).then_some(NotNow::NotAllowed));
        let server = at("active").actions(By::Server, NOW, &plans).pause;
        assert_eq!((server.open, server.open_end), (true, true));
    }
}

#[test]
fn a_shopper_changes_the_quantity_where_the_plan_lets_them_and_a_server_within_its_limits() {
    let limits = r#","quantity":{"minimum":2,"maximum":9"#;
    for (quantity, by, open) in [
        (String::new(), By::Server, false),
        (format!("{limits}}}"), By::Server, true),
        (format!("{limits}}}"), By::Shopper, false),
        (
            format!("{limits},\"shopper_may_change\":true}}"),
            By::Shopper,
            true,
        ),
    ] {
        let plans = plans(&quantity);
        let may = at("active").actions(by, NOW, &plans).change_quantity;
        assert_eq!(may.open, open, "{quantity}");
        assert_eq!(may.reason, (!open).then_some(NotNow::NotAllowed));
        let limits = open.then_some((2, 9));
        assert_eq!(may.minimum.zip(may.maximum), limits, "{quantity}");
        let owing = at("past_due").actions(by, NOW, &plans).change_quantity;
        assert_eq!(owing.reason, Some(NotNow::PaymentOpen));
        assert_eq!(owing.maximum, None);
    }
}

#[test]
fn what_cannot_be_paused_or_resumed_says_why() {
    let plans = plans(r#","shopper_pause":"open""#);
    let of = |it: &Subscription| {
        let actions = it.actions(By::Shopper, NOW, &plans);
        (actions.pause.reason, actions.resume.reason)
    };
    let paused = |status: &str, reason| Subscription {
        pause: Some(Pause {
            reason,
            since: None,
            resumes_at: None,
        }),
        ..at(status)
    };
    let not_paused = Some(NotNow::NotPaused);
    for (status, reason) in [
        ("active", None),
        ("trialing", Some(NotNow::InTrial)),
        ("past_due", Some(NotNow::PaymentOpen)),
        ("unpaid", Some(NotNow::PaymentOpen)),
    ] {
        assert_eq!(of(&at(status)), (reason, not_paused), "{status}");
    }
    let over = Some(NotNow::Ended);
    assert_eq!(of(&at("canceled")), (over, over));
    let paused_now = Some(NotNow::Paused);
    for (status, reason, resume) in [
        ("paused", PauseReason::PauseRequested, None),
        ("active", PauseReason::PauseCollection, None),
        (
            "paused",
            PauseReason::TrialEndWithoutPaymentMethod,
            Some(NotNow::PaymentOpen),
        ),
    ] {
        assert_eq!(
            of(&paused(status, reason)),
            (paused_now, resume),
            "{status}"
        );
    }
    let ending = Subscription {
        ends_at: Some(Timestamp::from_unix(900)),
        ..at("active")
    };
    assert_eq!(of(&ending), (Some(NotNow::Canceling), not_paused));
    let owing = Subscription {
        latest_invoice_status: Some(InvoiceStatus::Open),
        ..at("active")
    };
    assert_eq!(of(&owing), (Some(NotNow::PaymentOpen), not_paused));
}
