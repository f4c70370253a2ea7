//! What the sweeps cost does not grow beyond their work.

use std::time::Duration;

use perennial_config::EventHandler as _;
use perennial_flows::SweepBudget;
use perennial_tests::{Calls, TestApp};
use perennial_types::Clock;
use reconcile::App;
use serde_json::{Value, json};

use crate::{
    payments::text,
    sweeps::{sweep, sweeper},
};

const MONTHLY: &str = "stock-photos-monthly";
const DAY: i64 = 24 * 3600;

/// Subscriptions in their free trial, each of a user that the table knows and with a slot; their read models
/// are yet to be written.
async fn subscribers(app: &TestApp, many: usize) -> Vec<String> {
    app.stripe.hold_webhooks().await;
    let price = app.table.catalog().await["plans"][MONTHLY]["price"]["id"].clone();
    let lease = Clock::system().now().plus_seconds(-DAY).to_string();
    let mut items = Vec::new();
    let mut created = Vec::new();
    for number in 0..many {
        let user = format!("user-{number}");
        let customer = app.stripe.api("POST", "/v1/customers", &[]).await;
        let customer = text(&customer["id"]);
        let form = [
            ("customer", customer),
            ("items[0][price]", text(&price)),
            ("trial_period_days", "30"),
            ("metadata[perennial_user]", user.as_str()),
        ];
        let subscription = app.stripe.api("POST", "/v1/subscriptions", &form).await;
        let id = text(&subscription["id"]).to_owned();
        items.push(json!({
            "pk": {"S": format!("CUST#{customer}")}, "sk": {"S": "USER"}, "user": {"S": user},
        }));
        items.push(json!({
            "pk": {"S": format!("USER#{user}")}, "sk": {"S": "SLOT#stock-photos"},
            "group": {"S": "stock-photos"}, "attempt": {"S": "chk_00000000000000000000000000"},
            "owner": {"S": "a-finisher"}, "lease": {"S": lease}, "subscription": {"S": id},
        }));
        created.push(id);
    }
    app.table.put_all(&items).await;
    created
}

/// A sweeper that does not pause.
async fn brisk(app: &TestApp) -> App {
    let sweeper = sweeper(app, 0).await;
    sweeper.with_slices(Duration::from_secs(90), Duration::ZERO)
}

async fn compare(app: &TestApp) -> Value {
    sweep(&brisk(app).await, "subscriptions").await["subscriptions"].clone()
}

/// The calls of a comparison that finds everything as it should be.
async fn cost_of_comparing(app: &TestApp, many: u64) -> Calls {
    let sweeper = brisk(app).await;
    app.forget_calls().await;
    let swept = sweep(&sweeper, "subscriptions").await;
    let compared = &swept["subscriptions"];
    assert_eq!(compared["complete"], true, "{swept}");
    assert_eq!(compared["compared"], many, "{swept}");
    assert_eq!(compared["repaired"], 0, "{swept}");
    app.calls().await
}

fn count(calls: &Calls, operation: &str) -> usize {
    calls.dynamodb.get(operation).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_page_that_agrees_costs_a_few_calls_of_the_table() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    subscribers(&app, 90).await;
    assert_eq!(compare(&app).await["repaired"], 90);
    let calls = cost_of_comparing(&app, 90).await;
    assert_eq!(count(&calls, "Query"), 0, "{calls}");
    // The cursor, and what a function reads when it starts.
    assert!(count(&calls, "GetItem") <= 3, "{calls}");
    // Customer, subscription and slot of each.
    assert_eq!(count(&calls, "BatchGetItem"), 3, "{calls}");
    assert_eq!(count(&calls, "PutItem"), 1, "{calls}");
    let stripe: usize = calls.stripe.values().sum();
    assert_eq!(stripe, 2, "{calls}");
}

#[tokio::test]
async fn a_comparison_that_dies_anywhere_goes_on_and_compares_each() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    subscribers(&app, 230).await;
    assert_eq!(compare(&app).await["repaired"], 230);
    let sweeper = brisk(&app).await;
    let begun = json!({"sweep": "subscriptions", "begun": true});
    // There is nothing to go on with.
    app.forget_calls().await;
    let nothing = sweeper.handle(begun.clone()).await.unwrap();
    assert_eq!(nothing["subscriptions"]["complete"], true, "{nothing}");
    assert_eq!(nothing["subscriptions"]["compared"], 0, "{nothing}");
    assert!(app.stripe.requests().await.is_empty());
    // Three pages: the position is written down after the first, and not after the others.
    app.to_dynamodb.break_after("PutItem", 1);
    let swept = sweeper.handle(json!({"sweep": "subscriptions"})).await;
    assert!(swept.is_err(), "{swept:?}");
    app.to_dynamodb.set_down(false);
    let rest = sweeper.handle(begun.clone()).await.unwrap();
    assert_eq!(rest["subscriptions"]["complete"], true, "{rest}");
    assert_eq!(rest["subscriptions"]["compared"], 130, "{rest}");
    let nothing = sweeper.handle(begun).await.unwrap();
    assert_eq!(nothing["subscriptions"]["compared"], 0, "{nothing}");
    assert_eq!(compare(&app).await["compared"], 230);
}

#[tokio::test]
async fn of_two_comparisons_at_once_one_goes_on() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    subscribers(&app, 230).await;
    compare(&app).await;
    let (one, two) = (brisk(&app).await, brisk(&app).await);
    let (one, two) = tokio::join!(sweep(&one, "subscriptions"), sweep(&two, "subscriptions"));
    let complete = [&one, &two].map(|it| it["subscriptions"]["complete"] == true);
    assert!(complete.contains(&true), "{one} {two}");
    let compared = [&one, &two].map(|it| it["subscriptions"]["compared"].as_u64().unwrap());
    assert!(compared.iter().sum::<u64>() >= 230, "{one} {two}");
}

#[tokio::test]
async fn keys_that_the_table_leaves_out_are_asked_for_again() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    subscribers(&app, 60).await;
    assert_eq!(compare(&app).await["repaired"], 60);
    app.to_dynamodb.leave_out_of(3);
    let calls = cost_of_comparing(&app, 60).await;
    // Two batches, and one more for each answer that left something out.
    assert_eq!(count(&calls, "BatchGetItem"), 5, "{calls}");
    // A table that goes on so is given up, and nothing is compared against what was not read.
    app.to_dynamodb.leave_out_of(usize::MAX);
    app.forget_calls().await;
    let sweeper = brisk(&app).await;
    let swept = sweeper.handle(json!({"sweep": "subscriptions"})).await;
    assert!(swept.unwrap_err().contains("leave keys out"));
    assert!(count(&app.calls().await, "BatchGetItem") <= 2 * 7);
    app.to_dynamodb.leave_out_of(0);
    cost_of_comparing(&app, 60).await;
}

#[tokio::test]
async fn a_subscription_that_has_ended_leaves_the_comparison_once_it_was_compared() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await;
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    app.stripe.hold_webhooks().await;
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    app.stripe.api("DELETE", &path, &[]).await;
    let by_night = async |days: i64| {
        let swept = sweep(&sweeper(&app, days * DAY).await, "subscriptions").await;
        assert_eq!(swept["subscriptions"]["complete"], true, "{swept}");
        ["compared", "repaired"].map(|it| swept["subscriptions"][it].as_u64().unwrap())
    };
    // Nobody was told of its end, and no night has compared anything for 70 days.
    assert_eq!(by_night(70).await, [1, 1]);
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "canceled");
    // That night was the first one of all. The period has ended on day 31 at the latest.
    assert_eq!(by_night(71).await, [0, 0]);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn a_subscription_that_has_ended_is_compared_for_thirty_nights_after_its_period() {
    let app = TestApp::start().await;
    app.shopper("alice").buy(MONTHLY).await;
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    let by_night = async |days: i64| {
        let swept = sweep(&sweeper(&app, days * DAY).await, "subscriptions").await;
        swept["subscriptions"]["compared"].clone()
    };
    for (night, compared) in [(1, 1), (30, 1), (57, 1), (65, 1), (66, 0)] {
        assert_eq!(by_night(night).await, compared, "night {night}");
    }
}

#[tokio::test]
async fn events_that_are_known_cost_a_few_calls_of_the_table() {
    let app = TestApp::start().await;
    for user in ["alice", "bob", "carol", "dave", "erin", "frank"] {
        app.shopper(user).buy(MONTHLY).await;
    }
    app.quiet().await;
    let sweeper = sweeper(&app, 600).await;
    // Those of before the webhook was there.
    sweep(&sweeper, "events").await;
    app.quiet().await;
    app.forget_calls().await;
    let swept = sweep(&sweeper, "events").await;
    let calls = app.calls().await;
    assert_eq!(swept["events"]["complete"], true, "{swept}");
    assert_eq!(swept["events"]["missed"], 0, "{swept}");
    assert!(swept["events"]["listed"].as_u64().unwrap() > 20, "{swept}");
    // One for each page: of two lists in two passes.
    let pages = calls.stripe["GET /v1/events"];
    assert_eq!(pages, 4, "{calls}");
    assert!(count(&calls, "BatchGetItem") <= pages, "{calls}");
    // The positions of both sweeps.
    assert!(count(&calls, "PutItem") <= pages + 1, "{calls}");
}

#[tokio::test]
async fn events_are_applied_however_many_checkouts_are_due() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.stop_worker();
    app.stripe.hold_webhooks().await;
    let opened = app.shopper("alice").click().await;
    let checkout = text(&opened["checkout"]);
    let items = app.table.raw_items().await;
    let attempt = items
        .iter()
        .find(|it| it["sk"]["S"] == format!("CHECKOUT#{checkout}"));
    // More than a slice has time for, each of a user of its own.
    let many: Vec<Value> = (0..60)
        .map(|number| {
            let mut copy = attempt.unwrap().clone();
            copy["pk"]["S"] = format!("USER#user-{number}").into();
            copy["user"]["S"] = format!("user-{number}").into();
            copy
        })
        .collect();
    app.table.put_all(&many).await;
    let event = json!({
        "pk": {"S": "INBOX#evt_1"}, "sk": {"S": "EVENT#evt_1"}, "event": {"S": "evt_1"},
        "type": {"S": "product.created"}, "created": {"S": "2026-11-24T00:00:00Z"},
        "livemode": {"BOOL": false}, "status": {"S": "received"}, "attempts": {"N": "0"},
        "received_at": {"S": "2026-11-24T00:00:01Z"}, "due": {"S": "EVENT"},
        "due_at": {"S": "2026-11-24T01:05:01Z"},
    });
    app.table.put(&event).await;
    let sweeper = sweeper(&app, 3600).await;
    let sweeper = sweeper.with_slices(Duration::from_secs(2), SweepBudget::PACE);
    let swept = sweep(&sweeper, "open").await;
    assert_eq!(swept["checkouts"]["complete"], false, "{swept}");
    assert_eq!(swept["inbox"]["complete"], true, "{swept}");
    assert_eq!(swept["inbox"]["settled"], 1, "{swept}");
    // Nor by checkouts that cannot be asked for.
    app.table.put(&event).await;
    app.to_dynamodb.break_after("Query", 0);
    assert!(sweeper.handle(json!({"sweep": "open"})).await.is_err());
    app.to_dynamodb.set_down(false);
}
