//! Pauses and their ends beside each other, without an answer, and left half done.

use perennial_tests::wait_until;
use serde_json::{Value, json};

use super::{super::Subscriber, DAY, MONTHLY, seconds};
use crate::payments::{all, text};

#[tokio::test]
async fn two_devices_pause_and_resume_once() {
    let it = Subscriber::of(MONTHLY).await;
    let body = json!({"until": it.days_ahead(30).await});
    let answers = all((0..5).map(|_| it.asks("pause", &body))).await;
    for answer in answers {
        assert_eq!(
            answer.expect(200).json()["subscription"]["status"],
            "paused"
        );
    }
    assert_eq!(it.asked_stripe("pause").await, 1);
    let none = json!({});
    let answers = all((0..5).map(|_| it.asks("resume", &none))).await;
    let resumed = answers.iter().filter(|it| it.status == 200).count();
    assert_eq!(resumed, 1);
    for answer in answers.iter().filter(|it| it.status != 200) {
        assert_eq!(answer.expect_error(409), "subscription_not_paused");
    }
    assert_eq!(it.asked_stripe("resume").await, 1);
    it.app.quiet().await;
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

#[tokio::test]
async fn two_sweeps_and_a_shopper_end_a_pause_once() {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(20 * DAY).await;
    it.pause_for(30).await;
    it.pass(30 * DAY).await;
    let before = it.charged().await;
    let none = json!({});
    let (_, _, asked) = tokio::join!(it.sweep(), it.sweep(), it.asks("resume", &none));
    // A sweep may hold the subscription for longer than a request waits.
    assert!([200, 409, 429].contains(&asked.status), "{asked:?}");
    it.app.quiet().await;
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.asked_stripe("resume").await, 1);
    assert!(it.charged().await - before <= 1500);
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

#[tokio::test]
async fn a_pause_whose_answer_is_lost_has_its_end_all_the_same() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = Subscriber::of(MONTHLY).await;
        let body = json!({"until": it.days_ahead(30).await});
        let path = format!("/v1/subscriptions/{}/pause", it.id);
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault.clone()).await;
        let first = it.asks("pause", &body).await;
        assert_eq!(first.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        // Nobody comes back, but the sweep.
        it.pass(120).await;
        assert_eq!(it.sweep().await["pending"], 1, "{fault}");
        let mine = it.mine().await;
        assert_eq!(mine["status"], "paused", "{fault}");
        assert_eq!(mine["pause"]["resumes_at"], body["until"], "{fault}");
        it.pass(30 * DAY).await;
        assert_eq!(it.sweep().await["over"], 1);
        assert_eq!(it.mine().await["status"], "active");
        // The sweep of a test is ahead of the worker, and an event's id has the time of who wrote it.
        let mut told = it.app.table.items_of("OUT#").await;
        told.sort_by_key(|event| event["sequence"].as_u64());
        let told: Vec<&str> = told.iter().map(|event| text(&event["type"])).collect();
        let expected = [
            "subscription.activated",
            "subscription.paused",
            "subscription.resumed",
        ];
        assert_eq!(told, expected, "{fault}");
    }
}

#[tokio::test]
async fn a_resumption_whose_answer_is_lost_charges_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = Subscriber::of(MONTHLY).await;
        it.pass(20 * DAY).await;
        it.pause_for(30).await;
        it.pass(30 * DAY).await;
        let path = format!("/v1/subscriptions/{}/resume", it.id);
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault.clone()).await;
        assert_eq!(it.sweep().await["failed"], 1);
        it.app.stripe.no_faults().await;
        it.pass(10 * 60).await;
        assert_eq!(it.sweep().await["failed"], 0, "{fault}");
        assert_eq!(it.mine().await["status"], "active", "{fault}");
        let invoices = it.app.stripe.objects("invoice").await;
        // The first period, the credit of the pause, and the period after it.
        assert_eq!(invoices.len(), 3, "{fault}");
        it.next_request().await;
        assert_eq!(
            it.told().await,
            ["subscription.paused", "subscription.resumed"]
        );
    }
}

/// Each has a gateway, a Stripe and a table of its own, so not all of them at once.
async fn some_at_a_time<F: Future<Output = ()>>(
    numbers: std::ops::Range<usize>,
    of: impl Fn(usize) -> F,
) {
    for first in numbers.clone().step_by(4) {
        let last = numbers.end.min(first + 4);
        all((first..last).map(&of)).await;
    }
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_a_pause() {
    some_at_a_time(0..14, pause_fails_after).await;
}

async fn pause_fails_after(passing: usize) {
    let it = Subscriber::of(MONTHLY).await;
    let body = json!({"until": it.days_ahead(30).await});
    it.app.to_dynamodb.break_after("", passing);
    let first = it.server_asks("pause", "k1", &body).await;
    it.app.to_dynamodb.break_after("", usize::MAX);
    if first.status != 200 {
        assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
    }
    it.app.quiet().await;
    let again = wait_until(
        "the claim is given back, or its lease is over",
        async || {
            let again = it.server_asks("pause", "k1", &body).await;
            (![429, 503].contains(&again.status)).then_some(again)
        },
    );
    let again = again.await.expect(200).json();
    assert_eq!(again["subscription"]["pause"]["resumes_at"], body["until"]);
    it.app.quiet().await;
    assert_eq!(it.asked_stripe("pause").await, 1, "{passing}");
    it.pass(120).await;
    it.sweep().await;
    it.pass(30 * DAY).await;
    assert_eq!(it.sweep().await["over"], 1, "{passing}");
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

/// Whoever asked is gone, and so is everybody else: the sweep alone has to bring it to its end.
#[tokio::test]
async fn a_process_that_dies_after_any_write_of_a_pause_leaves_none_without_its_end() {
    some_at_a_time(0..14, abandoned_pause).await;
}

async fn abandoned_pause(passing: usize) {
    let it = Subscriber::of(MONTHLY).await;
    let until = it.days_ahead(30).await;
    it.app.to_dynamodb.break_after("", passing);
    it.asks("pause", &json!({"until": until})).await;
    it.app.to_dynamodb.break_after("", usize::MAX);
    it.app.quiet().await;
    it.pass(120).await;
    it.sweep().await;
    it.next_request().await;
    let mine = it.mine().await;
    if it.at_stripe().await["status"] == "active" {
        // It was never asked for at Stripe, and nothing of it is left to happen later.
        assert_eq!(it.noted().await, (Value::Null, Value::Null), "{passing}");
        return;
    }
    assert_eq!(mine["pause"]["resumes_at"], until, "{passing}: {mine}");
    it.pass(30 * DAY).await;
    assert_eq!(it.sweep().await["over"], 1, "{passing}");
    assert_eq!(it.at_stripe().await["status"], "active");
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_the_end_of_a_pause() {
    some_at_a_time(0..16, end_fails_after).await;
}

async fn end_fails_after(passing: usize) {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(20 * DAY).await;
    it.pause_for(30).await;
    it.pass(30 * DAY).await;
    it.app.to_dynamodb.break_after("", passing);
    it.swept().await;
    it.app.to_dynamodb.break_after("", usize::MAX);
    // An event that the worker has given up meanwhile is applied by the sweep.
    for _ in 0..3 {
        it.app.stripe.advance(40 * 60).await;
        it.swept().await;
    }
    it.app.quiet().await;
    assert_eq!(it.mine().await["status"], "active", "{passing}");
    assert_eq!(it.app.stripe.objects("invoice").await.len(), 3, "{passing}");
    assert_eq!(it.noted().await, (Value::Null, Value::Null), "{passing}");
    it.next_request().await;
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

#[tokio::test]
async fn a_pause_beside_a_renewal_is_refused_or_credits_what_is_paid() {
    let it = Subscriber::of(MONTHLY).await;
    // The new period has begun, and its invoice is a draft for an hour.
    let end = seconds(&it.mine().await["current_period_end"]);
    it.pass(end - it.now().await + 60).await;
    let body = json!({"until": it.days_ahead(20).await});
    let refused = it.asks("pause", &body).await;
    assert_eq!(refused.expect_error(409), "payment_open");
    it.pass(2 * 3600).await;
    let preview = json!({"pause": {"until": it.days_ahead(20).await}});
    let preview = it.asks("preview", &preview).await.expect(200).json();
    assert!(
        preview["credit"]["amount"].as_i64().unwrap() > 1450,
        "{preview}"
    );
    it.asks("pause", &body).await.expect(200);
}

#[tokio::test]
async fn a_pause_that_dies_after_giving_a_change_up_is_made_by_the_sweep() {
    let it = Subscriber::of("stock-photos-team").await;
    let cheaper = json!({"plan": MONTHLY});
    let preview = it.asks("preview", &cheaper).await.expect(200).json();
    let change = json!({"preview": preview["preview"]});
    it.asks("change", &change).await.expect(200);
    let path = format!("/v1/subscriptions/{}/pause", it.id);
    let fault = json!({"method": "POST", "path": path, "fault": "timeout_before", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    let first = it.asks("pause", &json!({})).await;
    assert_eq!(first.expect_error(503), "stripe_unavailable");
    assert_eq!(it.at_stripe().await["schedule"], Value::Null);
    it.app.stripe.no_faults().await;
    let sweeper = crate::sweeps::sweeper(&it.app, 120).await;
    let swept = crate::sweeps::sweep(&sweeper, "open").await;
    assert_eq!(swept["actions"]["ended"], 1, "{swept}");
    assert_eq!(it.at_stripe().await["status"], "paused");
}

#[tokio::test]
async fn the_end_of_a_pause_charges_nothing_for_what_is_going_to_end() {
    let it = Subscriber::of(MONTHLY).await;
    it.pause_for(10).await;
    let charged = it.charged().await;
    let end = it.days_ahead(25).await;
    let end = seconds(&end).to_string();
    it.post(&[("cancel_at", &end), ("proration_behavior", "none")])
        .await;
    it.pass(11 * DAY).await;
    it.sweep().await;
    assert_eq!(it.at_stripe().await["status"], "paused");
    assert_eq!(it.charged().await, charged);
    // Taken back, it goes on.
    it.post(&[("cancel_at", "")]).await;
    it.pass(15 * DAY).await;
    assert_eq!(it.sweep().await["over"], 1);
    assert_eq!(it.at_stripe().await["status"], "active");
}
