//! What each step costs: Stripe's limits are what limits a large shop.

use perennial_tests::{Setup, TestApp};
use serde_json::json;

use crate::actions::Subscriber;

/// The calls of one step.
async fn cost(app: &TestApp, step: impl Future) -> String {
    app.forget_calls().await;
    step.await;
    app.calls().await.to_string()
}

#[tokio::test]
async fn every_step_costs_what_the_design_says() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let mut costs = Vec::new();
    let mut note = |step: &str, cost: String| costs.push(format!("{step}\n    {cost}"));

    note(
        "a new user's click",
        cost(&app, alice.click_for("stock-photos-trial")).await,
    );
    note("a known user's click", cost(&app, alice.click()).await);
    note("the same click again", cost(&app, alice.click()).await);
    let opened = alice.click().await;
    let checkout = opened["checkout"].as_str().unwrap();
    note(
        "polling before the wallet has answered",
        cost(&app, alice.calls.checkout(checkout)).await,
    );
    let back = alice.answer_wallet(&opened, "approve").await;
    note("the return", cost(&app, alice.calls.come_back(&back)).await);
    note(
        "the return again",
        cost(&app, alice.calls.come_back(&back)).await,
    );
    note(
        "the subscribe call after it",
        cost(&app, alice.calls.subscribe(checkout)).await,
    );
    note(
        "polling after it",
        cost(&app, alice.calls.checkout(checkout)).await,
    );
    note(
        "a click of a subscriber",
        cost(&app, alice.calls.click("stock-photos-trial")).await,
    );
    note(
        "what the user has",
        cost(&app, alice.calls.subscriptions()).await,
    );

    app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"));
}

#[tokio::test]
async fn apple_pay_with_the_subscription_first_costs_what_the_design_says() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let mut costs = Vec::new();
    for (user, plan) in [
        ("alice", "stock-photos-monthly"),
        ("bob", "stock-photos-trial"),
    ] {
        let shopper = app.shopper(user);
        // The customer is there from an earlier click, which is not what is counted here.
        shopper.click_for(plan).await;
        let mut note = |step: &str, cost: String| costs.push(format!("{plan}: {step}\n    {cost}"));
        note(
            "the click",
            cost(&app, shopper.begin_subscription(plan)).await,
        );
        note(
            "the same click again",
            cost(&app, shopper.begin_subscription(plan)).await,
        );
        let opened = shopper.begin_subscription(plan).await;
        let checkout = opened["checkout"].as_str().unwrap();
        note(
            "polling before the shopper has confirmed",
            cost(&app, shopper.calls.checkout(checkout)).await,
        );
        shopper.approve_apple_pay(&opened).await;
        note(
            "the subscribe call after it",
            cost(&app, shopper.calls.subscribe(checkout)).await,
        );
        note(
            "polling after it",
            cost(&app, shopper.calls.checkout(checkout)).await,
        );
    }
    app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"), @r"
    stock-photos-monthly: the click
        Stripe: POST /v1/subscriptions; DynamoDB: Query, 3 x TransactWriteItems
    stock-photos-monthly: the same click again
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: Query, UpdateItem
    stock-photos-monthly: polling before the shopper has confirmed
        Stripe: GET /v1/payment_intents/{id}, GET /v1/subscriptions/{id}; DynamoDB: GetItem, UpdateItem
    stock-photos-monthly: the subscribe call after it
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: GetItem, TransactWriteItems, 2 x UpdateItem
    stock-photos-monthly: polling after it
        Stripe: nothing; DynamoDB: 2 x GetItem
    stock-photos-trial: the click
        Stripe: POST /v1/subscriptions; DynamoDB: Query, 3 x TransactWriteItems
    stock-photos-trial: the same click again
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: Query, UpdateItem
    stock-photos-trial: polling before the shopper has confirmed
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: GetItem, UpdateItem
    stock-photos-trial: the subscribe call after it
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: GetItem, TransactWriteItems, 2 x UpdateItem
    stock-photos-trial: polling after it
        Stripe: nothing; DynamoDB: 2 x GetItem
    ");
}

#[tokio::test]
async fn a_webhook_costs_one_write() {
    let app = TestApp::start().await;
    let event = serde_json::json!({
        "id": "evt_1", "object": "event", "type": "product.created", "created": 1_790_000_000, "livemode": false,
        "data": {"object": {"object": "product", "id": "prod_1"}},
    })
    .to_string();
    let signature =
        perennial_tests::sign(app.variable("STRIPE_WEBHOOK_SECRETS"), event.as_bytes(), 0);
    app.forget_calls().await;
    app.anybody()
        .webhook(event, Some(&signature))
        .await
        .expect(200);
    assert_eq!(app.to_dynamodb.counts().get("PutItem"), Some(&1));
    assert!(app.stripe.requests().await.is_empty());
}

/// What could be half done is on the sweep's list by a write that is made anyway; only a cancellation that gives a
/// plan to come up first takes one more.
#[tokio::test]
async fn every_action_costs_what_the_design_says() {
    let plan = |amount: u64| {
        json!({"group": "photos", "label": "Photos", "amount": amount, "currency": "usd",
            "interval": "month"})
    };
    let plans = json!({"basic": plan(1500), "pro": plan(2900)});
    let it = Subscriber::in_app(TestApp::selling(&plans, Setup::default()).await, "basic").await;
    let app = &it.app;
    app.stripe.hold_webhooks().await;
    let mut costs = Vec::new();
    let mut note = |step: &str, cost: String| costs.push(format!("{step}\n    {cost}"));
    let nothing = json!({});
    let shown = async |plan: &str, when: &str| {
        let ask = json!({"plan": plan, "when": when});
        let shown = it.asks("preview", &ask).await.expect(200).json();
        json!({"preview": shown["preview"]})
    };
    note(
        "a cancellation",
        cost(app, it.asks("cancel", &nothing)).await,
    );
    note(
        "taking it back",
        cost(app, it.asks("withdraw-cancellation", &nothing)).await,
    );
    let body = shown("pro", "now").await;
    note("another plan", cost(app, it.asks("change", &body)).await);
    let body = shown("basic", "period_end").await;
    note("a plan to come", cost(app, it.asks("change", &body)).await);
    note(
        "taking that back",
        cost(app, it.asks("withdraw-change", &nothing)).await,
    );
    let body = shown("basic", "period_end").await;
    it.asks("change", &body).await.expect(200);
    note(
        "a cancellation beside a plan to come",
        cost(app, it.asks("cancel", &nothing)).await,
    );
    let wallet = json!({"wallet": "amazon_pay"});
    let opened = it.asks("payment-method", &wallet).await.expect(201).json();
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let body = json!({"setup_intent": opened["setup_intent"]});
    note(
        "another payment method",
        cost(app, it.asks("payment-method/finish", &body)).await,
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    insta::assert_snapshot!(costs.join("\n"), @r"
    a cancellation
        Stripe: GET /v1/subscriptions/{id}, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 2 x PutItem, TransactWriteItems, 2 x UpdateItem
    taking it back
        Stripe: GET /v1/subscriptions/{id}, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 2 x PutItem, TransactWriteItems, 2 x UpdateItem
    another plan
        Stripe: 2 x GET /v1/subscriptions/{id}, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 3 x PutItem, Query, TransactWriteItems, 2 x UpdateItem
    a plan to come
        Stripe: 2 x GET /v1/subscriptions/{id}, POST /v1/subscription_schedules, POST /v1/subscription_schedules/{id}; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    taking that back
        Stripe: 2 x GET /v1/subscriptions/{id}, POST /v1/subscription_schedules/{id}/release; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    a cancellation beside a plan to come
        Stripe: GET /v1/subscriptions/{id}, POST /v1/subscription_schedules/{id}/release, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    another payment method
        Stripe: GET /v1/invoices, GET /v1/payment_methods/{id}, GET /v1/setup_intents/{id}, GET /v1/subscriptions, 2 x GET /v1/subscriptions/{id}, POST /v1/payment_methods/{id}/detach, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 2 x PutItem, TransactWriteItems, 2 x UpdateItem
    ");
}
