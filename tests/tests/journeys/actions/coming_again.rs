//! A shopper whose subscription has ended subscribes again, with what they paid with: without the wallet's page, for the
//! amount that was shown, once.

use perennial_tests::{Answer, Setup, TestApp, wait_until};
use serde_json::{Value, json};

use super::{Subscriber, at_once};
use crate::payments::{all, text};

fn plans() -> Value {
    let plan = |amount: u64, days: u64| json!({"group": "photos", "label": "Photos", "amount": amount, "trial_days": days});
    let mut prints = plan(900, 0);
    prints["group"] = "prints".into();
    let mut euro = plan(1400, 0);
    euro["currency"] = "eur".into();
    json!({"basic": plan(1500, 0), "pro": plan(2900, 0), "trial": plan(1500, 7), "prints": prints, "euro": euro})
}

/// A shopper whose subscription has ended.
async fn gone(plan: &str) -> Subscriber {
    let it = Subscriber::in_app(TestApp::selling(&plans(), Setup::default()).await, plan).await;
    let before = it.mine().await["actions"]["come_again"].clone();
    assert_eq!(before["open"], false, "{before}");
    assert_eq!(before["reason"], "not_ended");
    it.server_asks("cancel", "end", &at_once())
        .await
        .expect(200);
    it.app.quiet().await;
    it.app.stripe.forget_requests().await;
    it
}

async fn preview(it: &Subscriber, plan: &str) -> Value {
    let shown = it.asks("preview", &json!({"again": plan})).await;
    shown.expect(200).json()
}

async fn again(it: &Subscriber, shown: &Value) -> Answer {
    let body = json!({
        "again": it.id,
        "plan": shown["again"],
        "due_now": shown["due_now"]["amount"],
        "trial_days": shown["trial_days"],
    });
    ask(it, &body).await
}

async fn ask(it: &Subscriber, body: &Value) -> Answer {
    let request = it.alice.calls.request("POST", "/subscriptions").json(body);
    it.alice.calls.send(request).await
}

async fn charged(it: &Subscriber) -> Vec<u64> {
    let charges = it.app.stripe.objects("charge").await;
    let paid = charges.iter().filter(|it| it["status"] == "succeeded");
    paid.map(|it| it["amount"].as_u64().unwrap()).collect()
}

async fn live(it: &Subscriber) -> Vec<Value> {
    let mut all = it.app.stripe.objects("subscription").await;
    all.retain(|it| it["status"] == "active" || it["status"] == "trialing");
    all
}

#[tokio::test]
async fn a_shopper_comes_again_with_what_they_paid_with() {
    let it = gone("basic").await;
    let actions = it.mine().await["actions"]["come_again"].clone();
    assert_eq!(
        actions,
        json!({"open": true, "reason": null, "saved": true})
    );
    let shown = preview(&it, "pro").await;
    assert_eq!(shown["due_now"]["amount"], 2900, "{shown}");
    assert_eq!(charged(&it).await, [1500], "nothing was done");
    let back = again(&it, &shown).await.expect(201).json();
    assert_eq!(back["subscription"]["status"], "active", "{back}");
    assert_eq!(back["subscription"]["plan"], "pro");
    assert_eq!(back["subscription"]["wallet"], "amazon_pay");
    let created = it.app.stripe.requests_to("POST /v1/subscriptions").await;
    assert_eq!(created.len(), 1);
    for (kind, count) in [("customer", 1), ("setup_intent", 1), ("payment_method", 1)] {
        assert_eq!(it.app.stripe.objects(kind).await.len(), count, "{kind}");
    }
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert_eq!(paid, [1500, 2900]);
    it.app.quiet().await;
    let told = it.told().await;
    let expected = ["subscription.canceled", "subscription.activated"];
    assert_eq!(told, expected);
    // However often the page says so.
    let repeated = again(&it, &shown).await;
    assert_eq!(repeated.expect_error(409), "already_subscribed");
    assert_eq!(
        repeated.json()["subscription"]["id"],
        back["subscription"]["id"]
    );
    assert_eq!(charged(&it).await.len(), 2);
}

#[tokio::test]
async fn nobody_has_a_second_trial() {
    let it = gone("trial").await;
    let shown = preview(&it, "trial").await;
    assert_eq!(shown["trial_days"], 0, "{shown}");
    assert_eq!(shown["due_now"]["amount"], 1500);
    let mut with_trial = shown.clone();
    with_trial["trial_days"] = 7.into();
    with_trial["due_now"]["amount"] = 0.into();
    let refused = again(&it, &with_trial).await;
    assert_eq!(refused.expect_error(409), "trial_outdated");
    let back = again(&it, &shown).await.expect(201).json();
    assert_eq!(back["subscription"]["status"], "active", "{back}");
    assert_eq!(charged(&it).await, [1500]);
}

#[tokio::test]
async fn what_was_shown_is_charged_or_nothing() {
    let it = gone("basic").await;
    let shown = preview(&it, "basic").await;
    let customer = text(&it.at_stripe().await["customer"]).to_owned();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let form = [("amount", "-400"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &form).await;
    let refused = again(&it, &shown).await;
    assert_eq!(refused.expect_error(409), "amount_outdated");
    let shown = preview(&it, "basic").await;
    assert_eq!(shown["due_now"]["amount"], 1100, "{shown}");
    assert_eq!(live(&it).await.len(), 0);
    again(&it, &shown).await.expect(201);
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert_eq!(paid, [1100, 1500]);
}

#[tokio::test]
async fn a_declined_payment_leaves_nothing_and_another_wallet_is_asked() {
    let it = gone("basic").await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    let shown = preview(&it, "basic").await;
    let refused = again(&it, &shown).await;
    assert_eq!(refused.expect_error(402), "payment_declined");
    assert_eq!(live(&it).await.len(), 0);
    it.app.quiet().await;
    // As any other shopper.
    it.alice.buy("basic").await.1.expect(303);
    it.app.quiet().await;
    assert_eq!(live(&it).await.len(), 1);
}

#[tokio::test]
async fn what_is_not_saved_is_not_charged() {
    // It was taken off the customer.
    let it = gone("basic").await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let path = format!("/v1/payment_methods/{method}/detach");
    it.app.stripe.api("POST", &path, &[]).await;
    it.app.quiet().await;
    let refused = it.asks("preview", &json!({"again": "basic"})).await;
    assert_eq!(refused.expect_error(409), "nothing_saved");
    let body = json!({"again": it.id, "plan": "basic", "due_now": 1500});
    let refused = ask(&it, &body).await;
    assert_eq!(refused.expect_error(409), "nothing_saved");
    assert_eq!(charged(&it).await, [1500]);

    // A device's wallet is asked each time.
    let app = TestApp::selling(&plans(), Setup::default()).await;
    let alice = app.shopper("alice");
    let opened = alice.begin_subscription("basic").await;
    alice.approve_apple_pay(&opened).await;
    alice.calls.subscribe(text(&opened["checkout"])).await;
    app.quiet().await;
    let id = text(&app.stripe.objects("subscription").await[0]["id"]).to_owned();
    let it = Subscriber { app, alice, id };
    it.server_asks("cancel", "end", &at_once())
        .await
        .expect(200);
    it.app.quiet().await;
    let actions = it.mine().await["actions"]["come_again"].clone();
    assert_eq!(
        actions,
        json!({"open": true, "reason": null, "saved": false})
    );
    let refused = it.asks("preview", &json!({"again": "basic"})).await;
    assert_eq!(refused.expect_error(409), "nothing_saved");
}

#[tokio::test]
async fn another_users_subscription_and_one_that_lives_give_nothing() {
    let it = gone("basic").await;
    let shown = preview(&it, "basic").await;
    let bob = it.app.shopper("bob");
    let body = json!({"again": it.id, "plan": "basic", "due_now": 1500});
    let request = bob.calls.request("POST", "/subscriptions").json(&body);
    let refused = bob.calls.send(request).await;
    assert_eq!(refused.expect_error(404), "unknown_subscription");
    for (body, code) in [
        (json!({"again": it.id}), "missing_field"),
        (json!({"again": it.id, "plan": "basic"}), "missing_field"),
        (
            json!({"plan": "basic", "due_now": 1500, "wallet": "apple_pay", "first": "subscription"}),
            "conflicting_fields",
        ),
        (
            json!({"again": it.id, "plan": "basic", "due_now": 1500, "wallet": "apple_pay"}),
            "conflicting_fields",
        ),
        (
            json!({"again": it.id, "plan": "nothing", "due_now": 1500}),
            "unknown_plan",
        ),
    ] {
        assert_eq!(ask(&it, &body).await.expect_error(400), code, "{body}");
    }
    for wrong in ["sub_nobody", "x"] {
        let body = json!({"again": wrong, "plan": "basic", "due_now": 1500});
        let refused = ask(&it, &body).await;
        assert_eq!(refused.expect_error(404), "unknown_subscription", "{wrong}");
    }
    let refused = it.asks("preview", &json!({"again": "nothing"})).await;
    assert_eq!(refused.expect_error(400), "unknown_plan");
    let refused = it
        .asks("preview", &json!({"again": "basic", "plan": "pro"}))
        .await;
    assert_eq!(refused.expect_error(400), "conflicting_fields");
    assert_eq!(charged(&it).await, [1500]);
    let back = again(&it, &shown).await.expect(201).json();
    it.app.quiet().await;
    // The new one has not ended.
    let path = format!(
        "/subscriptions/{}/preview",
        text(&back["subscription"]["id"])
    );
    let request = it.alice.calls.request("POST", &path);
    let refused = it
        .alice
        .calls
        .send(request.json(&json!({"again": "pro"})))
        .await;
    assert_eq!(refused.expect_error(409), "subscription_not_ended");
}

#[tokio::test]
async fn two_devices_at_once_subscribe_once() {
    let it = gone("basic").await;
    let shown = preview(&it, "basic").await;
    let other = preview(&it, "pro").await;
    let answers = all([&shown, &other, &shown, &other].map(|shown| again(&it, shown))).await;
    for answer in &answers {
        assert!(matches!(answer.status, 201 | 202 | 409), "{}", answer.text);
    }
    it.app.quiet().await;
    assert_eq!(live(&it).await.len(), 1);
    assert_eq!(charged(&it).await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_charges_once() {
    for lost in ["severed", "timeout_after", "timeout_before"] {
        let it = gone("basic").await;
        let shown = preview(&it, "basic").await;
        let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": lost,
            "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let first = again(&it, &shown).await;
        assert!(matches!(first.status, 202 | 503), "{lost}: {}", first.text);
        it.app.stripe.no_faults().await;
        let answer = wait_until("its turn", async || {
            let answer = again(&it, &shown).await;
            (!matches!(answer.status, 202 | 429 | 503)).then_some(answer)
        });
        let answer = answer.await;
        assert!(
            matches!(answer.status, 201 | 409),
            "{lost}: {}",
            answer.text
        );
        it.app.quiet().await;
        assert_eq!(live(&it).await.len(), 1, "{lost}");
        assert_eq!(charged(&it).await.len(), 2, "{lost}");
    }
}

#[tokio::test]
async fn a_permission_that_was_withdrawn_is_not_used_again() {
    let it = Subscriber::in_app(TestApp::selling(&plans(), Setup::default()).await, "trial").await;
    let mandate = it.app.stripe.objects("mandate").await.remove(0);
    let path = format!("/mandates/{}/revoke", text(&mandate["id"]));
    let url = format!("{}/_sandbox{path}", it.app.stripe.url());
    let request = perennial_tests::http().post(url).json(&json!({}));
    let request = request.bearer_auth(it.app.stripe.secret_key());
    assert!(request.send().await.unwrap().status().is_success());
    it.app.quiet().await;
    it.server_asks("cancel", "end", &at_once())
        .await
        .expect(200);
    it.app.quiet().await;
    let actions = it.mine().await["actions"]["come_again"].clone();
    assert_eq!(actions["saved"], false, "{actions}");
    for plan in ["basic", "prints"] {
        let refused = it.asks("preview", &json!({"again": plan})).await;
        assert_eq!(refused.expect_error(409), "nothing_saved");
        let amount = if plan == "basic" { 1500 } else { 900 };
        let body = json!({"again": it.id, "plan": plan, "due_now": amount});
        assert_eq!(ask(&it, &body).await.expect_error(409), "nothing_saved");
    }
    assert_eq!(charged(&it).await, [0_u64; 0]);
}

#[tokio::test]
async fn a_plan_in_another_currency_than_what_is_paid_is_refused() {
    let it = gone("basic").await;
    it.alice.buy("prints").await.1.expect(303);
    it.app.quiet().await;
    let refused = it.asks("preview", &json!({"again": "euro"})).await;
    assert_eq!(refused.expect_error(409), "currency_conflict");
    let body = json!({"again": it.id, "plan": "euro", "due_now": 1400});
    assert_eq!(ask(&it, &body).await.expect_error(409), "currency_conflict");
}

#[tokio::test]
async fn a_repeat_is_told_of_what_was_charged_though_the_balance_is_another_by_then() {
    let it = gone("basic").await;
    let customer = text(&it.at_stripe().await["customer"]).to_owned();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let form = [("amount", "-400"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &form).await;
    let shown = preview(&it, "basic").await;
    assert_eq!(shown["due_now"]["amount"], 1100, "{shown}");
    it.app
        .stripe
        .fault(json!({"method": "POST", "path": "/v1/subscriptions", "fault": "severed", "times": 9, "delay_ms": 1}))
        .await;
    again(&it, &shown).await;
    it.app.stripe.no_faults().await;
    let repeated = wait_until("its turn", async || {
        let again = again(&it, &shown).await;
        (!matches!(again.status, 202 | 429 | 503)).then_some(again)
    })
    .await;
    if repeated.status != 201 {
        assert_eq!(repeated.expect_error(409), "already_subscribed");
    }
    assert_eq!(live(&it).await.len(), 1);
    assert_eq!(charged(&it).await.len(), 2);
}
