//! What the worker makes of a batch, and of a stream that is as loose as that of AWS.

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{Setup, TestApp, wait_until};
use perennial_types::Clock;
use serde_json::{Value, json};
use worker::App;

/// The stored events of a user's subscription, as they were when they were put there.
async fn events_of(app: &TestApp, customer: &Value) -> Vec<Value> {
    let mut images = app.table.raw_items().await;
    images.retain(|image| {
        let kinds = ["customer.subscription.created", "invoice.paid"];
        image["customer"]["S"] == *customer && kinds.iter().any(|kind| image["type"]["S"] == *kind)
    });
    for image in &mut images {
        image["status"] = json!({"S": "received"});
    }
    images.sort_by_key(|image| image["type"].to_string());
    images
}

fn record((number, image): (usize, &Value)) -> Value {
    json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": number.to_string(), "NewImage": image}})
}

async fn failures(worker: &App, images: &[Value]) -> Vec<String> {
    let records: Vec<Value> = images.iter().enumerate().map(record).collect();
    let answer = worker.handle(json!({ "Records": records })).await.unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    let mut failures: Vec<String> = failures
        .map(|it| it["itemIdentifier"].as_str().unwrap().to_owned())
        .collect();
    failures.sort();
    failures
}

#[tokio::test]
async fn every_failure_of_a_batch_is_reported_and_so_the_first_one() {
    let app = TestApp::start().await;
    for user in ["alice", "bob"] {
        app.shopper(user).buy("stock-photos-monthly").await;
    }
    app.quiet().await;
    let customers = app.stripe.objects("customer").await;
    let alice = events_of(&app, &customers[0]["id"]).await;
    let bob = events_of(&app, &customers[1]["id"]).await;
    let mut stranger = alice[0].clone();
    stranger["customer"] = json!({"S": "cus_of_another_shop"});
    stranger["event"] = json!({"S": "evt_of_another_shop"});
    let images = [
        stranger,
        alice[0].clone(),
        bob[0].clone(),
        alice[1].clone(),
        bob[1].clone(),
    ];
    let stripe = app.proxy_to_stripe().await;
    let worker = App::start(
        &app.env_of("worker", &[("STRIPE_API_BASE", stripe.url())]),
        Clock::system(),
    )
    .await
    .unwrap();
    assert!(failures(&worker, &images).await.is_empty());
    stripe.set_down(true);
    // Lambda goes on from the first failure of all: what is not reported before it is lost.
    assert_eq!(failures(&worker, &images).await, ["1", "2", "3", "4"]);
    stripe.set_down(false);
    assert!(failures(&worker, &images[1..]).await.is_empty());
}

/// The stored events of these types, of which one each is taken, in the order of the types.
async fn stored(app: &TestApp, kinds: &[&str]) -> Vec<Value> {
    let items = wait_until("the webhooks are delivered", async || {
        let left = app.stripe.deliveries().await;
        let pending = left.iter().any(|it| it["state"] == "pending");
        let items = app.table.raw_items().await;
        (!pending).then_some(items)
    })
    .await;
    let of = |kind: &&str| items.iter().find(|item| item["type"]["S"] == *kind);
    kinds.iter().filter_map(of).cloned().collect()
}

/// The events of a failure and of the success after it come in one batch, and Stripe does not create
/// the subscription.
#[tokio::test]
async fn an_event_whose_checkout_is_undecided_settles_no_other_of_its_batch() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    let alice = app.shopper("alice");
    app.stop_worker();
    let opened = alice.click().await;
    alice.answer_wallet(&opened, "decline").await;
    alice.answer_wallet(&opened, "approve").await;
    let images = stored(
        &app,
        &["setup_intent.setup_failed", "setup_intent.succeeded"],
    )
    .await;
    assert_eq!(images.len(), 2);
    let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "status", "status": 500, "times": 100});
    app.stripe.fault(fault).await;
    let worker = App::start(&app.env_of("worker", &[]), Clock::system())
        .await
        .unwrap();
    assert_eq!(failures(&worker, &images).await, ["0", "1"]);
    app.stripe.no_faults().await;
    assert!(failures(&worker, &images).await.is_empty());
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
}

#[tokio::test]
async fn no_event_is_lost_on_a_stream_as_loose_as_that_of_aws() {
    for stream_seed in [1, 2, 3] {
        let app = TestApp::with(Setup {
            stream_seed,
            ..Setup::default()
        })
        .await;
        let users = ["alice", "bob", "carol", "dave", "erin", "frank"];
        app.stripe.hold_webhooks().await;
        for user in users {
            app.shopper(user).approve_and_vanish().await;
        }
        // Several customers' events fail in one batch, and come again with those that have not.
        let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "status", "status": 429, "times": 4});
        app.stripe.fault(fault).await;
        app.stripe.release_webhooks("shuffle", stream_seed, 2).await;
        app.quiet().await;
        for user in users {
            let mine = app
                .shopper(user)
                .calls
                .subscriptions()
                .await
                .expect(200)
                .json();
            assert_eq!(
                mine["subscriptions"][0]["status"], "active",
                "seed {stream_seed}: {user}"
            );
        }
        assert_eq!(app.stripe.objects("subscription").await.len(), users.len());
    }
}
