//! Ends that give money back, without an answer, at the same time, and left half done.

use perennial_tests::{Setup, TestApp, wait_until};
use serde_json::{Value, json};

use super::{
    super::Subscriber, DAY, agree, amount, check_ended, credit_notes, fault, plan_of, plans,
    preview, refunded, subscriber, sweep, time_passes,
};
use crate::payments::{all, text};

#[tokio::test]
async fn an_answer_that_is_lost_on_any_step_loses_nothing_and_gives_nothing_twice() {
    for (method, path) in [
        ("DELETE", "/v1/subscriptions/*"),
        ("POST", "/v1/credit_notes"),
    ] {
        for lost in ["severed", "timeout_after", "timeout_before"] {
            for swept in [false, true] {
                let it = subscriber("basic").await;
                let shown = preview(&it).await;
                fault(&it, method, path, lost, 9).await;
                let first = agree(&it, &shown).await;
                it.app.stripe.no_faults().await;
                if first.status != 200 {
                    assert_eq!(
                        first.expect_error(503),
                        "stripe_unavailable",
                        "{path} {lost}"
                    );
                }
                if swept {
                    time_passes(&it).await;
                    let swept = sweep(&it).await;
                    assert_eq!(swept["failed"], 0, "{path} {lost}: {swept}");
                } else {
                    let again = wait_until("its turn", async || {
                        let again = agree(&it, &shown).await;
                        (again.status != 429).then_some(again)
                    });
                    let again = again.await.expect(200).json();
                    assert_eq!(again["given_back"], shown["given_back"], "{path} {lost}");
                }
                check_ended(&it, &shown).await;
            }
        }
    }
}

#[tokio::test]
async fn whoever_comes_next_gives_back_what_is_owed() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    fault(&it, "POST", "/v1/credit_notes", "timeout_before", 9).await;
    agree(&it, &shown).await.expect_error(503);
    assert_eq!(it.at_stripe().await["status"], "canceled");
    assert_eq!(refunded(&it).await, 0);
    it.app.stripe.no_faults().await;
    // Another request about the subscription.
    let kept = it.asks("withdraw-cancellation", &json!({})).await;
    assert_eq!(kept.expect_error(409), "subscription_ended");
    check_ended(&it, &shown).await;
    // A day later, when Stripe has forgotten the key.
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    fault(&it, "POST", "/v1/credit_notes", "severed", 9).await;
    agree(&it, &shown).await.expect_error(503);
    it.app.stripe.no_faults().await;
    it.app.stripe.advance(2 * DAY).await;
    for mut item in it.app.table.raw_items().await {
        if item.get("owed").is_some() {
            item["frozen_at"] = json!({"S": "2026-01-01T00:00:00Z"});
            it.app.table.put(&item).await;
        }
    }
    time_passes(&it).await;
    assert_eq!(sweep(&it).await["ended"], 1);
    check_ended(&it, &shown).await;
}

#[tokio::test]
async fn what_never_began_long_ago_does_not_end_any_more() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    fault(&it, "DELETE", "/v1/subscriptions/*", "timeout_before", 9).await;
    agree(&it, &shown).await.expect_error(503);
    it.app.stripe.no_faults().await;
    for mut item in it.app.table.raw_items().await {
        if item.get("owed").is_some() {
            item["frozen_at"] = json!({"S": "2026-01-01T00:00:00Z"});
            it.app.table.put(&item).await;
        }
    }
    time_passes(&it).await;
    assert_eq!(sweep(&it).await["ended"], 1);
    assert_eq!(it.at_stripe().await["status"], "active");
    assert_eq!(refunded(&it).await, 0);
    let late = agree(&it, &shown).await;
    assert_eq!(late.expect_error(409), "preview_outdated");
}

#[tokio::test]
async fn two_devices_at_once_end_it_once() {
    let it = subscriber("basic").await;
    let (one, other) = (preview(&it).await, preview(&it).await);
    let answers = all([&one, &other, &one, &other].map(|shown| agree(&it, shown))).await;
    let ended = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(ended, 2, "those of one preview");
    it.app.quiet().await;
    assert_eq!(credit_notes(&it).await.len(), 1);
    assert_eq!(it.told().await, ["subscription.canceled"]);
}

#[tokio::test]
async fn an_end_and_a_change_at_once_do_not_mix() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    let plan = json!({"preview": plan_of(&it).await});
    let (ended, changed) = tokio::join!(agree(&it, &shown), it.asks("change", &plan));
    it.app.quiet().await;
    match (ended.status, changed.status) {
        (200, 409) => check_ended(&it, &shown).await,
        (409, 200) => {
            assert_eq!(ended.expect_error(409), "preview_outdated");
            assert_eq!(refunded(&it).await, 0);
        }
        _ => panic!("{ended:?} {changed:?}"),
    }
}

#[tokio::test]
async fn a_refund_that_stripe_refuses_is_told() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    let refusal = json!({"method": "POST", "path": "/v1/credit_notes", "fault": "status",
        "status": 400, "times": 1});
    it.app.stripe.fault(refusal).await;
    let ended = agree(&it, &shown).await.expect(200).json();
    assert_eq!(ended["subscription"]["status"], "canceled");
    assert_eq!(amount(&ended["given_back"]["refund"]), 0, "{ended}");
    it.app.quiet().await;
    let mut told = it.told().await;
    told.sort_unstable();
    let expected = ["subscription.canceled", "subscription.refund_failed"];
    assert_eq!(told, expected);
    let again = agree(&it, &shown).await.expect(200).json();
    assert_eq!(again["given_back"], ended["given_back"]);
    assert_eq!(it.told().await.len(), 2);
}

#[tokio::test]
async fn a_refund_that_fails_days_later_is_told_once() {
    let it = subscriber("basic").await;
    it.app
        .stripe
        .set_account(json!({"refunds": "pending"}))
        .await;
    let shown = preview(&it).await;
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    let refund = it.app.stripe.objects("refund").await.remove(0);
    assert_eq!(refund["status"], "pending");
    assert_eq!(it.mine().await["refunds"][0]["amount"], refund["amount"]);
    it.app.stripe.advance(3 * DAY).await;
    it.play(&format!("/refunds/{}/fail", text(&refund["id"])))
        .await;
    let told = it.app.table.items_of("OUT#").await;
    let failed: Vec<&Value> = told
        .iter()
        .filter(|event| event["type"] == "subscription.refund_failed")
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let data: Value = serde_json::from_str(text(&failed[0]["data"])).unwrap();
    assert_eq!(data["refund"]["amount"], refund["amount"]);
    assert_eq!(data["refund"]["refund"], refund["id"]);
    assert_eq!(data["subscription"], it.id);
    assert_eq!(it.mine().await["refunds"], json!([]));
}

#[tokio::test]
async fn the_table_fails_after_any_of_its_calls() {
    for few in [0..5, 5..10, 10..14] {
        all(few.map(fails_after)).await;
    }
}

async fn fails_after(passing: usize) {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    it.app.to_dynamodb.break_after("", passing);
    let first = agree(&it, &shown).await;
    it.app.to_dynamodb.break_after("", usize::MAX);
    if first.status != 200 {
        assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
    }
    it.app.quiet().await;
    time_passes(&it).await;
    sweep(&it).await;
    let again = wait_until("its turn", async || {
        let again = agree(&it, &shown).await;
        (!matches!(again.status, 429 | 503)).then_some(again)
    });
    again.await.expect(200);
    check_ended(&it, &shown).await;
}

/// Its process is killed once Stripe has done the call, and nobody but the sweep or the shopper comes back.
async fn dies_after(method: &str, path: &str, swept: bool) {
    let setup = Setup {
        on_lambda: true,
        ..Setup::default()
    };
    let it = Subscriber::in_app(TestApp::selling(&plans(), setup).await, "basic").await;
    it.app.stripe.advance(10 * DAY).await;
    it.app.quiet().await;
    let shown = preview(&it).await;
    let path = path.replace('*', &it.id);
    let fault = json!({"method": method, "path": path, "fault": "timeout_after",
        "delay_ms": 60_000, "times": 1});
    it.app.stripe.fault(fault).await;
    let body = json!({"preview": shown["preview"]});
    let request = it
        .alice
        .calls
        .request("POST", &format!("/subscriptions/{}/cancel", it.id))
        .json(&body);
    let calls = it.alice.calls.clone();
    let dying = tokio::spawn(async move { calls.send(request).await });
    wait_until("Stripe has carried the call out", async || {
        let requests = it.app.stripe.requests().await;
        let mut late = requests.iter().filter(|it| it["fault"] == "timeout_after");
        late.next().is_some().then_some(())
    })
    .await;
    let lambda = it.app.lambda.as_ref().unwrap();
    assert_eq!(lambda.kill("actions"), 1, "it died in the middle");
    dying.await.unwrap().expect(500);
    assert_eq!(it.at_stripe().await["status"], "canceled");
    if swept {
        time_passes(&it).await;
        assert_eq!(sweep(&it).await["ended"], 1);
    } else {
        let again = wait_until("the dead one's lease has run out", async || {
            let again = agree(&it, &shown).await;
            (!matches!(again.status, 429 | 503)).then_some(again)
        });
        let again = again.await.expect(200).json();
        assert_eq!(again["given_back"], shown["given_back"]);
    }
    check_ended(&it, &shown).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_end_leaves_what_is_owed() {
    dies_after("DELETE", "/v1/subscriptions/*", true).await;
    dies_after("DELETE", "/v1/subscriptions/*", false).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_credit_note_has_given_back_once() {
    dies_after("POST", "/v1/credit_notes", true).await;
    dies_after("POST", "/v1/credit_notes", false).await;
}
