//! How a function keeps the plans.

use super::{NOW, ask, names, plan, price};
use perennial_config::Start as _;
use perennial_tests::{TestApp, demo_plans_for_all};
use perennial_types::Clock;
use serde_json::{Value, json};

async fn start(app: &TestApp, clock: &Clock) -> subscriptions::App {
    subscriptions::App::start(&app.env_of("subscriptions", &[]), clock.clone())
        .await
        .unwrap()
}

async fn plans(function: &subscriptions::App) -> (i64, Value) {
    let (status, body, _) = ask(function, "GET /plans", "", None, None).await;
    (status, body)
}

#[tokio::test]
async fn a_new_version_is_seen_within_a_minute_at_the_cost_of_one_read() {
    let app = TestApp::start().await;
    let clock = Clock::manual(NOW);
    let function = start(&app, &clock).await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    // The events of the price are not what is counted.
    app.quiet().await;
    app.forget_calls().await;
    for _ in 0..20 {
        let (_, body) = plans(&function).await;
        assert_eq!(
            names(&body).len(),
            demo_plans_for_all(),
            "those of the start"
        );
    }
    assert!(app.calls().await.dynamodb.is_empty(), "they are kept");
    clock.advance(59);
    let many = (0..20).map(|_| {
        let function = function.clone();
        tokio::spawn(async move { plans(&function).await })
    });
    for answer in many.collect::<Vec<_>>() {
        let (status, body) = answer.await.unwrap();
        assert_eq!((status, names(&body)), (200, vec!["basic"]));
    }
    let calls = app.calls().await;
    assert_eq!(
        calls.dynamodb.get("GetItem"),
        Some(&1),
        "twenty at once read once"
    );
    assert!(calls.stripe.is_empty());
}

#[tokio::test]
async fn an_older_version_serves_while_the_table_does_not_answer() {
    let app = TestApp::start().await;
    let clock = Clock::manual(NOW);
    let function = start(&app, &clock).await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    app.to_dynamodb.set_down(true);
    clock.advance(3600);
    let (status, body) = plans(&function).await;
    assert_eq!((status, names(&body).len()), (200, demo_plans_for_all()));
    app.to_dynamodb.set_down(false);
    clock.advance(5);
    let (_, body) = plans(&function).await;
    assert_eq!(names(&body), ["basic"], "it looks again soon");
}

#[tokio::test]
async fn a_function_without_plans_starts_says_what_is_missing_and_recovers() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.table.remove_catalog().await;
    let clock = Clock::manual(NOW);
    let function = start(&app, &clock).await;
    let clicks = client_secret::App::start(&app.env_of("client-secret", &[]), clock.clone())
        .await
        .unwrap();
    let wallets = wallets::App::start(&app.env_of("wallets", &[]), clock.clone())
        .await
        .unwrap();
    let body = json!({"plan": "basic", "wallet": "apple_pay"});
    let answers = [
        plans(&function).await,
        {
            let answer = ask(&function, "GET /subscriptions", "", Some("alice"), None).await;
            (answer.0, answer.1)
        },
        {
            let answer = ask(
                &clicks,
                "POST /client-secret",
                "",
                Some("alice"),
                Some(body.clone()),
            )
            .await;
            (answer.0, answer.1)
        },
        {
            let answer = ask(&wallets, "GET /wallets", "plan=basic", Some("alice"), None).await;
            (answer.0, answer.1)
        },
    ];
    for (status, body) in answers {
        assert_eq!(
            (status, &body["error"]["code"]),
            (503, &json!("catalog_unavailable"))
        );
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("plans/plans.json"), "{message}");
    }
    app.publish(&plan("basic", &id, "")).await.unwrap();
    assert_eq!(plans(&function).await.0, 200);
    let answer = ask(
        &clicks,
        "POST /client-secret",
        "",
        Some("alice"),
        Some(body),
    )
    .await;
    assert_eq!(answer.0, 201, "{}", answer.1);
}

#[tokio::test]
async fn payments_of_the_shops_servers_need_no_plans() {
    let app = TestApp::start().await;
    app.table.remove_catalog().await;
    app.forget_calls().await;
    let payments = payments::App::start(&app.env_of("payments", &[]), Clock::system())
        .await
        .unwrap();
    // It reads of which mode the table is, and nothing else.
    assert_eq!(json!(app.calls().await.dynamodb), json!({"GetItem": 1}));
    drop(payments);
}
