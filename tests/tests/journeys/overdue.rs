//! Renewals that are not paid: what they still entitle to, and until when.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

use crate::sweeps::{sweep, sweeper};

const DAY: i64 = 24 * 3600;

/// A subscriber whose payments are declined from now on.
async fn declined(wallet: &str, after_retries: &str) -> (TestApp, Shopper) {
    let settings = json!({ "after_retries": after_retries });
    let (app, alice, method) = subscriber(wallet, settings).await;
    app.stripe.charges_of(&method, "decline").await;
    (app, alice)
}

/// A subscriber of a shop with these settings at Stripe, and what pays.
async fn subscriber(wallet: &str, settings: Value) -> (TestApp, Shopper, String) {
    let app = TestApp::start().await;
    app.stripe.set_account(settings).await;
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
    let method = method.to_owned();
    (app, alice, method)
}

/// What the shop was told, without what began it.
async fn told(app: &TestApp) -> Vec<String> {
    let told = app.table.items_of("OUT#").await;
    let told = told.iter().map(|it| it["type"].as_str().unwrap());
    told.skip(1).map(str::to_owned).collect()
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

/// Stripe keeps its schedule after a hard decline, and charges another method alone
/// (<https://docs.stripe.com/billing/revenue-recovery/smart-retries>).
#[tokio::test]
async fn a_card_that_the_bank_refuses_for_good_has_the_grace_alone() {
    let settings = json!({"after_retries": "past_due"});
    let (app, alice, method) = subscriber("apple_pay", settings).await;
    app.stripe.declines_with(&method, "lost_card").await;
    app.pass_days(31).await;
    let read = app.stripe.objects("invoice").await;
    let open = read.iter().find(|it| it["status"] == "open").unwrap();
    assert!(open["next_payment_attempt"].is_number(), "{open}");
    let (subscription, entitlement) = mine(&alice).await;
    let required = json!({"state": "method_required", "reason": "retries_exhausted"});
    assert_eq!(subscription["payment"], required);
    assert_eq!(subscription["next_payment_attempt"], Value::Null);
    assert_eq!(subscription["payment_attempts"], 1);
    let over = seconds(&subscription["current_period_start"]) + 3 * DAY;
    assert_eq!(seconds(&entitlement["until"]), over);
    assert_eq!(entitlement["because"], "past_due");
    let mut heard = told(&app).await;
    heard.sort_unstable();
    let failing = [
        "subscription.past_due",
        "subscription.payment_method_required",
    ];
    assert_eq!(heard, failing);
    // Attempts that Stripe counts and does not make are none, and time gives nothing back.
    app.pass_days(4).await;
    let (subscription, entitlement) = mine(&alice).await;
    assert_eq!(subscription["payment_attempts"], 1);
    assert_eq!(subscription["payment"], required);
    let none = json!({"active": false, "until": null, "because": "past_due"});
    assert_eq!(entitlement, none);
    // With another card the schedule goes on, and pays.
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let customer = subscription["customer"].as_str().unwrap();
    let path = "/v1/payment_methods/pm_card_visa/attach";
    let form = [("customer", customer)];
    let card = app.stripe.api("POST", path, &form).await;
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let form = [("default_payment_method", card["id"].as_str().unwrap())];
    app.stripe.api("POST", &path, &form).await;
    app.quiet().await;
    let (subscription, entitlement) = mine(&alice).await;
    let retrying = json!({"state": "retrying", "reason": "payment_failed"});
    assert_eq!(subscription["payment"], retrying);
    assert_eq!(entitlement["until"], subscription["next_payment_attempt"]);
    app.pass_days(11).await;
    assert_eq!(mine(&alice).await.0["status"], "active");
}

/// The bank wants to hear from the shopper, which no further try can bring about.
#[tokio::test]
async fn a_renewal_that_the_shopper_has_to_authenticate_is_not_tried_again() {
    let settings = json!({"after_retries": "past_due"});
    let (app, alice, method) = subscriber("apple_pay", settings).await;
    app.stripe
        .charges_of(&method, "authentication_required")
        .await;
    app.pass_days(31).await;
    let (subscription, entitlement) = mine(&alice).await;
    let required = json!({"state": "method_required", "reason": "retries_exhausted"});
    assert_eq!(subscription["payment"], required);
    assert_eq!(entitlement["active"], true);
    app.pass_days(4).await;
    assert_eq!(mine(&alice).await.1["active"], false);
}

/// The comparison of all subscriptions with Stripe reads lists, which do not tell of the decline.
#[tokio::test]
async fn a_refusal_for_good_stays_known_when_all_is_compared() {
    let settings = json!({"after_retries": "past_due"});
    let (app, alice, method) = subscriber("apple_pay", settings).await;
    app.stripe.declines_with(&method, "stolen_card").await;
    app.pass_days(31).await;
    let before = mine(&alice).await;
    let swept = sweep(&sweeper(&app, 31 * DAY).await, "subscriptions").await;
    let compared = &swept["subscriptions"];
    assert_eq!(compared["compared"], 1, "{compared}");
    assert_eq!(compared["repaired"], 0, "{compared}");
    assert_eq!(mine(&alice).await, before);
}

/// <https://docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure>
#[tokio::test]
async fn an_account_that_pauses_what_is_not_paid_takes_the_entitlement_until_it_is() {
    for (settings, days) in [
        (
            json!({"after_first_failure": "pause", "after_retries": "past_due"}),
            31,
        ),
        (json!({"after_retries": "pause"}), 47),
    ] {
        let (app, alice, method) = subscriber("apple_pay", settings.clone()).await;
        app.stripe.charges_of(&method, "decline").await;
        app.pass_days(days).await;
        let (subscription, entitlement) = mine(&alice).await;
        assert_eq!(subscription["status"], "paused", "{settings}");
        let first = settings.get("after_first_failure").is_some();
        let reason = if first {
            "first_payment_failure"
        } else {
            "final_payment_failure"
        };
        let pause = &subscription["pause"];
        assert_eq!(
            (&pause["reason"], &pause["resumes_at"]),
            (&json!(reason), &Value::Null)
        );
        let required = json!({"state": "method_required", "reason": "retries_exhausted"});
        assert_eq!(subscription["payment"], required);
        let none = json!({"active": false, "until": null, "because": "paused"});
        assert_eq!(entitlement, none);
        assert!(
            told(&app)
                .await
                .contains(&"subscription.payment_method_required".to_owned())
        );
        // Who pays the invoice in Stripe's portal has it back.
        app.stripe.charges_of(&method, "succeed").await;
        let invoices = app.stripe.objects("invoice").await;
        let open = invoices.iter().find(|it| it["status"] == "open").unwrap();
        let path = format!("/v1/invoices/{}/pay", open["id"].as_str().unwrap());
        app.stripe.api("POST", &path, &[]).await;
        app.quiet().await;
        let (subscription, entitlement) = mine(&alice).await;
        assert_eq!(subscription["status"], "active", "{settings}");
        assert_eq!(subscription["pause"], Value::Null);
        assert_eq!(entitlement["active"], true);
        assert_eq!(told(&app).await.last().unwrap(), "subscription.activated");
    }
}
