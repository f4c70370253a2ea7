//! Answers that are lost, a table that fails and a process that dies while an invoice is given back.

use perennial_tests::{Answer, wait_until};
use serde_json::{Value, json};

use super::{
    super::{
        Subscriber,
        abandoned::{swept, waiting},
    },
    given_back, of, subscriber,
};
use crate::payments::all;

/// More calls of the table than a refund makes.
const CALLS: usize = 16;
const PART: u64 = 600;

impl Subscriber {
    /// Every credit note meets this fault.
    async fn credit_notes_meet(&self, fault: &str) {
        let fault = json!({"method": "POST", "path": "/v1/credit_notes", "fault": fault, "times": 99, "delay_ms": 1});
        self.app.stripe.fault(fault).await;
    }

    /// Asks until nobody else is at it.
    async fn refunded_in_the_end(&self, body: &Value) -> Answer {
        wait_until("its turn", async || {
            let answer = self.server_asks("refund", "k1", body).await;
            (!matches!(answer.status, 429 | 503)).then_some(answer)
        })
        .await
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_gives_back_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        for by_sweep in [false, true] {
            let (it, invoice) = subscriber().await;
            let body = of(&invoice, Some(PART));
            it.credit_notes_meet(fault).await;
            let first = it.server_asks("refund", "k1", &body).await;
            assert_eq!(first.expect_error(503), "stripe_unavailable", "{fault}");
            it.app.stripe.no_faults().await;
            if by_sweep {
                swept(&it, 5 * 60).await;
                assert_eq!(waiting(&it).await, 0, "{fault}");
                assert_eq!(it.gone_back().await, (PART, 1), "{fault}");
            }
            let again = it.refunded_in_the_end(&body).await.expect(200);
            assert_eq!(given_back(&again), (PART, 0), "{fault}");
            assert_eq!(again.json()["subscription"]["refunds"][0]["amount"], PART);
            assert_eq!(it.gone_back().await, (PART, 1), "{fault}");
            assert_eq!(it.told_of_refunds().await, 1, "{fault}");
        }
    }
}

/// Each has a gateway, a Stripe and a table of its own, so not all of them at once.
async fn some_at_a_time<F: Future<Output = ()>>(of: impl Fn(usize) -> F) {
    for first in (0..CALLS).step_by(4) {
        all((first..CALLS.min(first + 4)).map(&of)).await;
    }
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_a_refund() {
    some_at_a_time(|passing| async move {
        let (it, invoice) = subscriber().await;
        let body = of(&invoice, Some(PART));
        it.app.to_dynamodb.break_after("", passing);
        let first = it.server_asks("refund", "k1", &body).await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        if first.status != 200 {
            assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
        }
        it.app.quiet().await;
        let again = it.refunded_in_the_end(&body).await.expect(200);
        assert_eq!(given_back(&again), (PART, 0), "{passing}");
        it.app.quiet().await;
        assert_eq!(it.gone_back().await, (PART, 1), "{passing}");
        assert_eq!(it.mine().await["refunds"][0]["amount"], PART, "{passing}");
        assert_eq!(it.told_of_refunds().await, 1, "{passing}");
        assert_eq!(waiting(&it).await, 0, "{passing}");
    })
    .await;
}

/// Nobody asks again, so the sweep alone brings it to its end.
#[tokio::test]
async fn a_process_that_dies_after_any_write_gives_back_once_or_nothing() {
    some_at_a_time(|passing| async move {
        let (mut it, invoice) = subscriber().await;
        // A claim with which nothing was begun, which nobody has to look for.
        it.app.may_leave_work();
        it.app.to_dynamodb.break_after("", passing);
        it.server_asks("refund", "k1", &of(&invoice, Some(PART)))
            .await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        it.app.quiet().await;
        swept(&it, 5 * 60).await;
        assert_eq!(waiting(&it).await, 0, "{passing}");
        let (refunded, notes) = it.gone_back().await;
        assert_eq!(refunded, PART * notes as u64, "{passing}");
        assert!(notes <= 1, "{passing}: {notes}");
        assert_eq!(it.told_of_refunds().await, notes, "{passing}");
        let mine = it.mine().await["refunds"].clone();
        assert_eq!(mine.as_array().unwrap().len(), notes, "{passing}: {mine}");
    })
    .await;
}

#[tokio::test]
async fn what_was_meant_long_ago_is_not_given_back_any_more() {
    let (it, invoice) = subscriber().await;
    let body = of(&invoice, Some(PART));
    it.credit_notes_meet("timeout_before").await;
    it.server_asks("refund", "k1", &body).await;
    it.app.stripe.no_faults().await;
    swept(&it, 3600).await;
    assert_eq!(waiting(&it).await, 0);
    let again = it.server_asks("refund", "k1", &body).await;
    assert_eq!(again.expect_error(409), "subscription_changed");
    assert_eq!(it.gone_back().await, (0, 0));
}

#[tokio::test]
async fn what_stripe_refuses_is_told_and_gives_nothing_back() {
    let (it, invoice) = subscriber().await;
    let refusal = json!({"method": "POST", "path": "/v1/credit_notes", "fault": "status", "status": 400, "times": 1});
    it.app.stripe.fault(refusal).await;
    let refused = it.server_asks("refund", "k1", &of(&invoice, None)).await;
    assert_eq!(refused.expect_error(502), "stripe_refused");
    let again = it.server_asks("refund", "k1", &of(&invoice, None)).await;
    assert_eq!(again.expect_error(502), "stripe_refused");
    assert_eq!(it.gone_back().await, (0, 0));
    let other = it.server_asks("refund", "k2", &of(&invoice, None)).await;
    assert_eq!(given_back(&other.expect(200)), (1500, 0));
}
