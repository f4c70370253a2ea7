//! Many doing the same at once.

use std::collections::BTreeSet;

use perennial_tests::{Answer, TestApp};
use serde_json::json;
use tokio::task::JoinSet;

/// As many as the issue names.
const MANY: usize = 20;
/// Long enough for those who come at once to meet at Stripe, too.
const SLOW_STRIPE_MS: u32 = 200;

on_both!(
    many_first_clicks_of_one_user_give_one_customer_and_one_attempt,
    many_subscribe_calls_give_one_subscription_and_one_201,
    every_finisher_at_once_gives_the_same_subscription,
    the_same_webhook_many_times_at_once_is_applied_once,
    clicks_on_two_plans_at_once_give_one_customer,
);

async fn at_once<F: Future<Output = Answer> + Send + 'static>(calls: Vec<F>) -> Vec<Answer> {
    calls.into_iter().collect::<JoinSet<_>>().join_all().await
}

async fn many_first_clicks_of_one_user_give_one_customer_and_one_attempt(app: TestApp) {
    app.stripe
        .set_account(json!({"latency_ms": SLOW_STRIPE_MS}))
        .await;
    let caller = app.caller("alice");
    let click = || {
        let caller = caller.clone();
        async move { caller.click("stock-photos-monthly").await }
    };
    let answers = at_once((0..MANY).map(|_| click()).collect()).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let resumed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, resumed), (1, MANY - 1), "{answers:?}");
    let bodies: BTreeSet<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(bodies.len(), 1, "all get the same attempt");
    assert_eq!(app.stripe.objects("customer").await.len(), 1);
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    assert_eq!(app.stripe.requests_to("POST /v1/customers").await.len(), 1);
    assert_eq!(
        app.stripe.requests_to("POST /v1/setup_intents").await.len(),
        1
    );
}

async fn many_subscribe_calls_give_one_subscription_and_one_201(app: TestApp) {
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    app.stripe
        .set_account(json!({"latency_ms": SLOW_STRIPE_MS}))
        .await;
    let call = || {
        let (calls, checkout) = (alice.calls.clone(), checkout.clone());
        async move { calls.subscribe(&checkout).await }
    };
    let answers = at_once((0..MANY).map(|_| call()).collect()).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let found = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, found), (1, MANY - 1), "{answers:?}");
    let bodies: BTreeSet<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(bodies.len(), 1, "all get the same subscription");
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

async fn every_finisher_at_once_gives_the_same_subscription(app: TestApp) {
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let checkout = opened["checkout"].as_str().unwrap().to_owned();
    let back = alice.answer_wallet(&opened, "approve").await;
    app.stripe
        .set_account(json!({"latency_ms": SLOW_STRIPE_MS}))
        .await;
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let (caller, back, checkout) = (alice.calls.clone(), back.clone(), checkout.clone());
        calls.spawn(async move {
            let answer = caller.come_back_for_json(&back).await.expect(200);
            answer.text_at("/subscription/id")
        });
        let (caller, id) = (alice.calls.clone(), checkout.clone());
        calls.spawn(async move {
            caller
                .checkout(&id)
                .await
                .expect(200)
                .text_at("/subscription/id")
        });
        let caller = alice.calls.clone();
        calls.spawn(async move {
            caller
                .subscribe(&checkout)
                .await
                .text_at("/subscription/id")
        });
        let caller = alice.calls.clone();
        calls.spawn(async move {
            caller
                .click("stock-photos-monthly")
                .await
                .expect(409)
                .text_at("/subscription/id")
        });
    }
    let stripe = app.stripe.clone();
    let released = tokio::spawn(async move { stripe.release_webhooks("fifo", 0, 1).await });
    let ids: BTreeSet<String> = calls.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    released.await.unwrap();
    app.quiet().await;
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

async fn the_same_webhook_many_times_at_once_is_applied_once(app: TestApp) {
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    alice.approve_and_vanish().await;
    let deliveries = app.stripe.release_webhooks("fifo", 0, 20).await;
    for delivery in &deliveries {
        let attempts = delivery["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), MANY);
        assert!(
            attempts.iter().all(|attempt| attempt["status"] == 200),
            "{delivery}"
        );
    }
    app.quiet().await;
    let deliveries = app.stripe.deliveries().await;
    let events: BTreeSet<String> = deliveries
        .iter()
        .map(|it| it["event"].to_string())
        .collect();
    let inbox = app.inbox().await;
    assert_eq!(inbox.len(), events.len());
    assert!(
        inbox
            .iter()
            .all(|item| item["status"] == "processed" && item["attempts"] == 1),
        "{inbox:?}"
    );
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
}

async fn clicks_on_two_plans_at_once_give_one_customer(app: TestApp) {
    app.stripe
        .set_account(json!({"latency_ms": SLOW_STRIPE_MS}))
        .await;
    let caller = app.caller("alice");
    let click = |plan: &'static str| {
        let caller = caller.clone();
        async move { caller.click(plan).await }
    };
    let plans = ["stock-photos-monthly", "stock-photos-trial"];
    let answers = at_once(plans.into_iter().cycle().take(8).map(click).collect()).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 2, "{answers:?}");
    assert_eq!(app.stripe.objects("customer").await.len(), 1);
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 2);
}
