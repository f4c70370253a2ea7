//! What cannot be read, and users whose calls fail: neither holds up the sweep of all others.

use perennial_tests::TestApp;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::{
    payments::text,
    sweeps::{sweep, sweeper},
};

const MONTHLY: &str = "stock-photos-monthly";

fn time(seconds: i64) -> Value {
    json!({"S": Clock::system().now().plus_seconds(seconds).to_string()})
}

fn is_due(item: &Value, before: Timestamp) -> bool {
    let due_at: Option<Timestamp> = serde_json::from_value(item["due_at"].clone()).ok();
    item.get("due").is_some() && due_at.is_some_and(|at| at < before)
}

#[tokio::test]
async fn events_that_cannot_be_read_hold_up_no_other() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.stop_worker();
    // More than one reading of the index brings, and before the good one.
    let bad: Vec<Value> = (0..30)
        .map(|n| {
            // One was written by hand, with a key that is no customer's, and one lacks its mode.
            let customer = if n % 2 == 0 { "cus_1" } else { "no one" };
            json!({
                "pk": {"S": format!("INBOX#{customer}")}, "sk": {"S": format!("EVENT#evt_bad{n}")},
                "event": {"S": format!("evt_bad{n}")}, "type": {"S": "invoice.paid"},
                "created": time(-9000), "received_at": time(-9000), "status": {"S": "received"},
                "due": {"S": "EVENT"}, "due_at": time(-9000),
            })
        })
        .collect();
    app.table.put_all(&bad).await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await;
    perennial_tests::wait_until("the webhooks are delivered", async || {
        let left = app.stripe.deliveries().await;
        let pending = left.iter().any(|it| it["state"] == "pending");
        (!pending).then_some(())
    })
    .await;
    let ahead = 3 * 3600;
    let swept = sweep(&sweeper(&app, ahead).await, "open").await;
    assert_eq!(swept["inbox"]["complete"], true, "{swept}");
    assert_eq!(swept["inbox"]["failed"], 30, "{swept}");
    for event in app.inbox().await {
        let bad = text(&event["event"]).starts_with("evt_bad");
        assert_eq!(event["status"] == "received", bad, "{event}");
        let now = Clock::system().now().plus_seconds(ahead);
        assert!(!is_due(&event, now), "it is looked at again later: {event}");
    }
}

#[tokio::test]
async fn checkouts_that_cannot_be_read_hold_up_no_other() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    let bad: Vec<Value> = (0..30)
        .map(|n| {
            let sk = if n % 2 == 0 {
                format!("CHECKOUT#chk_01kavq8r3hx6m2n9d4t7w5z{n:03}")
            } else {
                format!("CHECKOUT#of-another-form-{n}")
            };
            json!({"pk": {"S": "USER#zoe"}, "sk": {"S": sk}, "state": {"S": "thinking"},
                "due": {"S": "CHECKOUT"}, "due_at": time(-9000)})
        })
        .collect();
    app.table.put_all(&bad).await;
    app.stripe.hold_webhooks().await;
    let checkout = app.shopper("alice").approve_and_vanish().await;
    let swept = sweep(&sweeper(&app, 3600).await, "open").await;
    assert_eq!(swept["checkouts"]["complete"], true, "{swept}");
    assert_eq!(swept["checkouts"]["failed"], 30, "{swept}");
    assert_eq!(swept["checkouts"]["subscribed"], 1, "{swept}");
    // Other failures are tried again after minutes; these are not, nor logged as errors each time.
    let again = sweep(&sweeper(&app, 3600 + 1800).await, "open").await;
    assert_eq!(again["checkouts"]["failed"], 0, "{again}");
    let attempts = app.table.items_of("CHECKOUT#").await;
    let hers = attempts.iter().find(|it| it["id"] == checkout.as_str());
    assert_eq!(hers.unwrap()["state"], "subscribed");
    for item in &bad {
        app.table.delete(item).await;
    }
}

#[tokio::test]
async fn a_checkout_that_has_ended_and_is_still_to_be_swept_is_swept_once() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await;
    app.quiet().await;
    let raw = app.table.raw_items().await;
    let is_attempt = |item: &&Value| text(&item["sk"]["S"]).starts_with("CHECKOUT#");
    let mut item = raw.iter().find(is_attempt).unwrap().clone();
    assert!(item.get("due").is_none(), "{item}");
    item["due"] = json!({"S": "CHECKOUT"});
    item["due_at"] = time(-60);
    app.table.put(&item).await;
    let sweeper = sweeper(&app, 0).await;
    app.forget_calls().await;
    let swept = sweep(&sweeper, "open").await;
    assert_eq!(swept["checkouts"]["complete"], true, "{swept}");
    assert_eq!(swept["checkouts"]["subscribed"], 1, "{swept}");
    let attempts = app.table.items_of("CHECKOUT#").await;
    assert!(attempts[0].get("due").is_none(), "{}", attempts[0]);
    assert!(app.stripe.requests().await.is_empty());
}

/// Two read models that are not as Stripe has them, and what the sweep makes of them.
async fn outdated() -> (TestApp, Vec<Value>) {
    let app = TestApp::start().await;
    for user in ["alice", "bob"] {
        app.shopper(user).buy(MONTHLY).await;
    }
    app.quiet().await;
    for mut item in app.table.raw_items().await {
        if text(&item["sk"]["S"]).starts_with("SUB#") {
            item["model"]["M"]["status"] = json!({"S": "past_due"});
            app.table.put(&item).await;
        }
    }
    let subscriptions = app.stripe.objects("subscription").await;
    (app, subscriptions)
}

async fn statuses(app: &TestApp) -> Vec<String> {
    let items = app.table.items_of("SUB#").await;
    let statuses = items
        .iter()
        .map(|it| text(&it["model"]["status"]).to_owned());
    statuses.collect()
}

#[tokio::test]
async fn one_user_whose_calls_fail_keeps_nobody_else_from_being_compared() {
    let (app, subscriptions) = outdated().await;
    for failing in &subscriptions {
        let path = format!("/v1/subscriptions/{}", text(&failing["id"]));
        let fault =
            json!({"method": "GET", "path": path, "fault": "status", "status": 500, "times": 100});
        app.stripe.fault(fault).await;
        let swept = sweep(&sweeper(&app, 0).await, "subscriptions").await;
        let compared = &swept["subscriptions"];
        assert_eq!(compared["complete"], true, "{swept}");
        assert_eq!(compared["failed"], 1, "{swept}");
        assert_eq!(compared["repaired"], 1, "{swept}");
        app.stripe.no_faults().await;
        let mut found = statuses(&app).await;
        found.sort();
        assert_eq!(found, ["active", "past_due"]);
        // The other way round.
        for mut item in app.table.raw_items().await {
            if text(&item["sk"]["S"]).starts_with("SUB#") {
                item["model"]["M"]["status"] = json!({"S": "past_due"});
                app.table.put(&item).await;
            }
        }
    }
    sweep(&sweeper(&app, 0).await, "subscriptions").await;
    assert_eq!(statuses(&app).await, ["active", "active"]);
}

#[tokio::test]
async fn a_subscription_that_cannot_be_read_hides_no_other() {
    let (app, subscriptions) = outdated().await;
    let unreadable = json!({"id": "sub_unreadable", "object": "subscription", "status": "active"});
    let mut listed = vec![unreadable];
    listed.extend(subscriptions);
    let list =
        json!({"object": "list", "data": listed, "has_more": false, "url": "/v1/subscriptions"});
    let fault = json!({"method": "GET", "path": "/v1/subscriptions", "fault": "status", "status": 200, "body": list, "times": 1});
    // Of what has not ended; the other list is empty.
    app.stripe.fault(fault).await;
    let swept = sweep(&sweeper(&app, 0).await, "subscriptions").await;
    let compared = &swept["subscriptions"];
    assert_eq!(compared["complete"], true, "{swept}");
    assert_eq!(compared["failed"], 1, "{swept}");
    assert_eq!(compared["repaired"], 2, "{swept}");
    assert_eq!(statuses(&app).await, ["active", "active"]);
}
