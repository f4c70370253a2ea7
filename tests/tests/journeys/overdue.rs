//! Renewals that are not paid: what they still entitle to, and until when.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;

/// A subscriber whose payments are declined from now on.
async fn declined(wallet: &str, after_retries: &str) -> (TestApp, Shopper) {
    let app = TestApp::start().await;
    app.stripe
        .set_account(json!({ "after_retries": after_retries }))
        .await;
    let alice = app.shopper("alice");
    if wallet == "apple_pay" {
        let opened = alice.begin_subscription("stock-photos-monthly").await;
        alice.approve_apple_pay(&opened).await;
        let checkout = opened["checkout"].as_str().unwrap();
        let subscribed = alice.calls.subscribe(checkout).await;
        // The webhook may have been quicker.
        assert!(
            matches!(subscribed.status, 200 | 201),
            "{}",
            subscribed.text
        );
    } else {
        alice.buy("stock-photos-monthly").await;
    }
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let method = subscription["default_payment_method"].as_str().unwrap();
    app.stripe.charges_of(method, "decline").await;
    (app, alice)
}

async fn mine(alice: &Shopper) -> (Value, Value) {
    let mine = alice.calls.subscriptions().await.expect(200).json();
    let entitlement = mine["entitlements"]["stock-photos"].clone();
    (mine["subscriptions"][0].clone(), entitlement)
}

fn seconds(time: &Value) -> i64 {
    let time: perennial_types::Timestamp = serde_json::from_value(time.clone()).unwrap();
    time.unix()
}

#[tokio::test]
async fn amazon_pay_is_tried_once_and_then_has_the_grace() {
    let (app, alice) = declined("amazon_pay", "past_due").await;
    app.pass_days(31).await;
    let (subscription, entitlement) = mine(&alice).await;
    assert_eq!(subscription["status"], "past_due");
    let payment = json!({"state": "method_required", "reason": "retries_exhausted"});
    assert_eq!(subscription["payment"], payment);
    assert_eq!(subscription["next_payment_attempt"], Value::Null);
    let over = seconds(&subscription["current_period_start"]) + 3 * DAY;
    assert_eq!(entitlement["active"], true);
    assert_eq!(seconds(&entitlement["until"]), over);
    assert_eq!(entitlement["because"], "past_due");
    // Neither does time give it back, nor the next unpaid period, nor the one after that.
    let none = json!({"active": false, "until": null, "because": "past_due"});
    for days in [4, 20, 15, 30] {
        app.pass_days(days).await;
        assert_eq!(mine(&alice).await.1, none);
    }
    let charges = app.stripe.objects("charge").await;
    let failed = charges.iter().filter(|it| it["status"] == "failed");
    assert_eq!(failed.count(), 3, "one for each unpaid period");
    let told = app.table.items_of("OUT#").await;
    let told: Vec<&str> = told.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(told[0], "subscription.activated");
    let mut failing = told[1..].to_vec();
    failing.sort_unstable();
    assert_eq!(
        failing,
        [
            "subscription.past_due",
            "subscription.payment_method_required"
        ]
    );
}

#[tokio::test]
async fn apple_pay_entitles_while_a_further_try_is_due() {
    for (after, status) in [("past_due", "past_due"), ("unpaid", "unpaid")] {
        let (app, alice) = declined("apple_pay", after).await;
        app.pass_days(31).await;
        for days in [4, 6] {
            let (subscription, entitlement) = mine(&alice).await;
            let retrying = json!({"state": "retrying", "reason": "payment_failed"});
            assert_eq!(subscription["payment"], retrying);
            assert_eq!(entitlement["active"], true);
            assert_eq!(entitlement["until"], subscription["next_payment_attempt"]);
            app.pass_days(days).await;
        }
        app.pass_days(8).await;
        let none = json!({"active": false, "until": null, "because": status});
        assert_eq!(mine(&alice).await.1, none);
        // Day 100.
        app.pass_days(51).await;
        let (subscription, entitlement) = mine(&alice).await;
        assert_eq!(subscription["status"], status);
        assert_eq!(entitlement, none);
        // Nor can it be bought a second time, and the answer says where to mend it.
        let refused = alice
            .calls
            .click("stock-photos-monthly")
            .await
            .expect(409)
            .json();
        // Left past due, each new period is tried again.
        let state = if after == "past_due" {
            "retrying"
        } else {
            "method_required"
        };
        assert_eq!(refused["subscription"]["payment"]["state"], state);
        let link = refused["manage"].as_str().unwrap();
        assert!(link.contains("/manage?link="), "{link}");
        let portal = alice.calls.come_back(link).await.expect(303);
        assert!(portal.location().path().starts_with("/p/session/"));
    }
}
