//! Test and live mode never share a table.

use perennial_config::{Dynamo, Env, Mode, Start as _, StartError};
use perennial_http::invoke;
use perennial_store::Table;
use perennial_tests::{TestApp, plain};
use perennial_types::Clock;
use serde_json::{Value, json};

/// The environment after `StripeMode` of a stack was flipped.
fn flipped(app: &TestApp, function: &str) -> Env {
    let live = [
        ("STRIPE_MODE", "live"),
        ("STRIPE_SECRET_KEY", "sk_live_of_real_money"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_of_real_money"),
    ];
    let env = app.env_of(function, &live);
    assert_eq!(perennial_config::stripe_mode(&env), Ok(Mode::Live));
    env
}

#[track_caller]
fn check_refused(function: &str, started: Option<StartError>) {
    let error = started.unwrap_or_else(|| panic!("{function} starts"));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("is of test mode"), "{function}: {cause}");
    assert!(cause.contains("a stack of its own"), "{function}: {cause}");
}

#[tokio::test]
async fn a_table_of_test_mode_is_not_used_in_live_mode() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let before = app.table.items().await;
    app.forget_calls().await;
    let live = |function: &str| flipped(&app, function);
    let started = client_secret::App::start(&live("client-secret"), Clock::system()).await;
    check_refused("client-secret", started.err());
    let started = confirm::App::start(&live("confirm"), Clock::system()).await;
    check_refused("confirm", started.err());
    let started = subscribe::App::start(&live("subscribe"), Clock::system()).await;
    check_refused("subscribe", started.err());
    let started = wallets::App::start(&live("wallets"), Clock::system()).await;
    check_refused("wallets", started.err());
    let started = links::App::start(&live("links"), Clock::system()).await;
    check_refused("links", started.err());
    let started = payments::App::start(&live("payments"), Clock::system()).await;
    check_refused("payments", started.err());
    let started = worker::App::start(&live("worker"), Clock::system()).await;
    check_refused("worker", started.err());
    let started = reconcile::App::start(&live("reconcile"), Clock::system()).await;
    check_refused("reconcile", started.err());
    let started = subscriptions::App::start(&live("subscriptions"), Clock::system()).await;
    check_refused("subscriptions", started.err());
    assert_eq!(app.table.items().await, before);
    assert!(app.stripe.requests().await.is_empty());
    // The mode of the table costs one read of each function's start, and nothing afterwards.
    assert_eq!(app.to_dynamodb.counts().get("GetItem"), Some(&9));
}

#[tokio::test]
async fn a_table_that_did_not_answer_at_the_start_is_asked_before_its_first_use() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    app.to_dynamodb.set_down(true);
    let subscriptions = subscriptions::App::start(&flipped(&app, "subscriptions"), Clock::system())
        .await
        .unwrap();
    let asked: Value =
        serde_json::from_str(include_str!("../../../events/subscriptions-list.json")).unwrap();
    let answer = async || invoke(&subscriptions, asked.clone(), "request").await;
    assert_eq!(answer().await["statusCode"], 503);
    app.to_dynamodb.set_down(false);
    let refused = answer().await;
    assert_eq!(refused["statusCode"], 503, "{refused}");
    assert!(!refused.to_string().contains("active"), "{refused}");
}

#[tokio::test]
async fn a_start_reads_the_plans_and_the_mode_at_once() {
    let app = TestApp::start().await;
    let reads = async || {
        app.forget_calls().await;
        let env = app.env_of("subscriptions", &[]);
        let started = subscriptions::App::start(&env, Clock::system()).await;
        started.unwrap();
        app.to_dynamodb.counts().get("GetItem").copied()
    };
    assert_eq!(reads().await, Some(1));
    // A catalog of a version that did not write the mode into it.
    let catalog = app.table.catalog().await;
    let older = json!({
        "pk": {"S": "CATALOG"}, "sk": {"S": "PLANS"},
        "version": {"N": catalog["version"].to_string()},
        "plans": {"S": catalog["plans"].to_string()},
    });
    app.table.put(&older).await;
    assert_eq!(reads().await, Some(2));
    let live = flipped(&app, "subscriptions");
    let started = subscriptions::App::start(&live, Clock::system()).await;
    check_refused("subscriptions", started.err());
}

#[tokio::test]
async fn the_first_catalog_says_of_which_mode_the_table_is() {
    let app = TestApp::start().await;
    let modes = async || {
        let items = app.table.raw_items().await;
        let modes = items.iter().map(plain).filter(|item| item["pk"] == "MODE");
        modes.collect::<Vec<Value>>()
    };
    let known = modes().await;
    assert_eq!(known.len(), 1, "the plans of the demo were published");
    assert_eq!(known[0]["livemode"], false);
    app.table.clear().await;
    app.table.remove_catalog().await;
    subscriptions::App::start(&app.env_of("subscriptions", &[]), Clock::system())
        .await
        .unwrap();
    worker::App::start(&flipped(&app, "worker"), Clock::system())
        .await
        .unwrap();
    assert!(modes().await.is_empty(), "who only starts says nothing");
    let env = app.env_of("reconcile", &[]);
    let dynamo = Dynamo::read(&env).unwrap();
    let table = Table::new(&dynamo.table, &dynamo.aws);
    let (one, other) = tokio::join!(table.claim_mode(false), table.claim_mode(true));
    assert_ne!(one.is_ok(), other.is_ok(), "one of the two has it");
    let known = modes().await;
    assert_eq!(known.len(), 1);
    assert_eq!(known[0]["livemode"], json!(other.is_ok()));
}
