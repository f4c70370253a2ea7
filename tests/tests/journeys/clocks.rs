//! Functions whose clocks are wrong: Stripe's own times decide what has been read, and what was made.

use perennial_config::{EventHandler as _, Start as _};
use perennial_http::invoke;
use perennial_tests::{TestApp, wait_until};
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::sweeps::{stored, sweep, sweeper, told_by_stripe};

const WRONG: [i64; 4] = [-3000, -600, 600, 3000];

#[tokio::test]
async fn a_sweep_whose_clock_is_wrong_leaves_no_event_out() {
    for wrong in WRONG {
        let mut app = TestApp::start().await;
        app.may_leave_work();
        app.stripe.hold_webhooks().await;
        let swept = sweep(&sweeper(&app, wrong).await, "events").await;
        assert_eq!(swept["events"]["complete"], true, "{swept}");
        // This happens after that sweep, and before the next one, whose clock is right.
        app.shopper("alice").approve_and_vanish().await;
        // What the worker makes of these brings more, which is of the time after the sweep.
        let told = told_by_stripe(&app).await;
        let swept = sweep(&sweeper(&app, 3600).await, "events").await;
        assert_eq!(swept["events"]["complete"], true, "{swept}");
        assert_eq!(
            told.difference(&stored(&app).await).next(),
            None,
            "{wrong}: {swept}"
        );
        wait_until("all stored events are applied", async || {
            let inbox = app.inbox().await;
            let waits = inbox.iter().any(|item| item["status"] == "received");
            (!waits).then_some(())
        })
        .await;
    }
}

/// Events of one subscription are in the order of their numbers, whatever time is in them.
#[tokio::test]
async fn events_for_the_shop_are_in_order_by_any_clock() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    app.stop_worker();
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    app.stripe.api("DELETE", &path, &[]).await;
    let image = wait_until("the event of the end is stored", async || {
        let items = app.table.raw_items().await;
        let mut items = items.into_iter();
        items.find(|it| it["type"]["S"] == "customer.subscription.deleted")
    })
    .await;
    let record =
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": image}});
    let behind = Timestamp::from_unix(Clock::system().now().unix() - 600);
    let worker = worker::App::start(&app.env_of("worker", &[]), Clock::manual(behind)).await;
    let event = json!({ "Records": [record] });
    let answer = worker.unwrap().handle(event).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let mut told = app.table.items_of("OUT#").await;
    let types = |told: &[Value]| told.iter().map(|it| it["type"].clone()).collect::<Vec<_>>();
    told.sort_by_key(|event| event["occurred_at"].to_string());
    assert_eq!(
        types(&told),
        ["subscription.canceled", "subscription.activated"]
    );
    told.sort_by_key(|event| event["sequence"].as_u64());
    assert_eq!(
        types(&told),
        ["subscription.activated", "subscription.canceled"]
    );
}

#[tokio::test]
async fn a_customer_behind_a_stored_failure_is_found_by_any_clock() {
    for wrong in WRONG {
        let app = TestApp::start().await;
        let now = Clock::system().now().unix() + wrong;
        let clock = Clock::manual(Timestamp::from_unix(now));
        let env = app.env_of("client-secret", &[]);
        let client_secret = client_secret::App::start(&env, clock).await.unwrap();
        let fault = json!({"method": "POST", "path": "/v1/customers", "fault": "status", "status": 500, "stored": true, "after": true});
        app.stripe.fault(fault).await;
        let recorded = include_str!("../../../events/client-secret-new.json");
        let request: Value = serde_json::from_str(recorded).unwrap();
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = invoke(&client_secret, request.clone(), "request").await;
            statuses.push(answer["statusCode"].clone());
        }
        assert!(
            statuses.iter().any(|status| *status == 201),
            "{wrong}: {statuses:?}"
        );
        let customers = app.stripe.objects("customer").await;
        assert_eq!(customers.len(), 1, "{wrong}: {customers:?}");
        app.quiet().await;
    }
}
