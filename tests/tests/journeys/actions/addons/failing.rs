//! A change of add-ons that is not paid, whose answer is lost, or whose caller dies in the middle of it.

use serde_json::{Value, json};

use super::{entitled, pairs, subscriber};
use crate::{
    actions::{
        abandoned::{swept, waiting},
        plans::{agree, charged, preview},
    },
    payments::{all, text},
};

/// When the sweep comes round, in seconds.
const SOON: i64 = 5 * 60;
/// More calls of the table than a change makes.
const CALLS: usize = 12;
/// So many shops are there at once.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn what_is_not_paid_is_not_there() {
    let it = subscriber(json!({"storage": 1, "support": 1})).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let before = json!([["storage", 1], ["support", 1]]);
    // The one waits at Stripe for its payment, the other, which takes an item away, is refused as a whole.
    for ask in [
        json!({"addons": {"storage": 9}}),
        json!({"addons": {"storage": 9, "support": 0}, "when": "now"}),
    ] {
        let shown = preview(&it, ask).await;
        it.app.stripe.charges_of(&method, "decline").await;
        let refused = agree(&it, &shown).await;
        assert_eq!(refused.expect_error(402), "change_declined");
        it.app.stripe.charges_of(&method, "succeed").await;
        it.app.quiet().await;
        assert_eq!(entitled(&it).await, before);
        assert_eq!(it.at_stripe().await["pending_update"], Value::Null);
        assert_eq!(it.at_stripe().await["status"], "active");
    }
    it.app.pass_days(2).await;
    assert_eq!(charged(&it).await, [2700]);
    assert!(it.told().await.is_empty());
}

#[tokio::test]
async fn what_waits_for_its_payment_gives_nothing() {
    let it = subscriber(json!({"storage": 1})).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let shown = preview(&it, json!({"addons": {"support": 1}})).await;
    it.app.stripe.charges_of(&method, "decline").await;
    let fault = json!({"method": "POST", "path": "/v1/invoices/*/void",
        "fault": "timeout_before", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    let lost = agree(&it, &shown).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    it.app.stripe.no_faults().await;
    assert_ne!(it.at_stripe().await["pending_update"], Value::Null);
    it.app.quiet().await;
    assert_eq!(entitled(&it).await, json!([["storage", 1]]));
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(402), "change_declined");
    assert_eq!(charged(&it).await, [2000]);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_charged_once() {
    for (ask, path) in [
        (json!({"addons": {"support": 1}}), "/v1/subscriptions/*"),
        (
            json!({"addons": {"support": 1, "storage": 0}, "when": "now"}),
            "/v1/subscriptions/*",
        ),
        (
            json!({"addons": {"storage": 0}}),
            "/v1/subscription_schedules",
        ),
        (
            json!({"addons": {"storage": 0}}),
            "/v1/subscription_schedules/*",
        ),
    ] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = subscriber(json!({"storage": 1})).await;
            let shown = preview(&it, ask.clone()).await;
            let fault = json!({"method": "POST", "path": path, "fault": fault,
                "times": 9, "delay_ms": 1});
            it.app.stripe.fault(fault).await;
            let lost = agree(&it, &shown).await;
            assert_eq!(lost.expect_error(503), "stripe_unavailable");
            it.app.stripe.no_faults().await;
            let again = agree(&it, &shown).await.expect(200).json();
            let subscription = &again["subscription"];
            let now = if shown["when"] == "now" {
                &subscription["addons"]
            } else {
                &subscription["pending_change"]["addons"]
            };
            assert_eq!(pairs(now), pairs(&shown["addons"]), "{again}");
            let due = shown["due_now"]["amount"].as_i64().unwrap();
            let mut paid = charged(&it).await;
            paid.sort_unstable();
            let mut expected = vec![due, 2000];
            expected.retain(|it| *it > 0);
            expected.sort_unstable();
            assert_eq!(paid, expected);
        }
    }
}

/// Something more, something more with an end of something else, and something less.
fn asks() -> [Value; 3] {
    [
        json!({"addons": {"support": 1}}),
        json!({"addons": {"support": 1, "storage": 0}, "when": "now"}),
        json!({"addons": {"storage": 0}}),
    ]
}

#[tokio::test]
async fn what_died_at_any_call_of_the_table_is_brought_to_an_end_by_the_sweep() {
    for ask in asks() {
        for from in (0..CALLS).step_by(AT_ONCE) {
            all((from..from + AT_ONCE).map(|passing| dies_after(ask.clone(), passing))).await;
        }
    }
}

async fn dies_after(ask: Value, passing: usize) {
    let what = format!("{ask} after {passing} calls");
    let mut it = subscriber(json!({"storage": 1})).await;
    it.app.may_leave_work();
    let shown = preview(&it, ask).await;
    it.app.to_dynamodb.break_after("", passing);
    let answer = agree(&it, &shown).await;
    it.app.to_dynamodb.set_down(false);
    assert!(matches!(answer.status, 200 | 503), "{what}: {answer:?}");
    it.app.quiet().await;
    let waits = waiting(&it).await;
    let swept = swept(&it, SOON).await;
    assert_eq!(swept["ended"], waits, "{what}: {swept}");
    assert_eq!(swept["failed"], 0, "{what}: {swept}");
    assert_eq!(waiting(&it).await, 0, "{what}");

    let before = json!([["storage", 1]]);
    let then = pairs(&shown["addons"]);
    let now = entitled(&it).await;
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let stripe = it.at_stripe().await;
    assert_eq!(stripe["pending_update"], Value::Null, "{what}");
    let mine = it.mine().await;
    if shown["when"] == "period_end" {
        assert_eq!((now, paid), (before, vec![2000]), "{what}");
        let scheduled = !stripe["schedule"].is_null();
        assert_eq!(mine["pending_change"].is_null(), !scheduled, "{what}");
        return;
    }
    let mut with_change = vec![due, 2000];
    with_change.sort_unstable();
    let made = (now == then, paid == with_change);
    let unmade = (now == before, paid == [2000]);
    assert!(
        made == (true, true) || unmade == (true, true),
        "{what}: {now} {paid:?}"
    );
    // And may be agreed to again, once the lease of a claim is over with which nothing was begun: nothing is charged twice.
    let again = agree(&it, &shown).await;
    assert!(matches!(again.status, 200 | 409 | 429), "{what}: {again:?}");
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert!(paid == [2000] || paid == with_change, "{what}: {paid:?}");
    if again.status == 200 {
        assert_eq!((entitled(&it).await, paid), (then, with_change), "{what}");
    }
}
