//! A subscription is given to no one but the user that it was made for.

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{TestApp, wait_until};
use perennial_types::Clock;
use serde_json::{Value, json};

/// The first event of this type that is not one of those before, once it is settled.
async fn settled(app: &TestApp, kind: &str, before: &[Value]) -> Value {
    wait_until("the event is settled", async || {
        let inbox = app.inbox().await;
        let is_new = |item: &Value| before.iter().all(|known| known["event"] != item["event"]);
        let mut new = inbox.into_iter().filter(is_new);
        let item = new.find(|item| item["type"] == kind);
        item.filter(|item| item["status"] != "received")
    })
    .await
}

#[tokio::test]
async fn an_event_of_a_customer_whose_user_was_rewritten_gives_the_other_user_nothing() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await[0].clone();
    let customer = subscription["customer"].as_str().unwrap();
    let before = app.inbox().await;
    app.table
        .put(&json!({"pk": {"S": format!("CUST#{customer}")}, "sk": {"S": "USER"}, "user": {"S": "mallory"}}))
        .await;
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    app.stripe
        .api("POST", &path, &[("cancel_at_period_end", "true")])
        .await;
    let event = settled(&app, "customer.subscription.updated", &before).await;
    assert_eq!(event["status"], "failed", "{event}");
    assert!(
        event["error"]
            .as_str()
            .unwrap()
            .contains("user of the subscription"),
        "{event}"
    );
    let mallory = app
        .shopper("mallory")
        .calls
        .subscriptions()
        .await
        .expect(200)
        .json();
    assert_eq!(mallory["subscriptions"], json!([]));
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    // The nightly comparison gives it to no one either, and goes on to the others.
    let reconcile = reconcile::App::start(&app.env_of("reconcile", &[]), Clock::system())
        .await
        .unwrap();
    let compared = reconcile
        .handle(json!({"sweep": "subscriptions"}))
        .await
        .unwrap();
    assert_eq!(compared["subscriptions"]["complete"], true, "{compared}");
    let mallory = app
        .shopper("mallory")
        .calls
        .subscriptions()
        .await
        .expect(200)
        .json();
    assert_eq!(mallory["subscriptions"], json!([]));
    app.may_leave_work();
}

#[tokio::test]
async fn a_stored_event_lies_below_the_prefix_of_the_inbox() {
    let app = TestApp::start().await;
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let inbox = app.inbox().await;
    assert!(!inbox.is_empty());
    for item in inbox {
        let of = item["customer"]
            .as_str()
            .or(item["event"].as_str())
            .unwrap();
        assert_eq!(item["pk"], format!("INBOX#{of}"));
    }
    for item in app.table.items().await {
        let pk = item["pk"].as_str().unwrap();
        assert!(!pk.starts_with("CUST#") || item["sk"] == "USER", "{item}");
    }
}
