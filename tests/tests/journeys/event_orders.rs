//! Events in every order, at once, and brought by slow readers.

use std::collections::BTreeSet;

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{TestApp, plain};
use perennial_types::Clock;
use serde_json::{Value, json};
use worker::App;

/// An event of the inbox as the table's stream brings it.
fn record(image: &Value) -> Value {
    json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": image}})
}

async fn bring(worker: &App, images: &[Value]) {
    let records: Vec<Value> = images.iter().map(record).collect();
    let answer = worker.handle(json!({ "Records": records })).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

/// A worker with its own connections.
async fn worker_of(app: &TestApp) -> App {
    App::start(&app.env_of("worker", &[]), Clock::system())
        .await
        .unwrap()
}

/// The inbox's items, as they were when they were put there.
async fn events_of(app: &TestApp) -> Vec<Value> {
    let mut images = app.table.raw_items().await;
    images.retain(|image| {
        image["sk"]["S"]
            .as_str()
            .is_some_and(|sk| sk.starts_with("EVENT#"))
    });
    for image in &mut images {
        image["status"] = json!({"S": "received"});
    }
    images.sort_by_key(|image| image["type"].to_string());
    images
}

/// What an order must not change: all of a user's items but for who did it and when.
fn outcome(items: &[Value]) -> Vec<Value> {
    let mut items: Vec<Value> = items.iter().map(plain).collect();
    items.retain(|item| {
        item["pk"]
            .as_str()
            .is_some_and(|pk| pk.starts_with("USER#"))
    });
    for item in &mut items {
        let is_outgoing = item["sk"].as_str().is_some_and(|sk| sk.starts_with("OUT#"));
        let names: &[&str] = if is_outgoing {
            &["id", "sk", "occurred_at", "expires_at"]
        } else {
            &["fence", "lease", "owner", "frozen_at"]
        };
        for name in names {
            item.as_object_mut().unwrap().remove(*name);
        }
    }
    items.sort_by_key(|item| (item["sk"].to_string(), item["type"].to_string()));
    items
}

/// Compares what two orders left, and shows the items that differ alone.
#[track_caller]
fn check_same(left: &[Value], right: &[Value], order: &str) {
    assert_eq!(left.len(), right.len(), "{order}");
    for (left, right) in left.iter().zip(right) {
        assert!(left == right, "{order}:\n{left}\n{right}");
    }
}

/// Orders of so many things: all of them, or a sample of about a hundred.
fn orders(things: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..things {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let rest = (0..things)
                    .filter(|next| !order.contains(next))
                    .collect::<Vec<_>>();
                rest.into_iter()
                    .map(move |next| order.iter().copied().chain([next]).collect())
            })
            .collect();
    }
    // A step that is no divisor visits orders that begin and end with each of the things.
    let step = (orders.len() / 100).max(1) | 1;
    orders.into_iter().step_by(step).collect()
}

#[tokio::test]
async fn events_in_any_order_end_in_the_same_read_model() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    // As if the finisher died after Stripe had created the subscription.
    let before = app.table.raw_items().await;
    alice.calls.subscribe(&checkout).await.expect(201);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let expected = outcome(&app.table.raw_items().await);
    let events = events_of(&app).await;
    let types: BTreeSet<&str> = events
        .iter()
        .map(|it| it["type"]["S"].as_str().unwrap())
        .collect();
    for needed in [
        "setup_intent.succeeded",
        "customer.subscription.created",
        "invoice.paid",
    ] {
        assert!(types.contains(needed), "{types:?}");
    }

    let worker = worker_of(&app).await;
    for order in orders(events.len()) {
        app.table.clear().await;
        for item in &before {
            app.table.put(item).await;
        }
        for &index in &order {
            bring(&worker, &events[index..=index]).await;
        }
        let names: Vec<&Value> = order.iter().map(|index| &events[*index]["type"]).collect();
        check_same(
            &outcome(&app.table.raw_items().await),
            &expected,
            &format!("{names:?}"),
        );
    }
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

#[tokio::test]
async fn a_batch_in_any_order_ends_in_the_same_read_model_with_one_read() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let expected = outcome(&app.table.raw_items().await);
    let mut events = events_of(&app).await;
    let worker = worker_of(&app).await;
    for turn in 0..events.len() {
        events.rotate_left(1);
        app.forget_calls().await;
        bring(&worker, &events).await;
        check_same(
            &outcome(&app.table.raw_items().await),
            &expected,
            &format!("turn {turn}"),
        );
        let reads = app
            .stripe
            .requests_to("GET /v1/subscriptions/{id}")
            .await
            .len();
        assert_eq!(
            reads, 1,
            "a burst of events about one subscription costs one read"
        );
    }
}

#[tokio::test]
async fn workers_at_once_end_in_the_same_read_model() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    let before = app.table.raw_items().await;
    alice.calls.subscribe(&checkout).await.expect(201);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let expected = outcome(&app.table.raw_items().await);
    let events = events_of(&app).await;
    for _ in 0..5 {
        app.table.clear().await;
        for item in &before {
            app.table.put(item).await;
        }
        let mut workers = tokio::task::JoinSet::new();
        for event in &events {
            let (worker, event) = (worker_of(&app).await, event.clone());
            workers.spawn(async move { bring(&worker, &[event]).await });
        }
        workers.join_all().await;
        check_same(
            &outcome(&app.table.raw_items().await),
            &expected,
            "all at once",
        );
    }
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
}

/// A reader whose answer is older than what is written, and different from it, has been overtaken.
///
/// What it brings has to be news to the table: a reader that writes nothing needs no fence.
async fn check_slow_reader(change: (&str, &[(&str, &str)]), expected: (&str, Value)) {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let event = events_of(&app).await.swap_remove(0);
    assert_eq!(event["type"]["S"], "customer.subscription.created");
    let subscription = event["subscription"]["S"].as_str().unwrap().to_owned();
    let path = format!("/v1/subscriptions/{subscription}");

    // The table has not heard of the end that is planned, which the slow reader is told.
    app.stripe.hold_webhooks().await;
    app.stripe
        .api("POST", &path, &[("cancel_at_period_end", "true")])
        .await;
    let to_stripe = app.proxy_to_stripe().await;
    let slow = App::start(
        &app.env_of("worker", &[("STRIPE_API_BASE", to_stripe.url())]),
        Clock::system(),
    )
    .await
    .unwrap();
    let held = to_stripe.hold_next(&format!("GET {path}"));
    let late = event.clone();
    let reading = tokio::spawn(async move { bring(&slow, &[late]).await });
    held.arrives().await;
    let (method, form) = change;
    app.stripe.api(method, &path, form).await;
    bring(&worker_of(&app).await, &[event]).await;
    let after = alice.calls.subscriptions().await.expect(200).json();
    let (field, value) = expected;
    assert_eq!(after["subscriptions"][0][field], value);
    held.release();
    reading.await.unwrap();
    assert_eq!(alice.calls.subscriptions().await.expect(200).json(), after);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn a_slow_reader_does_not_undo_a_change() {
    let form = [("cancel_at_period_end", "false")];
    check_slow_reader(("POST", &form), ("ends_at", Value::Null)).await;
}

#[tokio::test]
async fn a_slow_reader_does_not_revive_what_has_ended() {
    check_slow_reader(("DELETE", &[]), ("status", json!("canceled"))).await;
}

#[tokio::test]
async fn an_old_subscription_that_ends_late_takes_nothing_from_a_new_one() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let old = app.stripe.objects("subscription").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    app.stripe.hold_webhooks().await;
    app.stripe
        .api("DELETE", &format!("/v1/subscriptions/{old}"), &[])
        .await;
    // The event about the end has not come, so the table still sells nothing.
    alice.calls.click("stock-photos-monthly").await.expect(409);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let (_, landed) = alice.buy("stock-photos-monthly").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    // Everything that was ever said about the old one comes again.
    let worker = worker_of(&app).await;
    for event in events_of(&app).await {
        if event["subscription"]["S"] == old.as_str() {
            bring(&worker, &[event]).await;
        }
    }
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["because"], "active");
    assert_eq!(mine["subscriptions"].as_array().map(Vec::len), Some(2));
}
