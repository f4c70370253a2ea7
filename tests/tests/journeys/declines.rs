//! A checkout is no place to try cards: after a few declines it ends, and the user has to wait.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

/// Tries one declined card after the other, until Stripe takes no more; gives how many it took. Each
/// event is heard of before the next try.
async fn decline(app: &TestApp, user: &str, opened: &Value, most: usize) -> usize {
    for tried in 0..most {
        let shopper = app.shopper(user);
        let refused = shopper
            .use_apple_pay(opened, json!({"first": "decline"}))
            .await;
        app.quiet().await;
        if refused["error"]["code"] != "card_declined" {
            return tried;
        }
    }
    most
}

#[tokio::test]
async fn thirty_declines_on_one_client_secret_do_not_get_through() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    assert_eq!(decline(&app, "alice", &opened, 30).await, 5);
    let intents = app.stripe.objects("setup_intent").await;
    assert_eq!(intents[0]["status"], "canceled");
    let checkout = text(&opened["checkout"]);
    let polled = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(
        (&polled["status"], &polled["reason"]),
        (&json!("failed"), &json!("too_many_declines"))
    );
    let refused = alice.calls.subscribe(checkout).await;
    assert_eq!(refused.expect_error(402), "too_many_declines");

    // Nor do further checkouts help: a decline counts as much as one of them.
    let mut tried = 5;
    let answer = loop {
        let body = json!({"plan": MONTHLY, "wallet": "apple_pay"});
        let answer = alice.calls.client_secret(&body).await;
        if answer.status == 429 {
            break answer;
        }
        tried += decline(&app, "alice", &answer.expect(201).json(), 30).await;
        assert!(tried < 30, "there is no end to it");
    };
    assert_eq!(answer.expect_error(429), "too_many_checkouts");
    assert!(answer.retry_after().is_some());
    assert!(tried <= 20, "{tried}");
    // Another user has a limit of their own.
    app.shopper("bob").click_apple_pay(MONTHLY).await;
}

/// The declines are counted at Stripe, and not by what is heard of them.
#[tokio::test]
async fn events_that_are_late_doubled_and_out_of_order_count_once_each() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let opened = alice.click_apple_pay(MONTHLY).await;
    for _ in 0..4 {
        alice
            .use_apple_pay(&opened, json!({"first": "decline"}))
            .await;
    }
    app.stripe.release_webhooks("reverse", 0, 3).await;
    app.quiet().await;
    let declines = |items: Vec<Value>| items[0]["declines"].as_array().map(Vec::len);
    assert_eq!(declines(app.table.items_of("CUSTOMER").await), Some(4));
    let intents = app.stripe.objects("setup_intent").await;
    assert_eq!(intents[0]["status"], "requires_payment_method");

    app.stripe.hold_webhooks().await;
    for _ in 0..3 {
        alice
            .use_apple_pay(&opened, json!({"first": "decline"}))
            .await;
    }
    // A click sees it as well as an event does.
    let polled = alice.calls.checkout(text(&opened["checkout"])).await;
    assert_eq!(polled.json()["reason"], "too_many_declines");
    assert_eq!(declines(app.table.items_of("CUSTOMER").await), Some(7));
    app.stripe.release_webhooks("reverse", 0, 2).await;
    app.quiet().await;
    assert_eq!(declines(app.table.items_of("CUSTOMER").await), Some(7));
    let told = app.table.items_of("OUT#").await;
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn a_shopper_who_tries_a_third_card_is_let_through() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    assert_eq!(decline(&app, "alice", &opened, 2).await, 2);
    let again = alice.click_apple_pay(MONTHLY).await;
    assert_eq!(again["client_secret"], opened["client_secret"]);
    alice.approve_apple_pay(&again).await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
}

#[tokio::test]
async fn a_subscription_that_came_first_ends_after_as_many() {
    for (plan, intents) in [(MONTHLY, "payment_intent"), (TRIAL, "setup_intent")] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let opened = alice.begin_subscription(plan).await;
        assert_eq!(decline(&app, "alice", &opened, 30).await, 5, "{plan}");
        let subscriptions = app.stripe.objects("subscription").await;
        let status = text(&subscriptions[0]["status"]);
        assert!(
            matches!(status, "canceled" | "incomplete_expired"),
            "{status}"
        );
        assert_eq!(app.stripe.objects(intents).await[0]["status"], "canceled");
        let checkout = text(&opened["checkout"]);
        let refused = alice.calls.subscribe(checkout).await;
        assert_eq!(refused.expect_error(402), "too_many_declines");
        let told = app.table.items_of("OUT#").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(text(&told[0]["data"]).contains("too_many_declines"));
        // The trial was never confirmed.
        let path = format!("/wallets?plan={TRIAL}");
        let asked = alice.calls.request("GET", &path);
        let offer = alice.calls.send(asked).await.expect(200).json();
        assert_eq!(offer["trial_days"], 14);
    }
}

/// Checkouts that were opened an hour ago do not add up to more than those of this hour.
#[tokio::test]
async fn declines_of_several_open_checkouts_add_up() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let now = perennial_types::Clock::system().now();
    let declines: Vec<String> = (0..19).map(|it| format!("{now}#setatt_{it}")).collect();
    let opened = alice.click_apple_pay(MONTHLY).await;
    for item in app.table.raw_items().await {
        if item["sk"]["S"] == "CUSTOMER" {
            let mut noted = item.clone();
            noted["declines"] = json!({ "SS": declines });
            app.table.put(&noted).await;
        }
    }
    assert_eq!(decline(&app, "alice", &opened, 30).await, 1);
}
