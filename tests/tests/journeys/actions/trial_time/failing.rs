//! Answers that are lost, a table that fails and a process that dies while the end of a trial is set.

use super::{
    super::{
        Subscriber,
        abandoned::{swept, waiting},
        pausing::seconds,
    },
    PRICE, now,
};
use crate::payments::all;

/// More calls of the table than ending a trial makes.
const CALLS: usize = 16;

#[tokio::test]
async fn an_answer_that_is_lost_charges_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = Subscriber::in_trial().await;
        it.fails_with(fault).await;
        let first = it.server_asks("trial", "k1", &now()).await;
        assert_eq!(first.expect_error(503), "stripe_unavailable", "{fault}");
        it.app.stripe.no_faults().await;
        let again = it.in_the_end("k1", &now()).await.expect(200).json();
        assert_eq!(again["subscription"]["status"], "active", "{fault}");
        assert_eq!(it.charged().await, PRICE, "{fault}");
        assert_eq!(it.tried().await, 1, "{fault}");
        it.app.quiet().await;
        assert_eq!(it.told().await, ["subscription.activated"], "{fault}");
    }
}

#[tokio::test]
async fn a_decline_whose_answer_is_lost_is_told_when_it_is_asked_again() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    it.method_meets("decline").await;
    it.fails_with("severed").await;
    let first = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(first.expect_error(503), "stripe_unavailable");
    it.app.stripe.no_faults().await;
    let again = it.in_the_end("k1", &now()).await;
    assert_eq!(again.expect_error(402), "trial_end_declined");
    it.app.quiet().await;
    it.is_untouched(&ends).await;
}

/// Each has a gateway, a Stripe and a table of its own, so not all of them at once.
async fn some_at_a_time<F: Future<Output = ()>>(of: impl Fn(usize) -> F) {
    for first in (0..CALLS).step_by(4) {
        all((first..CALLS.min(first + 4)).map(&of)).await;
    }
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_an_end() {
    some_at_a_time(|passing| async move {
        let it = Subscriber::in_trial().await;
        it.app.to_dynamodb.break_after("", passing);
        let first = it.server_asks("trial", "k1", &now()).await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        if first.status != 200 {
            assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
        }
        it.app.quiet().await;
        let again = it.in_the_end("k1", &now()).await.expect(200).json();
        assert_eq!(again["subscription"]["status"], "active", "{passing}");
        it.app.quiet().await;
        assert_eq!((it.tried().await, it.charged().await), (1, PRICE));
        assert_eq!(it.told().await, ["subscription.activated"], "{passing}");
        assert_eq!(waiting(&it).await, 0, "{passing}");
    })
    .await;
}

/// Nobody asks again, so the sweep alone brings it to its end.
#[tokio::test]
async fn a_process_that_dies_after_any_write_charges_once_or_not_at_all() {
    some_at_a_time(|passing| async move {
        let mut it = Subscriber::in_trial().await;
        // A claim with which nothing was begun, which nobody has to look for.
        it.app.may_leave_work();
        let ends = it.mine().await["trial_end"].clone();
        it.app.to_dynamodb.break_after("", passing);
        it.server_asks("trial", "k1", &now()).await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        it.app.quiet().await;
        swept(&it, 5 * 60).await;
        assert_eq!(waiting(&it).await, 0, "{passing}");
        if it.at_stripe().await["status"] == "trialing" {
            assert_eq!(it.tried().await, 0, "{passing}");
            it.is_untouched(&ends).await;
            return;
        }
        assert_eq!(it.mine().await["status"], "active", "{passing}");
        assert_eq!((it.tried().await, it.charged().await), (1, PRICE));
        assert_eq!(it.told().await, ["subscription.activated"], "{passing}");
    })
    .await;
}

#[tokio::test]
async fn what_was_meant_long_ago_no_longer_ends_a_trial() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    it.fails_with("timeout_before").await;
    it.server_asks("trial", "k1", &now()).await;
    it.app.stripe.no_faults().await;
    swept(&it, 3600).await;
    assert_eq!(waiting(&it).await, 0);
    it.is_untouched(&ends).await;
    let again = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(again.expect_error(409), "subscription_changed");
    assert_eq!(it.tried().await, 0);
}

#[tokio::test]
async fn a_trial_that_ends_by_itself_is_not_ended_beside_that() {
    let it = Subscriber::in_trial().await;
    let ends = seconds(&it.mine().await["trial_end"]);
    it.pass(ends - 300 - it.now().await).await;
    it.fails_with("timeout_before").await;
    let first = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(first.expect_error(503), "stripe_unavailable");
    it.app.stripe.no_faults().await;
    let sent = it.changes().await;
    it.pass(600).await;
    let again = it.in_the_end("k1", &now()).await;
    assert_eq!(again.expect_error(409), "subscription_not_in_trial");
    assert_eq!(it.changes().await, sent);
    it.pass(2 * 3600).await;
    assert_eq!(it.charged().await, PRICE);

    let it = Subscriber::in_trial().await;
    let ends = seconds(&it.mine().await["trial_end"]);
    it.pass(ends - 30 - it.now().await).await;
    for (key, body) in [("k1", now()), ("k2", it.ends_in(9).await)] {
        let late = it.server_asks("trial", key, &body).await;
        assert_eq!(late.expect_error(409), "subscription_not_in_trial");
    }
    assert_eq!(it.changes().await, 0);
}
