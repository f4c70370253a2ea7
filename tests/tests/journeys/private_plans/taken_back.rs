//! An offer that is taken back, and a plan that becomes private: what was begun goes on.

use perennial_config::Start as _;

use super::*;
use crate::{actions::Subscriber, payments::text};

#[tokio::test]
async fn a_checkout_that_was_begun_is_finished() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let alice = app.shopper("alice");
    let opened = alice.click_for("acme").await;
    offer(&app, "alice", "acme", false).await.expect(200);
    let told = get(&alice, "/wallets?plan=acme").await;
    assert_eq!(told.expect_error(400), "unknown_plan");
    let again = alice.click_for("acme").await;
    assert_eq!(
        again["checkout"], opened["checkout"],
        "the page asks once more"
    );
    let back = alice.answer_wallet(&opened, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["plan"], "acme", "{mine}");
    // Nothing else is begun of it.
    let other = post(
        &alice,
        "/client-secret",
        &json!({"plan": "acme", "wallet": "apple_pay"}),
    )
    .await;
    assert_eq!(other.expect_error(400), "unknown_plan");
}

#[tokio::test]
async fn one_that_came_to_nothing_is_not_begun_anew() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let alice = app.shopper("alice");
    let opened = alice.click_for("acme").await;
    offer(&app, "alice", "acme", false).await.expect(200);
    let path = format!("/v1/setup_intents/{}/cancel", text(&opened["setup_intent"]));
    app.stripe.api("POST", &path, &[]).await;
    app.quiet().await;
    let refused = alice.calls.click("acme").await;
    assert_eq!(refused.expect_error(400), "unknown_plan");
}

#[tokio::test]
async fn a_subscription_goes_on_with_its_name() {
    let app = shop().await;
    offer(&app, "alice", "acme-team", true).await.expect(200);
    let alice = app.shopper("alice");
    let body = json!({"plan": "acme-team", "wallet": "amazon_pay", "quantity": 3});
    let opened = post(&alice, "/client-secret", &body)
        .await
        .expect(201)
        .json();
    let back = alice.answer_wallet(&opened, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    let id = text(&app.stripe.objects("subscription").await[0]["id"]).to_owned();
    offer(&app, "alice", "acme-team", false).await.expect(200);
    let it = Subscriber { app, alice, id };
    assert_eq!(it.mine().await["plan"], "acme-team");
    assert_eq!(it.mine().await["actions"]["change_quantity"]["open"], true);
    // The page shows what she has, and the sheet in which she gives another payment method.
    let all = it.alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(names(&all["plans"]), json!(["acme-team"]));
    assert_eq!(all["plans"][0]["amount"], 800);
    get(&it.alice, "/wallets?plan=acme-team&quantity=3")
        .await
        .expect(200);
    // By its name and without it.
    for body in [
        json!({"quantity": 4}),
        json!({"plan": "acme-team", "quantity": 5}),
    ] {
        let shown = it.asks("preview", &body).await.expect(200).json();
        let agreed = json!({"preview": shown["preview"]});
        let changed = it.asks("change", &agreed).await.expect(200).json();
        assert_eq!(changed["subscription"]["quantity"], body["quantity"]);
    }
    // She may leave it, and does not come back.
    let shown = it
        .asks("preview", &json!({"plan": "pro", "when": "now"}))
        .await
        .expect(200)
        .json();
    it.asks("change", &json!({"preview": shown["preview"]}))
        .await
        .expect(200);
    let refused = it.asks("preview", &json!({"plan": "acme-team"})).await;
    assert_eq!(refused.expect_error(400), "unknown_plan");
    let told = get(&it.alice, "/wallets?plan=acme-team").await;
    assert_eq!(told.expect_error(400), "unknown_plan");
}

#[tokio::test]
async fn its_next_price_is_for_those_to_whom_it_is_offered() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let it = Subscriber::in_app(app, "acme").await;
    let form = [
        ("product_data[name]", "Acme"),
        ("unit_amount", "1300"),
        ("currency", "usd"),
        ("recurring[interval]", "month"),
    ];
    let price = it.app.stripe.api("POST", "/v1/prices", &form).await;
    let plan = json!({"acme": {"group": "photos", "label": "Acme", "price": price["id"], "private": true}});
    it.app.publish(&plan.to_string()).await.unwrap();
    offer(&it.app, "alice", "acme", false).await.expect(200);
    let preview = async || {
        let env = it.app.env_of("actions", &[]);
        let function = actions::App::start(&env, perennial_types::Clock::system())
            .await
            .unwrap();
        let path = format!("POST /subscriptions/{}/preview", it.id);
        let body = json!({"plan": "acme"});
        ask_of(&function, &path, &it.id, body).await
    };
    let (status, refused) = preview().await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &json!("plan_not_available")),
        "{refused}"
    );
    let env = it.app.env_of("subscriptions", &[]);
    let clock = perennial_types::Clock::system();
    let function = subscriptions::App::start(&env, clock).await.unwrap();
    let (_, all) = ask_of(&function, "GET /subscriptions", &it.id, Value::Null).await;
    assert_eq!(all["subscriptions"][0]["plan"], "acme");
    assert_eq!(all["plans"], json!([]), "not what it costs others today");
    offer(&it.app, "alice", "acme", true).await.expect(200);
    let (status, shown) = preview().await;
    assert_eq!(status, 200, "{shown}");
}

/// As API Gateway asks about a subscription.
async fn ask_of(
    function: &impl perennial_http::Handler,
    route: &str,
    id: &str,
    body: Value,
) -> (i64, Value) {
    let (method, path) = route.split_once(' ').unwrap();
    let event = json!({
        "version": "2.0", "routeKey": route.replace(id, "{subscription}"), "rawPath": path,
        "rawQueryString": "", "headers": {"content-type": "application/json"},
        "pathParameters": {"subscription": id},
        "requestContext": {
            "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}}, "domainName": "api.shop.example",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9", "userAgent": "a browser"},
        },
        "body": body.to_string(), "isBase64Encoded": false,
    });
    let answer = perennial_http::invoke(function, event, "r1").await;
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer["statusCode"].as_i64().unwrap(), body)
}

/// What a subscriber sends who agrees to the private plan, which they are shown.
async fn is_shown(it: &Subscriber) -> Value {
    let ask = json!({"plan": "acme", "when": "now"});
    let shown = it.asks("preview", &ask).await.expect(200).json();
    json!({"preview": shown["preview"]})
}

#[tokio::test]
async fn what_was_shown_is_not_changed_to_once_the_offer_is_gone() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let it = Subscriber::in_app(app, "basic").await;
    let agreed = is_shown(&it).await;
    offer(&it.app, "alice", "acme", false).await.expect(200);
    let refused = it.asks("change", &agreed).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert!(refused.json().get("new_preview").is_none());
    assert_eq!(it.mine().await["plan"], "basic");
    offer(&it.app, "alice", "acme", true).await.expect(200);
    let agreed = is_shown(&it).await;
    let changed = it.asks("change", &agreed).await;
    assert_eq!(changed.expect(200).json()["subscription"]["plan"], "acme");
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_although_the_offer_is_gone() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let it = Subscriber::in_app(app, "basic").await;
    let agreed = is_shown(&it).await;
    let fault = json!({"method": "POST", "path": "/v1/subscriptions/*", "fault": "timeout_before", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    let lost = it.asks("change", &agreed).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    it.app.stripe.no_faults().await;
    offer(&it.app, "alice", "acme", false).await.expect(200);
    // It was frozen before, so it is brought to its end.
    let again = it.asks("change", &agreed).await.expect(200).json();
    assert_eq!(again["subscription"]["plan"], "acme");
}

#[tokio::test]
async fn a_plan_that_becomes_private_keeps_its_subscribers() {
    let it = Subscriber::in_app(shop().await, "basic").await;
    let plans = json!({"basic": {"group": "photos", "label": "Basic", "lookup_key": "basic", "private": true}});
    it.app.publish(&plans.to_string()).await.unwrap();
    assert_eq!(
        it.app.table.catalog().await["plans"]["basic"]["declared"]["private"],
        true
    );
    let mine = it.mine().await;
    assert_eq!(
        (&mine["plan"], &mine["status"]),
        (&json!("basic"), &json!("active"))
    );
    it.app.pass_days(31).await;
    assert_eq!(it.mine().await["plan"], "basic");
    assert_eq!(it.app.stripe.objects("invoice").await.len(), 2, "it renews");
}

#[tokio::test]
async fn an_offer_of_a_plan_that_is_gone_can_be_taken_back() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let plans = json!({"basic": {"group": "photos", "label": "Basic", "lookup_key": "basic"}});
    app.publish(&plans.to_string()).await.unwrap();
    // Even without any plans.
    app.table.remove_catalog().await;
    let left = offer(&app, "alice", "acme", false).await.expect(200).json();
    assert_eq!(left["offers"], json!([]));
}
