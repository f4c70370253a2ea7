//! Another plan: seen before it is agreed to, for that amount or not at all.

use perennial_tests::{Answer, Setup, TestApp};
use serde_json::{Value, json};

use super::Subscriber;
use crate::payments::{all, text};

/// A cheap and a dear plan of one group, one of which is yearly, and a plan of another group.
fn plans() -> Value {
    let plan = |group: &str, amount: u64, interval: &str| json!({"group": group, "label": "Photos", "amount": amount, "currency": "usd", "interval": interval});
    json!({
        "basic": plan("photos", 1500, "month"),
        "pro": plan("photos", 2900, "month"),
        "pro-yearly": plan("photos", 29000, "year"),
        "music": plan("music", 500, "month"),
    })
}

pub(super) async fn subscriber(plan: &str) -> Subscriber {
    Subscriber::in_app(TestApp::selling(&plans(), Setup::default()).await, plan).await
}

pub(super) async fn preview(it: &Subscriber, body: Value) -> Value {
    it.asks("preview", &body).await.expect(200).json()
}

pub(super) async fn agree(it: &Subscriber, preview: &Value) -> Answer {
    it.asks("change", &json!({"preview": preview["preview"]}))
        .await
}

pub(super) async fn charged(it: &Subscriber) -> Vec<i64> {
    let charges = it.app.stripe.objects("charge").await;
    let paid = charges
        .iter()
        .filter(|charge| charge["status"] == "succeeded");
    paid.map(|charge| charge["amount"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_dearer_plan_costs_what_the_preview_said_and_is_there_at_once() {
    let it = subscriber("basic").await;
    it.app.stripe.advance(10 * 24 * 3600).await;
    it.app.quiet().await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    assert_eq!(shown["when"], "now", "{shown}");
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let lines = shown["lines"].as_array().unwrap();
    let total: i64 = lines
        .iter()
        .map(|line| line["amount"].as_i64().unwrap())
        .sum();
    assert_eq!(total, due);
    assert!((1..1400).contains(&due), "a part of 14.00: {shown}");
    assert_eq!(shown["next_charge"]["amount"], 2900);
    assert_eq!(it.mine().await["plan"], "basic", "nothing has changed");
    assert_eq!(charged(&it).await, [1500]);

    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["plan"], "pro", "{changed}");
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    let mut expected = vec![due, 1500];
    expected.sort_unstable();
    assert_eq!(paid, expected);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.plan_changed"]);

    // However often the page says so.
    let again = agree(&it, &shown).await.expect(200).json();
    assert_eq!(again["subscription"]["plan"], "pro");
    assert_eq!(charged(&it).await.len(), 2);
}

#[tokio::test]
async fn another_interval_begins_a_new_period() {
    let it = subscriber("basic").await;
    let shown = preview(&it, json!({"plan": "pro-yearly"})).await;
    assert_eq!(shown["when"], "now", "{shown}");
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    assert!((27_500..=29_000).contains(&due), "{shown}");
    let changed = agree(&it, &shown).await.expect(200).json();
    let subscription = &changed["subscription"];
    assert_eq!(subscription["plan"], "pro-yearly", "{changed}");
    assert!(
        charged(&it).await.contains(&due),
        "{:?}",
        charged(&it).await
    );
    let seconds = |time: &Value| {
        let time: perennial_types::Timestamp = serde_json::from_value(time.clone()).unwrap();
        time.unix()
    };
    // The period begins when the change is made, some moments after it was shown.
    let later = seconds(&subscription["current_period_end"]) - seconds(&shown["next_charge"]["at"]);
    assert!((0..60).contains(&later), "{later}");
    assert_eq!(shown["next_charge"]["amount"], 29_000);
}

#[tokio::test]
async fn many_clicks_at_once_and_two_devices_are_one_change() {
    let it = subscriber("basic").await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    let other = preview(&it, json!({"plan": "pro-yearly"})).await;
    let same = (0..4).map(|_| agree(&it, &shown));
    for answer in all(same).await {
        assert_eq!(answer.expect(200).json()["subscription"]["plan"], "pro");
    }
    let refused = agree(&it, &other).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    // What it would cost now is beside it, and may be agreed to.
    let anew = refused.json()["new_preview"].clone();
    assert_eq!(anew["plan"], "pro-yearly");
    assert_ne!(anew["due_now"], other["due_now"]);
    assert_eq!(refused.json()["subscription"]["plan"], "pro");
    assert_eq!(charged(&it).await.len(), 2);

    let (one, two) = (
        preview(&it, json!({"plan": "basic", "when": "now"})).await,
        preview(&it, json!({"plan": "pro-yearly"})).await,
    );
    let (one, two) = tokio::join!(agree(&it, &one), agree(&it, &two));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "one of the two");
}

#[tokio::test]
async fn a_change_that_is_declined_leaves_the_old_plan() {
    let it = subscriber("basic").await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let shown = preview(&it, json!({"plan": "pro"})).await;
    it.app.stripe.charges_of(&method, "decline").await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(402), "change_declined");
    assert_eq!(refused.json()["subscription"]["plan"], "basic");
    let stripe = it.at_stripe().await;
    assert_eq!(
        stripe["pending_update"],
        Value::Null,
        "it does not happen later"
    );
    it.app.stripe.charges_of(&method, "succeed").await;
    it.app.pass_days(2).await;
    assert_eq!(it.mine().await["plan"], "basic");
    assert_eq!(charged(&it).await, [1500]);
    let again = agree(&it, &shown).await;
    assert_eq!(
        again.expect_error(402),
        "change_declined",
        "the answer to this preview"
    );
    let shown = preview(&it, json!({"plan": "pro"})).await;
    agree(&it, &shown).await.expect(200);
}

#[tokio::test]
async fn what_has_moved_since_the_preview_is_not_charged() {
    let it = subscriber("basic").await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    it.post(&[
        (
            "items[0][id]",
            text(&it.at_stripe().await["items"]["data"][0]["id"]),
        ),
        ("items[0][quantity]", "2"),
        ("proration_behavior", "none"),
    ])
    .await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert_eq!(charged(&it).await, [1500]);
    let shown = preview(&it, json!({"plan": "pro"})).await;
    assert_eq!(shown["quantity"], 2, "as many as now");
    assert_eq!(shown["next_charge"]["amount"], 5800);
}

#[tokio::test]
async fn a_plan_that_cannot_be_had_is_refused_before_anything_is_shown() {
    let it = subscriber("basic").await;
    for (plan, status, code) in [
        ("nothing", 400, "unknown_plan"),
        ("basic", 409, "same_plan"),
        ("music", 409, "other_group"),
    ] {
        let answer = it.asks("preview", &json!({"plan": plan})).await;
        assert_eq!(answer.expect_error(status), code, "{plan}");
    }
    for quantity in [0, 1_000_000] {
        let body = json!({"plan": "pro", "quantity": quantity});
        let answer = it.server_asks("preview", "k", &body).await;
        assert_eq!(answer.expect_error(400), "invalid_field");
    }
    let answer = it
        .asks("preview", &json!({"plan": "pro", "quantity": 2}))
        .await;
    assert_eq!(answer.expect_error(409), "quantity_not_offered");
    for token in ["", "v1.e30.AAAA", "nonsense"] {
        let answer = it.asks("change", &json!({"preview": token})).await;
        assert_eq!(answer.expect_error(400), "invalid_preview");
    }
}

#[tokio::test]
async fn a_preview_is_good_for_its_subscription_alone() {
    let it = subscriber("basic").await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    let bob = it.app.shopper("bob");
    bob.buy("basic").await.1.expect(303);
    it.app.quiet().await;
    let mine = bob.calls.subscriptions().await.json();
    let id = text(&mine["subscriptions"][0]["id"]).to_owned();
    let path = format!("/subscriptions/{id}/change");
    let body = json!({"preview": shown["preview"]});
    let request = bob.calls.request("POST", &path).json(&body);
    let answer = bob.calls.send(request).await;
    assert_eq!(answer.expect_error(400), "invalid_preview");
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_charged_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = subscriber("basic").await;
        let shown = preview(&it, json!({"plan": "pro"})).await;
        let fault = json!({"method": "POST", "path": "/v1/subscriptions/*", "fault": fault,
            "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let lost = agree(&it, &shown).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        let again = agree(&it, &shown).await.expect(200).json();
        assert_eq!(again["subscription"]["plan"], "pro");
        assert_eq!(charged(&it).await.len(), 2);
        assert_eq!(it.app.stripe.objects("invoice").await.len(), 2);
    }
}

#[tokio::test]
async fn a_cheaper_plan_takes_effect_when_the_period_is_over() {
    for (from, to, amount) in [("pro", "basic", 1500), ("pro-yearly", "basic", 1500)] {
        let it = subscriber(from).await;
        let before = it.mine().await;
        let shown = preview(&it, json!({"plan": to})).await;
        assert_eq!(shown["when"], "period_end", "{shown}");
        assert_eq!(shown["due_now"]["amount"], 0);
        assert_eq!(shown["lines"], json!([]));
        assert_eq!(shown["takes_effect_at"], before["current_period_end"]);
        assert_eq!(shown["next_charge"]["amount"], amount);
        let changed = agree(&it, &shown).await.expect(200).json();
        let subscription = &changed["subscription"];
        assert_eq!(subscription["plan"], from, "{changed}");
        assert_eq!(subscription["pending_change"]["plan"], to);
        assert_eq!(
            subscription["pending_change"]["at"],
            before["current_period_end"]
        );
        assert_eq!(subscription["actions"]["withdraw_change"]["open"], true);
        assert_eq!(charged(&it).await.len(), 1);
        it.app.quiet().await;
        assert_eq!(it.told().await, ["subscription.change_scheduled"]);

        let days = if from == "pro" { 32 } else { 367 };
        it.app.pass_days(days).await;
        let mine = it.mine().await;
        assert_eq!(mine["plan"], to, "{mine}");
        assert_eq!(mine["pending_change"], Value::Null);
        assert_eq!(it.at_stripe().await["schedule"], Value::Null, "released");
        let told = it.told().await;
        assert!(
            told.contains(&"subscription.plan_changed".to_owned()),
            "{told:?}"
        );
        assert!(
            !told.contains(&"subscription.change_withdrawn".to_owned()),
            "{told:?}"
        );
        assert_eq!(
            charged(&it)
                .await
                .iter()
                .filter(|paid| **paid == amount)
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_change_to_come_is_replaced_taken_back_and_gives_way_to_a_cancellation() {
    let it = subscriber("pro-yearly").await;
    let shown = preview(&it, json!({"plan": "basic"})).await;
    agree(&it, &shown).await.expect(200);
    // Another mind.
    let shown = preview(&it, json!({"plan": "pro", "when": "period_end"})).await;
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(
        changed["subscription"]["pending_change"]["plan"], "pro",
        "{changed}"
    );
    assert_eq!(
        it.app.stripe.objects("subscription_schedule").await.len(),
        1
    );
    let kept = it
        .asks("withdraw-change", &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        kept["subscription"]["pending_change"],
        Value::Null,
        "{kept}"
    );
    it.asks("withdraw-change", &json!({})).await.expect(200);
    it.app.quiet().await;
    let told = it.told().await;
    assert_eq!(
        told.last().unwrap(),
        "subscription.change_withdrawn",
        "{told:?}"
    );

    let shown = preview(&it, json!({"plan": "basic"})).await;
    agree(&it, &shown).await.expect(200);
    let canceled = it.asks("cancel", &json!({})).await.expect(200).json();
    assert_eq!(
        canceled["subscription"]["cancel_at_period_end"], true,
        "{canceled}"
    );
    assert_eq!(canceled["subscription"]["pending_change"], Value::Null);
}

#[tokio::test]
async fn half_a_schedule_is_not_left_behind() {
    for fault in ["severed", "timeout_before"] {
        let it = subscriber("pro").await;
        let shown = preview(&it, json!({"plan": "basic"})).await;
        let fault = json!({"method": "POST", "path": "/v1/subscription_schedules/*", "fault": fault,
            "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let lost = agree(&it, &shown).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        let canceled = it.asks("cancel", &json!({})).await;
        let canceled = match canceled.status {
            429 => {
                tokio::time::sleep(std::time::Duration::from_secs(13)).await;
                it.asks("cancel", &json!({})).await
            }
            _ => canceled,
        };
        let canceled = canceled.expect(200).json();
        assert_eq!(canceled["subscription"]["cancel_at_period_end"], true);
    }
}

#[tokio::test]
async fn a_change_to_come_whose_answer_is_lost_is_scheduled_when_it_is_sent_again() {
    for path in ["/v1/subscription_schedules", "/v1/subscription_schedules/*"] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = subscriber("pro").await;
            let shown = preview(&it, json!({"plan": "basic"})).await;
            let fault = json!({"method": "POST", "path": path, "fault": fault, "times": 9,
                "delay_ms": 1});
            it.app.stripe.fault(fault).await;
            let lost = agree(&it, &shown).await;
            assert_eq!(lost.expect_error(503), "stripe_unavailable");
            it.app.stripe.no_faults().await;
            let again = agree(&it, &shown).await.expect(200).json();
            assert_eq!(again["subscription"]["pending_change"]["plan"], "basic");
            let schedules = it.app.stripe.objects("subscription_schedule").await;
            let active = schedules.iter().filter(|it| it["status"] == "active");
            let phases: Vec<usize> = active
                .map(|schedule| schedule["phases"].as_array().unwrap().len())
                .collect();
            assert_eq!(phases, [2], "{path}");
            it.app.pass_days(32).await;
            assert_eq!(it.mine().await["plan"], "basic");
        }
    }
}

#[tokio::test]
async fn a_declined_change_whose_invoice_stays_open_is_given_up_however_late() {
    for late in [false, true] {
        let it = subscriber("basic").await;
        let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
        let shown = preview(&it, json!({"plan": "pro"})).await;
        it.app.stripe.charges_of(&method, "decline").await;
        let fault = json!({"method": "POST", "path": "/v1/invoices/*/void",
            "fault": "timeout_before", "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let lost = agree(&it, &shown).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        it.app.stripe.charges_of(&method, "succeed").await;
        assert_ne!(it.at_stripe().await["pending_update"], Value::Null);
        if late {
            let mut rows = it.app.table.raw_items().await.into_iter();
            let is_claim = |row: &Value| text(&row["sk"]["S"]).starts_with("ACTIONS#");
            let mut claim = rows.find(is_claim).unwrap();
            assert!(claim["frozen_at"]["S"].is_string());
            claim["frozen_at"]["S"] = json!("2026-01-01T00:00:00Z");
            it.app.table.put(&claim).await;
        }
        let again = agree(&it, &shown).await;
        assert_eq!(again.expect_error(402), "change_declined");
        assert_eq!(it.at_stripe().await["pending_update"], Value::Null);
        assert_eq!(it.mine().await["plan"], "basic");
        assert_eq!(charged(&it).await, [1500]);
    }
}
