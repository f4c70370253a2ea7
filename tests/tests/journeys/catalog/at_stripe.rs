//! What changes at Stripe: told by an event, or found by the hourly sweep.

use perennial_config::Start as _;
use perennial_types::Clock;
use serde_json::{Value, json};

use super::{
    MONTHLY, ask, click, names, offered, plan, price, standing, sweep, sweep_with, version,
};
use perennial_tests::{TestApp, demo_prices, sign, wait_until};

/// Delivers an event of Stripe about an object that is of no customer.
async fn tell(app: &TestApp, kind: &str, object: &str, id: &str) {
    bring(app, kind, object, id).await;
    app.quiet().await;
}

async fn bring(app: &TestApp, kind: &str, object: &str, id: &str) {
    let event = json!({
        "id": format!("evt_{}", kind.replace('.', "_") + id), "object": "event", "type": kind,
        "created": 1_790_000_000, "livemode": false,
        "data": {"object": {"object": object, "id": id}},
    })
    .to_string();
    let signature = sign(app.variable("STRIPE_WEBHOOK_SECRETS"), event.as_bytes(), 0);
    app.anybody()
        .webhook(event, Some(&signature))
        .await
        .expect(200);
}

async fn set(app: &TestApp, path: &str, form: &[(&str, &str)]) {
    let answer = app.stripe.api("POST", path, form).await;
    assert!(answer.get("error").is_none(), "{answer}");
}

/// The product of a price.
async fn product_of(app: &TestApp, id: &str) -> String {
    let price = app
        .stripe
        .api("GET", &format!("/v1/prices/{id}"), &[])
        .await;
    price["product"].as_str().unwrap().to_owned()
}

/// Refused before any wallet is asked.
async fn is_refused(app: &TestApp, user: &str, name: &str) {
    app.stripe.forget_requests().await;
    let (status, body) = click(app, user, name).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("plan_not_available"))
    );
    assert_eq!(body["may_retry"], false);
    assert!(
        app.stripe
            .requests_to("POST /v1/setup_intents")
            .await
            .is_empty()
    );
    let wallets = wallets::App::start(&app.env_of("wallets", &[]), Clock::system())
        .await
        .unwrap();
    let query = format!("plan={name}");
    let (status, body, _) = ask(&wallets, "GET /wallets", &query, Some(user), None).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("plan_not_available"))
    );
}

#[tokio::test]
async fn an_archived_price_is_not_offered_once_an_event_tells_of_it() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    set(&app, &format!("/v1/prices/{id}"), &[("active", "false")]).await;
    tell(&app, "price.updated", "price", &id).await;
    assert_eq!(standing(&app, "basic").await, "price_archived");
    is_refused(&app, "alice", "basic").await;
    set(&app, &format!("/v1/prices/{id}"), &[("active", "true")]).await;
    assert_eq!(sweep(&app).await["not_offered"], 0);
    assert_eq!(click(&app, "alice", "basic").await.0, 201);
}

#[tokio::test]
async fn an_archived_product_takes_all_of_its_plans_off_by_one_call() {
    let app = TestApp::start().await;
    let first = price(&app, &[]).await;
    let product = product_of(&app, &first).await;
    let second = price(&app, &[("product", &product), ("unit_amount", "5000")]).await;
    let file = format!(
        r#"{{"a":{{"group":"a","label":"A","price":"{first}"}},"b":{{"group":"b","label":"B","price":"{second}"}}}}"#
    );
    app.publish(&file).await.unwrap();
    set(
        &app,
        &format!("/v1/products/{product}"),
        &[("active", "false")],
    )
    .await;
    app.quiet().await;
    app.stripe.forget_requests().await;
    tell(&app, "product.updated", "product", &product).await;
    for name in ["a", "b"] {
        assert_eq!(standing(&app, name).await, "product_archived");
    }
    let asked = app.stripe.requests_to("GET /v1/products/{id}").await.len();
    assert!(asked >= 1);
    assert!(
        app.stripe
            .requests_to("GET /v1/prices/{id}")
            .await
            .is_empty()
    );
    is_refused(&app, "alice", "a").await;
}

#[tokio::test]
async fn the_sweep_finds_what_no_event_has_told() {
    let app = TestApp::start().await;
    let (archived, kept) = (price(&app, &[]).await, price(&app, &[]).await);
    let product = product_of(&app, &kept).await;
    let file = format!(
        r#"{{"a":{{"group":"a","label":"A","price":"{archived}"}},"b":{{"group":"b","label":"B","price":"{kept}"}}}}"#
    );
    app.publish(&file).await.unwrap();
    app.stripe.hold_webhooks().await;
    set(
        &app,
        &format!("/v1/prices/{archived}"),
        &[("active", "false")],
    )
    .await;
    set(
        &app,
        &format!("/v1/products/{product}"),
        &[("active", "false")],
    )
    .await;
    let done = sweep(&app).await;
    assert_eq!(
        (&done["asked"], &done["not_offered"]),
        (&json!(2), &json!(2)),
        "{done}"
    );
    assert_eq!(done["complete"], true);
    assert_eq!(standing(&app, "a").await, "price_archived");
    assert_eq!(standing(&app, "b").await, "product_archived");
    let before = version(&app).await;
    let again = sweep(&app).await;
    assert_eq!(
        again["not_offered"], 2,
        "and says so for as long as it is so"
    );
    assert_eq!(version(&app).await, before, "but nothing is new");
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

/// The lookup key leads to another amount in another currency from now on.
#[tokio::test]
async fn subscribers_of_a_lookup_keys_earlier_price_stay_subscribers() {
    let app = TestApp::start().await;
    price(&app, &[("lookup_key", "basic")]).await;
    let file = r#"{"basic":{"group":"main","label":"Basic","lookup_key":"basic"}}"#;
    app.publish(file).await.unwrap();
    let shop = app.shopper("alice");
    let (status, opened) = click(&app, "alice", "basic").await;
    assert_eq!(status, 201, "{opened}");
    let back = shop.answer_wallet(&opened, "approve").await;
    let (_, query) = back.split_once('?').unwrap();
    let confirm = confirm::App::start(&app.env_of("confirm", &[]), Clock::system())
        .await
        .unwrap();
    ask(&confirm, "GET /confirm", query, None, None).await;
    app.quiet().await;

    let moved = [
        ("lookup_key", "basic"),
        ("transfer_lookup_key", "true"),
        ("currency", "eur"),
        ("unit_amount", "4200"),
    ];
    let next = price(&app, &moved).await;
    tell(&app, "price.created", "price", &next).await;
    let told = offered(&app).await;
    assert_eq!(
        (&told["plans"][0]["amount"], &told["plans"][0]["currency"]),
        (&json!(4200), &json!("eur"))
    );

    let function = subscriptions::App::start(&app.env_of("subscriptions", &[]), Clock::system())
        .await
        .unwrap();
    let mine = ask(&function, "GET /subscriptions", "", Some("alice"), None)
        .await
        .1;
    assert_eq!(mine["entitlements"]["main"]["active"], true, "{mine}");
    let (status, body) = click(&app, "alice", "basic").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("already_subscribed"))
    );
    // So is a subscription without the plan's name, as the Dashboard makes it.
    let catalog = app.table.catalog().await;
    let former = catalog["plans"]["basic"]["former_prices"]
        .as_array()
        .unwrap();
    assert_eq!(former.len(), 1, "{catalog}");
}

/// The event of the price that has the key now may come later, or never.
#[tokio::test]
async fn the_former_price_alone_tells_that_a_lookup_key_has_moved() {
    let app = TestApp::start().await;
    let former = price(&app, &[("lookup_key", "basic")]).await;
    app.publish(r#"{"basic":{"group":"main","label":"Basic","lookup_key":"basic"}}"#)
        .await
        .unwrap();
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    let moved = [
        ("lookup_key", "basic"),
        ("transfer_lookup_key", "true"),
        ("unit_amount", "4200"),
    ];
    let next = price(&app, &moved).await;
    bring(&app, "price.updated", "price", &former).await;
    wait_until("the plan has the price of its key", async || {
        let catalog = app.table.catalog().await;
        (catalog["plans"]["basic"]["price"]["id"] == next).then_some(())
    })
    .await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn a_renamed_plan_keeps_its_subscribers() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let shop = app.shopper("alice");
    let (_, opened) = click(&app, "alice", "basic").await;
    let back = shop.answer_wallet(&opened, "approve").await;
    let confirm = confirm::App::start(&app.env_of("confirm", &[]), Clock::system())
        .await
        .unwrap();
    let query = back.split_once('?').unwrap().1;
    ask(&confirm, "GET /confirm", query, None, None).await;
    app.quiet().await;

    app.publish(&plan("starter", &id, "")).await.unwrap();
    assert_eq!(names(&offered(&app).await), ["starter"]);
    let catalog = app.table.catalog().await;
    assert!(catalog["plans"].get("basic").is_none(), "{catalog}");
    assert_eq!(catalog["plans"]["starter"]["price"]["id"], id);
}

#[tokio::test]
async fn a_stripe_that_does_not_answer_takes_nothing_off() {
    let app = TestApp::start().await;
    let before = app.table.catalog().await;
    let proxy = app.proxy_to_stripe().await;
    proxy.set_down(true);
    let done = sweep_with(&app.env_of("reconcile", &[("STRIPE_API_BASE", proxy.url())])).await;
    assert_eq!(
        (&done["asked"], &done["unanswered"]),
        (&json!(0), &json!(demo_prices())),
        "{done}"
    );
    assert_eq!(done["complete"], false);
    for status in [401, 403, 429, 500] {
        let fault = json!({"path": "/v1/prices", "fault": "status", "status": status, "times": 3});
        app.stripe.fault(fault).await;
        let done = sweep(&app).await;
        app.stripe.no_faults().await;
        let unanswered = &done["unanswered"];
        assert_eq!(*unanswered, demo_prices(), "{status} is no answer: {done}");
    }
    assert_eq!(app.table.catalog().await, before);
    assert_eq!(click(&app, "alice", MONTHLY).await.0, 201);
}

#[tokio::test]
async fn events_of_prices_that_no_plan_has_are_ignored() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let before = version(&app).await;
    let other = price(&app, &[]).await;
    app.quiet().await;
    app.stripe.forget_requests().await;
    tell(&app, "price.created", "price", &other).await;
    tell(&app, "product.deleted", "product", "prod_of_somebody").await;
    tell(&app, "price.updated", "plan", "plan_of_the_older_kind").await;
    let inbox: Vec<Value> = app.inbox().await;
    let ours = inbox
        .iter()
        .filter(|it| it["created"] == "2026-09-21T16:26:40Z" || it["object"] == "prod_of_somebody");
    for event in ours {
        assert_eq!(event["status"], "ignored", "{event}");
    }
    assert_eq!(version(&app).await, before);
    assert!(
        app.stripe
            .requests_to("GET /v1/prices/{id}")
            .await
            .is_empty()
    );
}
