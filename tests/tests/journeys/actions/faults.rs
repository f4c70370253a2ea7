//! Stripe or the table fails in the middle of a cancellation.

use perennial_tests::wait_until;
use serde_json::{Value, json};

use super::{Subscriber, at_once, at_period_end};
use crate::payments::all;

const MONTHLY: &str = "stock-photos-monthly";

#[tokio::test]
async fn an_answer_of_stripe_that_is_lost_is_found_again() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = Subscriber::of(MONTHLY).await;
        let fault = json!({"method": "POST", "path": "/v1/subscriptions/*", "fault": fault,
            "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let first = it.server_asks("cancel", "k1", &at_period_end()).await;
        assert_eq!(first.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        let again = it.server_asks("cancel", "k1", &at_period_end()).await;
        let again = again.expect(200).json();
        assert_eq!(again["subscription"]["cancel_at_period_end"], true);
        it.app.quiet().await;
        assert_eq!(it.told().await, ["subscription.cancellation_scheduled"]);
    }
}

#[tokio::test]
async fn an_end_at_once_whose_answer_is_lost_is_told_as_done() {
    let it = Subscriber::of(MONTHLY).await;
    let path = format!("/v1/subscriptions/{}", it.id);
    let fault = json!({"method": "DELETE", "path": path, "fault": "severed", "times": 1});
    it.app.stripe.fault(fault).await;
    let answer = it.server_asks("cancel", "k1", &at_once()).await;
    // Stripe says no more than that there is none to end; it was this request that ended it.
    assert_eq!(answer.expect_error(409), "subscription_ended");
    assert_eq!(answer.json()["subscription"]["status"], "canceled");
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
}

#[tokio::test]
async fn a_refusal_of_stripe_changes_nothing_and_the_next_one_may_go_on() {
    let it = Subscriber::of(MONTHLY).await;
    for (status, code) in [
        (400, "stripe_refused"),
        (500, "stripe_unavailable"),
        (429, "stripe_busy"),
    ] {
        let fault = json!({"method": "POST", "path": "/v1/subscriptions/*", "fault": "status",
            "status": status, "times": 9});
        it.app.stripe.fault(fault).await;
        let answer = it.asks("cancel", &at_period_end()).await;
        let expected = if status == 429 {
            429
        } else if status == 400 {
            502
        } else {
            503
        };
        assert_eq!(answer.expect_error(expected), code, "{status}");
        it.app.stripe.no_faults().await;
    }
    assert_eq!(it.mine().await["ends_at"], Value::Null);
    it.asks("cancel", &at_period_end()).await.expect(200);
}

#[tokio::test]
async fn the_table_fails_after_any_of_its_calls() {
    all((0..12).map(fails_after)).await;
}

async fn fails_after(passing: usize) {
    let it = Subscriber::of(MONTHLY).await;
    it.app.to_dynamodb.break_after("", passing);
    let first = it.server_asks("cancel", "k1", &at_period_end()).await;
    it.app.to_dynamodb.break_after("", usize::MAX);
    if first.status != 200 {
        assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
    }
    it.app.quiet().await;
    let again = wait_until(
        "the claim is given back, or its lease is over",
        async || {
            let again = it.server_asks("cancel", "k1", &at_period_end()).await;
            (again.status != 429).then_some(again)
        },
    );
    let again = again.await.expect(200).json();
    assert_eq!(again["subscription"]["cancel_at_period_end"], true);
    it.app.quiet().await;
    let told = ["subscription.cancellation_scheduled"];
    assert_eq!(it.told().await, told, "{passing}");
}
