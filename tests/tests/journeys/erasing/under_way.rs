//! What has to be ended before a user is erased, and what is ended with them.

use super::*;
use crate::payments::confirm;

#[tokio::test]
async fn a_subscription_has_to_be_ended_first() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let before = app.table.items().await;
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(409), "user_is_subscribed");
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(
        refused.json()["subscriptions"],
        json!([mine["subscriptions"][0]["id"]])
    );
    assert_eq!(app.table.items().await, before, "nothing is written");
    ends_all(&app, "alice").await;
    erase(&app, "alice").await.expect(200);
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

#[tokio::test]
async fn a_subscription_of_which_the_table_has_not_heard_is_found_at_stripe() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.click().await;
    let customer = customer_of(&app, "alice").await;
    let prices = app.stripe.objects("price").await;
    let price = text(&prices.iter().find(|it| it["unit_amount"] == 1500).unwrap()["id"]).to_owned();
    app.stripe.hold_webhooks().await;
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("trial_period_days", "30"),
    ];
    let made = app.stripe.api("POST", "/v1/subscriptions", &form).await;
    let before = app.table.items().await;
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(409), "user_is_subscribed");
    assert_eq!(refused.json()["subscriptions"], json!([made["id"]]));
    assert_eq!(app.table.items().await, before, "it was taken back");
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn a_payment_that_is_not_over_has_to_be_ended_first() {
    let app = TestApp::start().await;
    let shop = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay", "capture": "manual"});
    let started = shop.pay("k1", &body).await.expect(201).json();
    let payment = text(&started["id"]).to_owned();
    for held in [false, true] {
        if held {
            confirm(&app, &started, json!({})).await;
        }
        let refused = erase(&app, "alice").await;
        assert_eq!(refused.expect_error(409), "payment_under_way", "{held}");
        assert_eq!(refused.json()["payments"], json!([payment]), "{held}");
    }
    let path = format!("/payments/{payment}/cancel");
    shop.post(&path, "k2", &json!({})).await.expect(200);
    erase(&app, "alice").await.expect(200);
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

#[tokio::test]
async fn credit_at_stripe_is_not_lost() {
    let app = TestApp::start().await;
    app.shopper("alice").click().await;
    let customer = customer_of(&app, "alice").await;
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let form = [("amount", "-500"), ("currency", "usd")];
    app.stripe.api("POST", &path, &form).await;
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(409), "credit_left");
    let form = [("amount", "500"), ("currency", "usd")];
    app.stripe.api("POST", &path, &form).await;
    erase(&app, "alice").await.expect(200);
    app.quiet().await;
    last_pass(&app).await;
}

#[tokio::test]
async fn what_waits_for_its_shopper_is_ended_with_the_user() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let setup = alice.click().await;
    alice.go_to_wallet(&setup).await;
    let first = alice.begin_subscription(TRIAL).await;
    erase(&app, "alice").await.expect(200);
    app.quiet().await;
    for subscription in app.stripe.objects("subscription").await {
        assert_eq!(subscription["status"], "canceled", "{subscription}");
    }
    for intent in app.stripe.objects("setup_intent").await {
        assert_eq!(intent["status"], "canceled", "{intent}");
    }
    // The shopper comes back from the wallet.
    let checkout = text(&first["checkout"]);
    assert_eq!(
        alice.calls.checkout(checkout).await.expect_error(404),
        "unknown_checkout"
    );
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

#[tokio::test]
async fn a_checkout_that_is_being_decided_is_waited_for() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let checkout = alice.approve_and_vanish().await;
    // It has succeeded, and somebody is about to subscribe.
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(409), "checkout_under_way");
    alice.calls.subscribe(&checkout).await.expect(201);
    assert_eq!(
        erase(&app, "alice").await.expect_error(409),
        "user_is_subscribed"
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}

#[tokio::test]
async fn what_is_being_done_to_a_subscription_is_waited_for() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    ends_all(&app, "alice").await;
    app.quiet().await;
    let all = app.stripe.objects("subscription").await;
    let id = text(&all[0]["id"]);
    let log = |holds_until: &str| {
        json!({
            "pk": {"S": "USER#alice"}, "sk": {"S": format!("ACTIONS#{id}")},
            "count": {"N": "1"}, "expires_at": {"N": "4102444800"},
            "id": {"S": "refund"}, "owner": {"S": "a function"}, "lease": {"S": holds_until},
        })
    };
    app.table.put(&log("2100-01-01T00:00:00Z")).await;
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(409), "action_under_way");
    assert_eq!(refused.json()["subscriptions"], json!([id]));
    // Its holder has died before it began anything.
    app.table.put(&log("2020-01-01T00:00:00Z")).await;
    erase(&app, "alice").await.expect(200);
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

/// A click that has read the table before the mark opens its checkout after it.
#[tokio::test]
async fn a_click_at_the_same_moment_comes_to_nothing() {
    let mut app = TestApp::start().await;
    // The SetupIntent that the click has left.
    app.may_leave_work();
    let alice = app.shopper("alice");
    alice.click_for(TRIAL).await;
    app.quiet().await;
    let held = app.to_dynamodb.hold_next("TransactWriteItems");
    let ask = json!({"plan": MONTHLY, "wallet": "amazon_pay"});
    let click = alice.calls.client_secret(&ask);
    let erased = async {
        held.arrives().await;
        let erased = erase(&app, "alice").await;
        held.release();
        erased
    };
    let (click, erased) = tokio::join!(click, erased);
    assert_eq!(erased.status, 200, "{}", erased.text);
    assert_ne!(click.status, 200, "{}", click.text);
    app.quiet().await;
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
    assert_eq!(app.stripe.objects("subscription").await.len(), 0);
}
