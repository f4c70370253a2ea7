//! Several that write the catalog at once, and one that dies.

use super::{plan, price, standing, version};
use perennial_flows::Resolver;
use perennial_stripe::{Settings, Stripe};
use perennial_tests::{Log, Proxy, TestApp, without_pace};

/// A resolver whose calls to Stripe pass this proxy.
fn behind(app: &TestApp, proxy: &Proxy) -> Resolver {
    let key = app.variable("STRIPE_SECRET_KEY").to_owned();
    let settings = Settings::new(key.into(), proxy.url().parse().unwrap());
    let table = app.table_client();
    Resolver::new(Stripe::new(settings).unwrap(), table, false)
}

#[tokio::test]
async fn a_writer_with_an_older_view_never_overwrites_a_newer_one() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    // The worker writes the catalog, too, once it hears of the price.
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    let activate = async |active: &str| {
        let path = format!("/v1/prices/{id}");
        app.stripe.api("POST", &path, &[("active", active)]).await;
    };
    activate("false").await;
    let other = price(&app, &[]).await;
    let proxy = app.proxy_to_stripe().await;
    let slow = behind(&app, &proxy);
    // It has been told that the price is archived, and is held there.
    let held = proxy.hold_next("GET /v1/prices");
    let refresh = tokio::spawn(async move { slow.refresh(without_pace()).await });
    held.arrives().await;
    activate("true").await;
    let file = format!(
        r#"{{"basic":{{"group":"main","label":"Basic","price":"{id}"}},"more":{{"group":"more","label":"More","price":"{other}"}}}}"#
    );
    app.publish(&file).await.unwrap();
    held.release();
    let refreshed = refresh.await.unwrap().unwrap();
    assert_eq!(refreshed.version.to_string(), version(&app).await);
    assert_eq!(standing(&app, "basic").await, "offered");
    assert_eq!(
        standing(&app, "more").await,
        "offered",
        "nothing of the newer file is lost"
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

/// The level, the plan, the code and the alarm of each new line about a plan that is not offered.
fn faults(log: &Log) -> Vec<[String; 4]> {
    let lines = log.take().into_iter();
    lines
        .filter(|line| line["fields"]["message"] == "a plan is not offered")
        .map(|line| {
            let field = |name: &str| line["fields"][name].as_str().unwrap().to_owned();
            let level = line["level"].as_str().unwrap().to_owned();
            [level, field("plan"), field("code"), field("alarm")]
        })
        .collect()
}

/// An alarm that looks for the line stays on while a plan that is meant to be sold is not.
#[tokio::test]
async fn a_fault_is_an_error_when_it_begins_and_a_warning_at_each_sweep() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    // The worker hears of the price on this very thread.
    app.quiet().await;
    let resolver = app.resolver().await;
    let log = Log::default();
    let _listens = log.listen();
    let line =
        |level: &str, code: &str| [level, "basic", code, "plan_not_offered"].map(str::to_owned);
    let differs = plan("basic", &id, r#","amount":1"#);
    app.publish(&differs).await.unwrap();
    assert_eq!(faults(&log), [line("ERROR", "amount_differs")]);
    app.publish(&differs).await.unwrap();
    assert_eq!(faults(&log), Vec::<[String; 4]>::new(), "it was told");
    for _ in 0..2 {
        resolver.refresh(without_pace()).await.unwrap();
        assert_eq!(faults(&log), [line("WARN", "amount_differs")]);
    }
    app.publish(&plan("basic", &id, r#","currency":"eur""#))
        .await
        .unwrap();
    assert_eq!(faults(&log), [line("ERROR", "currency_differs")]);
    app.publish(&plan("basic", &id, r#","sold":false"#))
        .await
        .unwrap();
    resolver.refresh(without_pace()).await.unwrap();
    assert_eq!(faults(&log), Vec::<[String; 4]>::new(), "the shop means it");
}

#[tokio::test]
async fn two_that_publish_at_once_both_come_to_an_end() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let resolver = app.resolver().await;
    let declared = |more: &str| {
        let file = plan("basic", &id, more);
        perennial_types::DeclaredPlans::parse(file.as_bytes()).unwrap()
    };
    let (first, second) = (declared(""), declared(r#","trial_days":7"#));
    let (first, second) = tokio::join!(
        resolver.publish(&first, without_pace()),
        resolver.publish(&second, without_pace())
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.version, second.version);
    let last = first.version.max(second.version).to_string();
    assert_eq!(version(&app).await, last);
}

#[tokio::test]
async fn a_writer_that_dies_before_it_writes_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let before = app.table.catalog().await;
    let proxy = app.proxy_to_stripe().await;
    let resolver = behind(&app, &proxy);
    app.stripe
        .api("POST", &format!("/v1/prices/{id}"), &[("active", "false")])
        .await;
    app.stripe.hold_webhooks().await;
    let held = proxy.hold_next("GET /v1/prices");
    let dying = tokio::spawn(async move { resolver.refresh(without_pace()).await });
    held.arrives().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    drop(held);
    let after = app.table.catalog().await;
    assert_eq!(
        after["plans"]["basic"]["declared"],
        before["plans"]["basic"]["declared"]
    );
    app.resolver().await.refresh(without_pace()).await.unwrap();
    assert_eq!(standing(&app, "basic").await, "price_archived");
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}
