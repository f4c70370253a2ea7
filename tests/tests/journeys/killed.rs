//! Functions that die between Stripe's answer and the table, and servers that are restarted.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};

/// Carries this call out at Stripe, and answers only when everybody who waited is dead.
async fn answer_too_late(app: &TestApp, path: &str) {
    let fault =
        json!({"method": "POST", "path": path, "fault": "timeout_after", "delay_ms": 60_000});
    app.stripe.fault(fault).await;
}

/// Waits until Stripe has carried the call out.
async fn is_carried_out(app: &TestApp, path: &str) {
    wait_until("Stripe has carried the call out", async || {
        let requests = app.stripe.requests().await;
        requests
            .iter()
            .any(|it| it["path"] == path && it["fault"] == "timeout_after")
            .then_some(())
    })
    .await;
}

/// Asks until nobody says any more that somebody else is at it.
async fn until_it_works<F: Future<Output = Answer>>(mut ask: impl FnMut() -> F) -> Answer {
    wait_until("the dead one's lease has run out", || {
        let asked = ask();
        async {
            let answer = asked.await;
            let again = matches!(answer.status, 202 | 429 | 503);
            assert!(!again || answer.retry_after().is_some(), "{}", answer.text);
            (!again).then_some(answer)
        }
    })
    .await
}

/// A click is killed after Stripe has created something; the next click goes on with that.
async fn check_killed_click(path: &str, server_confirms: bool) {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let alice = app.shopper("alice");
    let confirm = if server_confirms { "server" } else { "client" };
    let ask = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "confirm": confirm});
    answer_too_late(&app, path).await;
    let first = tokio::spawn({
        let (calls, ask) = (alice.calls.clone(), ask.clone());
        async move { calls.client_secret(&ask).await }
    });
    is_carried_out(&app, path).await;
    assert_eq!(lambda.kill("client-secret"), 1, "it died in the middle");
    first.await.unwrap().expect(500);

    let opened = until_it_works(|| alice.calls.client_secret(&ask)).await;
    assert!(matches!(opened.status, 200 | 201), "{}", opened.text);
    let back = alice.answer_wallet(&opened.json(), "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    for kind in ["customer", "setup_intent", "subscription", "charge"] {
        assert_eq!(app.stripe.objects(kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_creating_the_customer_leaves_one_customer() {
    check_killed_click("/v1/customers", false).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_creating_the_setup_intent_leaves_one_setup_intent() {
    check_killed_click("/v1/setup_intents", false).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_confirming_leaves_one_mandate_to_agree_to() {
    check_killed_click("/v1/setup_intents", true).await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_creating_the_subscription_leaves_one_subscription() {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let checkout = alice.approve_and_vanish().await;
    answer_too_late(&app, "/v1/subscriptions").await;
    let first = tokio::spawn({
        let (calls, checkout) = (alice.calls.clone(), checkout.clone());
        async move { calls.subscribe(&checkout).await }
    });
    is_carried_out(&app, "/v1/subscriptions").await;
    assert_eq!(lambda.kill("subscribe"), 1, "it died in the middle");
    first.await.unwrap().expect(500);
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);

    let known = until_it_works(|| alice.calls.subscribe(&checkout)).await;
    assert!(matches!(known.status, 200 | 201), "{}", known.text);
    let created = app.stripe.objects("subscription").await;
    assert_eq!(created.len(), 1);
    assert_eq!(
        known.text_at("/subscription/id"),
        created[0]["id"].as_str().unwrap()
    );
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_is_given_the_event_again() {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    answer_too_late(&app, "/v1/subscriptions").await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
    is_carried_out(&app, "/v1/subscriptions").await;
    assert_eq!(lambda.kill("worker"), 1, "it died in the middle");
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn what_a_dead_finisher_has_created_reaches_the_table_by_its_events_alone() {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    answer_too_late(&app, "/v1/subscriptions").await;
    app.stripe.hold_webhooks().await;
    let back = alice.answer_wallet(&opened, "approve").await;
    let first = tokio::spawn({
        let calls = alice.calls.clone();
        async move { calls.come_back(&back).await }
    });
    is_carried_out(&app, "/v1/subscriptions").await;
    assert_eq!(lambda.kill("confirm"), 1, "it died in the middle");
    first.await.unwrap().expect(500);
    app.stripe.release_webhooks("reverse", 0, 1).await;
    app.quiet().await;
    let polled = alice
        .calls
        .checkout(opened["checkout"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(polled.json()["status"], "subscribed");
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
}

#[tokio::test]
async fn a_restart_in_the_middle_of_the_journey_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = TestApp::start_on(folder.path()).await;
    app.may_leave_work();
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    app.stop().await;

    // The shopper's pages are still open, and their addresses are those of before the restart.
    let mut app = TestApp::start_on(folder.path()).await;
    app.may_leave_work();
    let alice = app.shopper("alice");
    let again = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(200)
        .json();
    assert_eq!(again["checkout"], opened["checkout"]);
    assert_eq!(again["client_secret"], opened["client_secret"]);
    app.stripe.hold_webhooks().await;
    let back = alice.answer_wallet(&again, "approve").await;
    app.stop().await;

    let app = TestApp::start_on(folder.path()).await;
    let alice = app.shopper("alice");
    let (_, query) = back.split_once("/confirm").unwrap();
    let landed = alice
        .calls
        .come_back(&format!("{}/confirm{query}", app.url()))
        .await
        .expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let before = alice.calls.subscriptions().await.expect(200).json();
    let tokens = app.token("alice");
    app.stop().await;

    let app = TestApp::start_on(folder.path()).await;
    let alice = app.anybody().with_token(Some(&tokens));
    let after: Value = alice.subscriptions().await.expect(200).json();
    assert_eq!(
        after, before,
        "a token of before the restart is good, and so is the subscription"
    );
    assert_eq!(after["subscriptions"][0]["status"], "active");
    app.stop().await;
}

/// How many shoppers check out at once while functions are killed.
const SHOPPERS: usize = 12;

/// Asks again while the function that was asked is dead, or its lease is not over.
async fn against_all_odds<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    wait_until("a function lives long enough to answer", || {
        let asked = ask();
        async {
            let answer = asked.await;
            (answer.status < 500 && answer.status != 202).then_some(answer)
        }
    })
    .await
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn functions_that_are_killed_at_random_under_load_charge_each_shopper_once() {
    let app = TestApp::start_on_lambda().await;
    let lambda = app.lambda.as_ref().unwrap();
    let mut shoppers = tokio::task::JoinSet::new();
    for number in 0..SHOPPERS {
        let shopper = app.shopper(&format!("shopper-{number}"));
        shoppers.spawn(async move {
            let opened = against_all_odds(|| shopper.calls.click("stock-photos-monthly")).await;
            let back = shopper.answer_wallet(&opened.json(), "approve").await;
            against_all_odds(|| shopper.calls.come_back(&back))
                .await
                .expect(303);
            let opened = opened.json();
            let checkout = opened["checkout"].as_str().unwrap();
            let known = against_all_odds(|| shopper.calls.subscribe(checkout)).await;
            // 201 when the return could only say that it is not decided yet.
            assert!(matches!(known.status, 200 | 201), "{}", known.text);
        });
    }
    // The order of the deaths is the same each time; what they hit is up to the load.
    let functions = ["client-secret", "confirm", "worker", "subscribe", "webhook"];
    let mut killed = 0;
    let mut turn = 0;
    let mut done = 0;
    while done < SHOPPERS {
        let pause = std::time::Duration::from_millis(60 + 35 * (turn % 5) as u64);
        match tokio::time::timeout(pause, shoppers.join_next()).await {
            Ok(answered) => {
                answered.unwrap().unwrap();
                done += 1;
            }
            Err(_) if turn < 60 => killed += lambda.kill(functions[turn * 7 % functions.len()]),
            Err(_) => {}
        }
        turn += 1;
    }
    assert!(killed > 0, "nobody was killed in the middle of anything");
    app.quiet().await;
    for kind in ["customer", "setup_intent", "subscription", "charge"] {
        assert_eq!(app.stripe.objects(kind).await.len(), SHOPPERS, "{kind}");
    }
    let ended = app.table.items_of("SUB#").await;
    assert_eq!(ended.len(), SHOPPERS);
    assert!(ended.iter().all(|item| item["model"]["status"] == "active"));
}
