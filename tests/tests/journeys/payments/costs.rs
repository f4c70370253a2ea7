//! What each request of the shop's servers costs.

use perennial_tests::{Answer, TestApp};
use serde_json::json;

use super::{ShopServer, charge, confirm, migration::MIGRATE, text};

#[tokio::test]
async fn every_request_costs_what_the_design_says() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.stripe.hold_webhooks().await;
    let mut costs = Vec::new();
    let mut note = async |step: &str, request: &mut (dyn Future<Output = Answer> + Unpin)| {
        app.forget_calls().await;
        let answer = request.await;
        assert!(answer.status < 300, "{step}: {}", answer.text);
        costs.push(format!("{step}\n    {}", app.calls().await));
        answer.json()
    };
    let body = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay", "save": true});
    note(
        "a new user's payment in the page",
        &mut Box::pin(server.pay("a", &body)),
    )
    .await;
    let started = note("a known user's", &mut Box::pin(server.pay("b", &body))).await;
    let paid = confirm(&app, &started, json!({})).await;
    note("the same again", &mut Box::pin(server.pay("b", &body))).await;
    let method = text(&paid["payment_method"]).to_owned();
    let mut body = charge("alice", &method, 700);
    body["capture"] = "manual".into();
    let held = note(
        "money held off-session",
        &mut Box::pin(server.pay("c", &body)),
    )
    .await;
    note("the same again", &mut Box::pin(server.pay("c", &body))).await;
    let path = format!("/payments/{}", text(&held["id"]));
    note("how it stands", &mut Box::pin(server.get(&path))).await;
    for (action, body) in [
        ("increment", json!({"amount": 900})),
        ("capture", json!({"amount": 800})),
        ("refunds", json!({"amount": 100})),
    ] {
        let path = format!("{path}/{action}");
        note(action, &mut Box::pin(server.post(&path, action, &body))).await;
        note(
            "the same again",
            &mut Box::pin(server.post(&path, action, &body)),
        )
        .await;
    }
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    let moved = note(
        "a token's migration",
        &mut Box::pin(server.post(MIGRATE, "m", &body)),
    )
    .await;
    note(
        "the same again",
        &mut Box::pin(server.post(MIGRATE, "m", &body)),
    )
    .await;
    let body = charge("alice", text(&moved["payment_method"]), 700);
    note(
        "a charge of a method that a SetupIntent has set up",
        &mut Box::pin(server.pay("d", &body)),
    )
    .await;
    let path = format!("/payment-methods/{method}/diagnosis?user=alice");
    note("a diagnosis", &mut Box::pin(server.get(&path))).await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"), @r"
    a new user's payment in the page
        Stripe: POST /v1/customers, POST /v1/payment_intents; DynamoDB: 2 x GetItem, PutItem, TransactWriteItems, 2 x UpdateItem
    a known user's
        Stripe: POST /v1/payment_intents; DynamoDB: 4 x GetItem, PutItem, UpdateItem
    the same again
        Stripe: GET /v1/payment_intents/{id}; DynamoDB: GetItem
    money held off-session
        Stripe: GET /v1/payment_intents, GET /v1/payment_methods/{id}, GET /v1/setup_intents, POST /v1/payment_intents; DynamoDB: 5 x GetItem, PutItem, UpdateItem
    the same again
        Stripe: GET /v1/payment_intents/{id}; DynamoDB: 2 x GetItem
    how it stands
        Stripe: GET /v1/payment_intents/{id}; DynamoDB: 2 x GetItem
    increment
        Stripe: GET /v1/payment_intents/{id}, POST /v1/payment_intents/{id}/increment_authorization; DynamoDB: 3 x GetItem, TransactWriteItems, UpdateItem
    the same again
        Stripe: GET /v1/payment_intents/{id}; DynamoDB: 2 x GetItem
    capture
        Stripe: GET /v1/payment_intents/{id}, POST /v1/payment_intents/{id}/capture; DynamoDB: 2 x GetItem, PutItem, UpdateItem
    the same again
        Stripe: GET /v1/payment_intents/{id}; DynamoDB: GetItem
    refunds
        Stripe: 2 x GET /v1/payment_intents/{id}, POST /v1/refunds; DynamoDB: 2 x GetItem, PutItem, UpdateItem
    the same again
        Stripe: GET /v1/payment_intents/{id}, GET /v1/refunds/{id}; DynamoDB: GetItem
    a token's migration
        Stripe: POST /v1/payment_methods, POST /v1/setup_intents; DynamoDB: 2 x GetItem, PutItem, 2 x UpdateItem
    the same again
        Stripe: GET /v1/setup_intents/{id}; DynamoDB: GetItem
    a charge of a method that a SetupIntent has set up
        Stripe: GET /v1/payment_methods/{id}, GET /v1/setup_intents, POST /v1/payment_intents; DynamoDB: 4 x GetItem, PutItem, UpdateItem
    a diagnosis
        Stripe: GET /v1/charges, GET /v1/payment_intents, GET /v1/payment_methods/{id}, GET /v1/setup_intents; DynamoDB: GetItem
    ");
}
