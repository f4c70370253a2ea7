//! What becomes of a checkout when its plan changes in between.

use super::{ask, click, plan, price};
use perennial_config::Start as _;
use perennial_tests::TestApp;
use perennial_types::Clock;
use serde_json::{Value, json};

async fn setup_intent(app: &TestApp, opened: &Value) -> Value {
    let id = opened["setup_intent"].as_str().unwrap();
    app.stripe
        .api("GET", &format!("/v1/setup_intents/{id}"), &[])
        .await
}

#[tokio::test]
async fn an_open_checkout_of_a_plan_that_is_no_longer_offered_is_closed_and_refused() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let (status, opened) = click(&app, "alice", "basic").await;
    assert_eq!(status, 201);
    app.publish(&plan("basic", &id, r#","sold":false"#))
        .await
        .unwrap();
    for _ in 0..2 {
        let (status, body) = click(&app, "alice", "basic").await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (409, &json!("plan_not_available"))
        );
        assert_eq!(setup_intent(&app, &opened).await["status"], "canceled");
    }
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_subscription_that_waits_for_its_shopper_is_taken_back_and_refused() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let begin = async || {
        let function = subscribe::App::start(&app.env_of("subscribe", &[]), Clock::system())
            .await
            .unwrap();
        let body = json!({"plan": "basic", "wallet": "apple_pay", "first": "subscription"});
        ask(
            &function,
            "POST /subscriptions",
            "",
            Some("alice"),
            Some(body),
        )
        .await
    };
    assert_eq!(begin().await.0, 201);
    app.publish(&plan("basic", &id, r#","amount":1"#))
        .await
        .unwrap();
    let (status, body, _) = begin().await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("plan_not_available"))
    );
    let subscriptions = app.stripe.objects("subscription").await;
    assert_eq!(subscriptions.len(), 1);
    let status = subscriptions[0]["status"].as_str().unwrap();
    assert!(
        ["canceled", "incomplete_expired"].contains(&status),
        "{status}"
    );
    app.quiet().await;
}

#[tokio::test]
async fn what_the_wallet_has_agreed_to_is_carried_out_at_the_frozen_price() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let (_, opened) = click(&app, "alice", "basic").await;
    app.stripe.hold_webhooks().await;
    app.shopper("alice").answer_wallet(&opened, "approve").await;
    app.publish(&plan("basic", &id, r#","sold":false"#))
        .await
        .unwrap();
    // The shopper comes back by the button: they have agreed, and it is theirs.
    let (status, body) = click(&app, "alice", "basic").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("already_subscribed")),
        "{body}"
    );
    let subscriptions = app.stripe.objects("subscription").await;
    assert_eq!(subscriptions.len(), 1);
    assert_eq!(subscriptions[0]["items"]["data"][0]["price"]["id"], id);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn another_amount_opens_another_checkout() {
    let app = TestApp::start().await;
    price(&app, &[("lookup_key", "basic")]).await;
    let file = r#"{"basic":{"group":"main","label":"Basic","lookup_key":"basic"}}"#;
    app.publish(file).await.unwrap();
    let (_, first) = click(&app, "alice", "basic").await;
    let moved = [
        ("lookup_key", "basic"),
        ("transfer_lookup_key", "true"),
        ("unit_amount", "9900"),
    ];
    let dearer = price(&app, &moved).await;
    app.publish(file).await.unwrap();
    let (status, second) = click(&app, "alice", "basic").await;
    assert_eq!(status, 201, "{second}");
    assert_ne!(first["checkout"], second["checkout"]);
    assert_eq!(setup_intent(&app, &first).await["status"], "canceled");
    let attempts = app.table.items_of("CHECKOUT#").await;
    let open = attempts.iter().find(|it| it["id"] == second["checkout"]);
    assert_eq!(open.unwrap()["price"], dearer);
    app.quiet().await;
}

#[tokio::test]
async fn a_plan_is_sold_with_its_own_wallets_only() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let more = r#","wallets":["apple_pay"]"#;
    app.publish(&plan("basic", &id, more)).await.unwrap();
    // The events of the price are not what is counted.
    app.quiet().await;
    app.stripe.forget_requests().await;
    let (status, body) = click(&app, "alice", "basic").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("wallet_not_offered"))
    );
    assert!(app.stripe.requests().await.is_empty());
    let wallets = wallets::App::start(&app.env_of("wallets", &[]), Clock::system())
        .await
        .unwrap();
    let (_, told, _) = ask(&wallets, "GET /wallets", "plan=basic", Some("alice"), None).await;
    assert_eq!(told["wallets"][0]["offer"], false, "{told}");
    assert_eq!(
        told["wallets"][0]["reasons"][0]["code"],
        "wallet_not_offered"
    );
    assert_eq!(told["wallets"][1]["offer"], true);
    assert_eq!(
        told["wallets"][1]["express_checkout"]["applePay"]["recurringPaymentRequest"]["regularBilling"]
            ["amount"],
        3000
    );
}
