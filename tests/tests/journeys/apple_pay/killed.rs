//! Subscriptions that come first, with a function that dies or a Stripe that fails at each step.

use perennial_tests::{TestApp, wait_until};
use serde_json::json;

use super::{MONTHLY, TRIAL, subscription_first::live};

/// A first click is killed after Stripe has created the subscription; the next one goes on with it.
async fn check_killed(plan: &str) {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let alice = app.shopper("alice");
    let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "timeout_after", "delay_ms": 60_000});
    app.stripe.fault(fault).await;
    let first = tokio::spawn({
        let (calls, plan) = (alice.calls.clone(), plan.to_owned());
        async move { calls.begin_subscription(&plan).await }
    });
    wait_until("Stripe has created it", async || {
        let all = app.stripe.objects("subscription").await;
        (!all.is_empty()).then_some(())
    })
    .await;
    assert_eq!(lambda.kill("subscribe"), 1, "it died in the middle");
    first.await.unwrap().expect(500);

    let opened = wait_until("the dead one's lease has run out", async || {
        let answer = alice.calls.begin_subscription(plan).await;
        assert!(
            matches!(answer.status, 200..=202 | 429 | 503),
            "{}",
            answer.text
        );
        matches!(answer.status, 200 | 201).then(|| answer.json())
    })
    .await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;
    let live = live(&app).await;
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(live[0]["id"], opened["subscription"]);
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_creating_the_subscription_leaves_one_to_pay() {
    check_killed(MONTHLY).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_creating_the_trial_leaves_one_to_confirm() {
    check_killed(TRIAL).await;
}

#[tokio::test]
async fn whoever_finishes_may_die_at_any_call_to_stripe() {
    for (plan, path, method) in [
        (MONTHLY, "/v1/subscriptions/*", "GET"),
        (TRIAL, "/v1/subscriptions/*", "GET"),
    ] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        app.stripe.hold_webhooks().await;
        let opened = alice.begin_subscription(plan).await;
        alice.approve_apple_pay(&opened).await;
        let fault =
            json!({"method": method, "path": path, "fault": "status", "status": 500, "times": 9});
        app.stripe.fault(fault).await;
        let checkout = opened["checkout"].as_str().unwrap();
        let failed = alice.calls.subscribe(checkout).await.expect(503).json();
        assert_eq!(failed["error"]["code"], "stripe_unavailable");
        app.stripe.no_faults().await;
        let done = alice.calls.subscribe(checkout).await;
        assert!(matches!(done.status, 200 | 201), "{}", done.text);
        app.stripe.release_webhooks("shuffle", 7, 2).await;
        app.quiet().await;
        assert_eq!(live(&app).await.len(), 1);
    }
}

#[tokio::test]
async fn whoever_makes_way_may_die_at_any_call_to_stripe() {
    for (left, next, method, path) in [
        (MONTHLY, TRIAL, "POST", "/v1/invoices/*/void"),
        (MONTHLY, TRIAL, "DELETE", "/v1/subscriptions/*"),
        (TRIAL, MONTHLY, "POST", "/v1/setup_intents/*/cancel"),
        (TRIAL, MONTHLY, "DELETE", "/v1/subscriptions/*"),
    ] {
        for after in [false, true] {
            let app = TestApp::start().await;
            let alice = app.shopper("alice");
            alice.begin_subscription(left).await;
            app.quiet().await;
            let fault = json!({"method": method, "path": path, "fault": "status", "status": 503, "after": after, "times": 9});
            app.stripe.fault(fault).await;
            let failed = alice.calls.begin_subscription(next).await;
            // What was done is found to be done, by the same request's next try.
            let recovers = after && failed.status == 201;
            assert!(
                recovers || failed.status == 503,
                "{method} {path} {after}: {}",
                failed.text
            );
            app.stripe.no_faults().await;
            let opened = alice.begin_subscription(next).await;
            alice.approve_apple_pay(&opened).await;
            app.quiet().await;
            let live = live(&app).await;
            assert_eq!(live.len(), 1, "{method} {path} {after}: {live:?}");
            assert_eq!(live[0]["id"], opened["subscription"]);
        }
    }
}

#[tokio::test]
async fn two_first_clicks_at_once_make_one_subscription() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let clicks: tokio::task::JoinSet<_> = (0..8)
        .map(|_| {
            let calls = alice.calls.clone();
            async move { calls.begin_subscription(MONTHLY).await }
        })
        .collect();
    let mut secrets = Vec::new();
    for answer in clicks.join_all().await {
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        secrets.push(answer.json()["client_secret"].clone());
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 1, "all got the same");
    app.quiet().await;
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("customer").await.len(), 1);
}
