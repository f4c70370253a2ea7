//! What `reconcile` finds when nobody was told.

use std::collections::BTreeSet;

use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_inbox::EventType;
use perennial_tests::{TestApp, wait_until};
use perennial_types::{Clock, Timestamp};
use reconcile::App;
use serde_json::{Value, json};

/// A sweeper whose clock is ahead, so that what has just happened is old enough for it.
pub(crate) async fn sweeper(app: &TestApp, ahead: i64) -> App {
    let env: Env = app.env_of("reconcile", &[]);
    let now = Timestamp::from_unix(Clock::system().now().unix() + ahead);
    App::start(&env, Clock::manual(now)).await.unwrap()
}

pub(crate) async fn sweep(sweeper: &App, name: &str) -> Value {
    sweeper.handle(json!({ "sweep": name })).await.unwrap()
}

/// Waits until the worker has applied what is stored; the webhooks are held.
async fn applied(app: &TestApp) {
    wait_until("all stored events are applied", async || {
        let inbox = app.inbox().await;
        inbox
            .iter()
            .all(|item| item["status"] != "received")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn events_that_never_came_are_fetched_and_applied_once() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    let sweeper = sweeper(&app, 600).await;
    let first = sweep(&sweeper, "events").await;
    assert_eq!(first["events"]["complete"], true);
    assert!(first["events"]["missed"].as_u64().unwrap() >= 1, "{first}");
    // The stream brings them to the worker, as it does with those that a webhook has stored.
    applied(&app).await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active", "{mine}");
    let stored = app.inbox().await.len();
    // The webhooks come after all, and count for nothing.
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let known: Vec<Value> = app.inbox().await;
    let processed = known
        .iter()
        .filter(|item| item["type"] == "setup_intent.succeeded");
    assert_eq!(processed.count(), 1);
    assert!(known.len() >= stored);
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    app.may_leave_work();
}

#[tokio::test]
async fn two_sweeps_at_once_store_each_event_once() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    let (one, two) = (sweeper(&app, 600).await, sweeper(&app, 600).await);
    let (first, second) = tokio::join!(sweep(&one, "events"), sweep(&two, "events"));
    let missed = |swept: &Value| swept["events"]["missed"].as_u64().unwrap();
    let stored = u64::try_from(app.inbox().await.len()).unwrap();
    assert!(stored >= 1);
    assert_eq!(missed(&first) + missed(&second), stored, "{first} {second}");
    applied(&app).await;
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    app.may_leave_work();
}

#[tokio::test]
async fn a_comparison_of_several_pages_begins_at_the_first_page_the_next_night() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.stripe.hold_webhooks().await;
    app.shopper("alice").click().await;
    let price = app.stripe.objects("price").await[0]["id"].clone();
    // One more than a page, of customers that are no users here.
    let mut created = Vec::new();
    for _ in 0..101 {
        let customer = app.stripe.api("POST", "/v1/customers", &[]).await;
        let form = [
            ("customer", customer["id"].as_str().unwrap()),
            ("items[0][price]", price.as_str().unwrap()),
            ("trial_period_days", "30"),
        ];
        let subscription = app.stripe.api("POST", "/v1/subscriptions", &form).await;
        created.push(subscription["id"].as_str().unwrap().to_owned());
    }
    let sweeper = sweeper(&app, 0).await;
    for night in ["the first", "the next"] {
        let swept = sweep(&sweeper, "subscriptions").await;
        assert_eq!(swept["subscriptions"]["complete"], true, "{night} {swept}");
        assert_eq!(swept["subscriptions"]["foreign"], 101, "{night} {swept}");
    }
    for id in created {
        let path = format!("/v1/subscriptions/{id}");
        app.stripe.api("DELETE", &path, &[]).await;
    }
}

#[tokio::test]
async fn a_read_model_that_differs_from_stripe_is_read_again() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let sweeper = sweeper(&app, 0).await;
    let all_well = sweep(&sweeper, "subscriptions").await;
    assert_eq!(all_well["subscriptions"]["compared"], 1, "{all_well}");
    assert_eq!(all_well["subscriptions"]["repaired"], 0, "{all_well}");

    let raw = app.table.raw_items().await;
    let mut item = raw.into_iter().find(is_subscription).unwrap();
    item["model"]["M"]["status"] = json!({"S": "past_due"});
    app.table.put(&item).await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "past_due");

    let repaired = sweep(&sweeper, "subscriptions").await;
    assert_eq!(repaired["subscriptions"]["repaired"], 1, "{repaired}");
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    let again = sweep(&sweeper, "subscriptions").await;
    assert_eq!(again["subscriptions"]["repaired"], 0, "{again}");
}

fn is_subscription(item: &Value) -> bool {
    item["sk"]["S"]
        .as_str()
        .is_some_and(|sk| sk.starts_with("SUB#"))
}

#[tokio::test]
async fn an_abandoned_checkout_expires_with_its_setup_intent() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let too_soon = sweep(&sweeper(&app, 3600).await, "open").await;
    assert_eq!(too_soon["checkouts"]["pending"], 1, "{too_soon}");
    let late = sweep(&sweeper(&app, 24 * 3600).await, "open").await;
    assert_eq!(late["checkouts"]["ended"], 1, "{late}");
    let intents = app.stripe.objects("setup_intent").await;
    assert_eq!(intents[0]["status"], "canceled");
    let checkout = opened["checkout"].as_str().unwrap();
    let polled = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(
        (&polled["status"], &polled["reason"]),
        (&json!("failed"), &json!("expired"))
    );
    assert_eq!(polled["may_retry"], true);
}

#[tokio::test]
async fn a_sweep_that_has_no_name_fails_and_says_so() {
    let app = TestApp::start().await;
    let sweeper = sweeper(&app, 0).await;
    for event in [json!({}), json!({"sweep": "everything"}), json!(null)] {
        let error = sweeper.handle(event).await.unwrap_err();
        assert!(error.contains("names no sweep"), "{error}");
    }
}

/// The ids of Stripe's events on which something depends.
pub(crate) async fn told_by_stripe(app: &TestApp) -> BTreeSet<String> {
    let events = app.stripe.objects("event").await;
    let matter = |event: &&Value| {
        let kind = event["type"].as_str().unwrap();
        EventType::find(kind).is_some()
    };
    let ids = events.iter().filter(matter);
    ids.map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) async fn stored(app: &TestApp) -> BTreeSet<String> {
    let inbox = app.inbox().await;
    let ids = inbox.iter().map(|item| item["event"].as_str().unwrap());
    ids.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_sweep_asks_for_every_type_in_as_many_listings_as_stripe_needs() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    // One event of each listing: a price, and a refund.
    let payment = &app.stripe.objects("payment_intent").await[0]["id"];
    let refund = [("payment_intent", payment.as_str().unwrap())];
    app.stripe.api("POST", "/v1/refunds", &refund).await;
    let intent = [
        ("usage", "off_session"),
        ("allowed_payment_method_types[]", "amazon_pay"),
    ];
    let intent = app.stripe.api("POST", "/v1/setup_intents", &intent).await;
    let cancel = format!(
        "/v1/setup_intents/{}/cancel",
        intent["id"].as_str().unwrap()
    );
    app.stripe.api("POST", &cancel, &[]).await;

    let told = told_by_stripe(&app).await;
    app.forget_calls().await;
    let swept = sweep(&sweeper(&app, 600).await, "events").await;
    assert_eq!(swept["events"]["complete"], true);
    assert_eq!(told.difference(&stored(&app).await).next(), None);
    let kinds: BTreeSet<String> = app
        .inbox()
        .await
        .iter()
        .map(|it| it["type"].to_string())
        .collect();
    for kind in ["refund.created", "setup_intent.canceled"] {
        assert!(
            kinds.contains(&format!("\"{kind}\"")),
            "{kind} in {kinds:?}"
        );
    }
    // What some endpoint has not answered, and then everything, each in two listings.
    let listings = app.stripe.requests_to("GET /v1/events").await;
    assert_eq!(listings.len(), 4, "{listings:?}");
    applied(&app).await;
    app.may_leave_work();
}

#[tokio::test]
async fn a_sweep_that_dies_anywhere_leaves_no_event_out() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    let sweeper = sweeper(&app, 600).await;
    // The first write of each run passes and the next one fails, more often than there are passes;
    // and then each listing is cut off later.
    for passing in [1, 1, 1, 1, 1, 3, 6, 9] {
        app.to_dynamodb.break_after("PutItem", passing);
        let swept = sweeper.handle(json!({"sweep": "events"})).await;
        app.to_dynamodb.set_down(false);
        if let Ok(swept) = swept {
            assert!(passing > 1, "{swept}");
        }
    }
    let told = told_by_stripe(&app).await;
    let last = sweep(&sweeper, "events").await;
    assert_eq!(last["events"]["complete"], true);
    assert_eq!(told.difference(&stored(&app).await).next(), None);
    applied(&app).await;
    app.may_leave_work();
}

#[tokio::test]
async fn a_sweep_that_another_version_has_begun_is_begun_again() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    let now = Clock::system().now();
    let time = |seconds: i64| json!({"S": now.plus_seconds(seconds).to_string()});
    // At its last pass, after the oldest event, with other types in its listings.
    let events = app.stripe.objects("event").await;
    let oldest = events.iter().min_by_key(|event| event["created"].as_u64());
    app.table
        .put(&json!({
            "pk": {"S": "RECONCILE"}, "sk": {"S": "CURSOR#events"}, "fence": {"N": "3"},
            "done_until": time(-3600), "working_until": time(300), "pass": {"N": "1"},
            "after": {"S": oldest.unwrap()["id"]},
        }))
        .await;
    // What the worker makes of these brings more, which is of the time after the sweep.
    let told = told_by_stripe(&app).await;
    let swept = sweep(&sweeper(&app, 600).await, "events").await;
    assert_eq!(swept["events"]["complete"], true);
    assert_eq!(told.difference(&stored(&app).await).next(), None);
    applied(&app).await;
    app.may_leave_work();
}
