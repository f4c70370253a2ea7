//! A free trial is had once for each user and plan group, and said before the click.

use perennial_tests::{Answer, Setup, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

/// Two plans of one group with a trial, and one of another group.
async fn start(trials: &str) -> TestApp {
    let plans = json!({
        "month": {"group": "photos", "trial_days": 14},
        "year": {"group": "photos", "trial_days": 30},
        "music": {"group": "music", "trial_days": 7},
    });
    let setup = Setup {
        trials: Some(trials.to_owned()),
        ..Setup::default()
    };
    let app = TestApp::selling(&plans, setup).await;
    // The events of the prices.
    app.quiet().await;
    app
}

async fn offer(app: &TestApp, user: &str, plan: &str) -> Value {
    let caller = app.caller(user);
    let path = format!("/wallets?plan={plan}");
    let answer = caller.send(caller.request("GET", &path)).await;
    answer.expect(200).json()
}

async fn click(app: &TestApp, user: &str, plan: &str, trial_days: Option<u32>) -> Answer {
    let mut body = json!({"plan": plan, "wallet": "amazon_pay"});
    if let Some(days) = trial_days {
        body["trial_days"] = days.into();
    }
    app.caller(user).client_secret(&body).await
}

async fn approve(app: &TestApp, user: &str, opened: &Value) -> Option<String> {
    let shopper = app.shopper(user);
    let back = shopper.answer_wallet(opened, "approve").await;
    let landed = shopper.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    landed
        .landed_with("reason")
        .or_else(|| landed.landed_with("status"))
}

/// The newest subscription is ended at once.
async fn cancel(app: &TestApp) {
    for subscription in app.stripe.objects("subscription").await {
        if subscription["status"] != "canceled" {
            let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
            app.stripe.api("DELETE", &path, &[]).await;
        }
    }
    app.quiet().await;
}

async fn subscribe_and_cancel(app: &TestApp, user: &str, plan: &str, days: u32) {
    let opened = click(app, user, plan, Some(days)).await.expect(201).json();
    assert_eq!(
        approve(app, user, &opened).await.as_deref(),
        Some("subscribed")
    );
    cancel(app).await;
}

async fn trials_at_stripe(app: &TestApp) -> usize {
    let all = app.stripe.objects("subscription").await;
    all.iter().filter(|it| !it["trial_end"].is_null()).count()
}

#[tokio::test]
async fn a_trial_is_had_once_whichever_plan_of_the_group_it_was_with() {
    let app = start("once").await;
    let told = offer(&app, "alice", "month").await;
    assert_eq!(told["trial_days"], 14);
    subscribe_and_cancel(&app, "alice", "month", 14).await;
    for (plan, wallet) in [("month", 0), ("month", 1), ("year", 0), ("year", 1)] {
        let told = offer(&app, "alice", plan).await;
        assert_eq!(told["trial_days"], 0, "{told}");
        let agreed = told["consent"]["text"].to_string();
        assert!(!agreed.contains("free"), "{agreed}");
        let sheet = &told["wallets"][1]["express_checkout"]["applePay"]["recurringPaymentRequest"];
        assert!(sheet.get("trialBilling").is_none(), "{sheet}");
        assert_eq!(told["wallets"][wallet]["offer"], true);
    }
    assert_eq!(told["wallets"][1]["elements"]["subscription"]["amount"], 0);

    // Sold at its price, to who was told so.
    subscribe_and_cancel(&app, "alice", "year", 0).await;
    subscribe_and_cancel(&app, "alice", "month", 0).await;
    assert_eq!(trials_at_stripe(&app).await, 1);
    // Another group, and another user, have trials of their own.
    subscribe_and_cancel(&app, "alice", "music", 7).await;
    subscribe_and_cancel(&app, "bob", "year", 30).await;
    assert_eq!(trials_at_stripe(&app).await, 3);
}

#[tokio::test]
async fn a_shopper_who_was_shown_a_trial_is_never_charged_at_once() {
    let app = start("once").await;
    subscribe_and_cancel(&app, "alice", "month", 14).await;
    app.forget_calls().await;
    // A page that does not say what it has shown is taken to have shown the plan's trial.
    for shown in [None, Some(14), Some(30)] {
        let refused = click(&app, "alice", "month", shown).await;
        assert_eq!(refused.expect_error(409), "trial_outdated");
    }
    let apple = json!({"plan": "year", "wallet": "apple_pay", "first": "subscription"});
    let refused = app.caller("alice").post_subscription(&apple).await;
    assert_eq!(refused.expect_error(409), "trial_outdated");
    assert!(app.calls().await.stripe.is_empty());
    // Who has the trial and is told of none has agreed to something else as well.
    let refused = click(&app, "bob", "month", Some(0)).await;
    assert_eq!(refused.expect_error(409), "trial_outdated");
    click(&app, "bob", "month", None).await.expect(201);
}

#[tokio::test]
async fn two_checkouts_that_were_opened_before_give_one_trial() {
    let app = start("once").await;
    let month = click(&app, "alice", "month", Some(14))
        .await
        .expect(201)
        .json();
    let year = click(&app, "alice", "year", Some(30))
        .await
        .expect(201)
        .json();
    assert_eq!(
        approve(&app, "alice", &month).await.as_deref(),
        Some("subscribed")
    );
    cancel(&app).await;
    assert_eq!(
        approve(&app, "alice", &year).await.as_deref(),
        Some("trial_used")
    );
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("charge").await.len(), 0);
    let checkout = text(&year["checkout"]);
    let refused = app.caller("alice").subscribe(checkout).await;
    assert_eq!(refused.expect_error(409), "trial_used");
    assert_eq!(refused.json()["may_retry"], true);
    let again = click(&app, "alice", "year", Some(0))
        .await
        .expect(201)
        .json();
    assert_ne!(again["checkout"], year["checkout"]);
    assert_eq!(
        approve(&app, "alice", &again).await.as_deref(),
        Some("subscribed")
    );
    assert_eq!(trials_at_stripe(&app).await, 1);
}

#[tokio::test]
async fn two_clicks_at_once_for_two_plans_give_one_trial() {
    let app = start("once").await;
    let first = |plan: &str, days: u32| json!({"plan": plan, "wallet": "apple_pay", "first": "subscription", "trial_days": days});
    let caller = app.caller("alice");
    let (month, year) = (first("month", 14), first("year", 30));
    let (a, b) = tokio::join!(
        caller.post_subscription(&month),
        caller.post_subscription(&year)
    );
    for answer in [a, b] {
        if answer.status == 201 {
            app.shopper("alice").approve_apple_pay(&answer.json()).await;
        }
    }
    app.quiet().await;
    cancel(&app).await;
    for plan in ["month", "year"] {
        assert_eq!(offer(&app, "alice", plan).await["trial_days"], 0);
    }
    let confirmed = app.stripe.objects("subscription").await;
    let confirmed = confirmed
        .iter()
        .filter(|it| !it["default_payment_method"].is_null());
    assert_eq!(confirmed.count(), 1);
}

#[tokio::test]
async fn a_trial_that_was_never_confirmed_is_still_to_be_had() {
    let app = start("once").await;
    let body =
        json!({"plan": "month", "wallet": "apple_pay", "first": "subscription", "trial_days": 14});
    let caller = app.caller("alice");
    let opened = caller.post_subscription(&body).await.expect(201).json();
    // The sheet is closed, and another plan of the group chosen.
    for plan in ["month", "year"] {
        assert_ne!(offer(&app, "alice", plan).await["trial_days"], 0);
    }
    let body =
        json!({"plan": "year", "wallet": "apple_pay", "first": "subscription", "trial_days": 30});
    let other = caller.post_subscription(&body).await.expect(201).json();
    assert_ne!(other["checkout"], opened["checkout"]);
    app.quiet().await;
    // A decline, a refused first payment and a closed page burn nothing either.
    let declined = click(&app, "alice", "month", Some(14))
        .await
        .expect(201)
        .json();
    app.shopper("alice")
        .answer_wallet(&declined, "decline")
        .await;
    app.quiet().await;
    assert_eq!(offer(&app, "alice", "month").await["trial_days"], 14);

    app.shopper("alice").approve_apple_pay(&other).await;
    let checkout = text(&other["checkout"]);
    caller.subscribe(checkout).await;
    app.quiet().await;
    assert_eq!(offer(&app, "alice", "month").await["trial_days"], 0);
}

#[tokio::test]
async fn what_a_user_has_had_outlives_the_checkout_and_the_customer() {
    let app = start("once").await;
    subscribe_and_cancel(&app, "alice", "month", 14).await;
    let customer = app.stripe.objects("customer").await[0]["id"].clone();
    let path = format!("/v1/customers/{}", text(&customer));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    // Whatever carries a time to live is gone some day.
    for item in app.table.raw_items().await {
        if item.get("expires_at").is_some() {
            app.table.delete(&item).await;
        }
    }
    let kept = app.table.items_of("CHECKOUT#").await;
    assert_eq!(
        kept.len(),
        1,
        "what a subscriber agreed to is kept: {kept:?}"
    );
    assert_eq!(kept[0]["consent"], "default-1");
    assert_eq!(offer(&app, "alice", "month").await["trial_days"], 0);
    let refused = click(&app, "alice", "month", Some(14)).await;
    assert_eq!(refused.expect_error(409), "trial_outdated");
}

#[tokio::test]
async fn a_shop_may_give_a_trial_each_time() {
    let app = start("always").await;
    for _ in 0..3 {
        subscribe_and_cancel(&app, "alice", "month", 14).await;
        assert_eq!(offer(&app, "alice", "month").await["trial_days"], 14);
    }
    assert_eq!(trials_at_stripe(&app).await, 3);
}
