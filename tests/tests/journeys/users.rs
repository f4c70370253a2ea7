//! What the shop's servers read of a user: what they have, and all that is known of them.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use crate::payments::{ShopServer, text};

const MONTHLY: &str = "stock-photos-monthly";

async fn read(app: &TestApp, query: &str) -> Value {
    let answer = ShopServer::of(app)
        .get(&format!("/shop/users{query}"))
        .await;
    answer.expect(200).json()
}

fn kinds(timeline: &Value) -> Vec<String> {
    let all = timeline.as_array().unwrap().iter();
    all.map(|it| match text(&it["kind"]) {
        "checkout" => format!("checkout {}", text(&it["state"])),
        kind => format!("{kind} {}", text(&it["type"])),
    })
    .collect()
}

#[tokio::test]
async fn a_server_reads_what_a_user_has() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let of_server = ShopServer::of(&app)
        .get("/shop/subscriptions?user=alice")
        .await;
    let of_server = of_server.expect(200).json();
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(of_server["entitlements"], mine["entitlements"]);
    assert_eq!(of_server["entitlements"]["stock-photos"]["active"], true);
    let (theirs, own) = (&of_server["subscriptions"][0], &mine["subscriptions"][0]);
    assert_eq!(theirs["id"], own["id"]);
    assert_eq!(
        theirs["actions"]["cancel"]["when"],
        json!(["period_end", "now", "date"]),
        "what a server may do, and not what the shopper may"
    );
    assert_eq!(own["actions"]["cancel"]["when"], json!(["period_end"]));
}

#[tokio::test]
async fn the_story_of_a_user_is_told_newest_first_and_without_secrets() {
    let app = TestApp::start().await;
    app.shopper("bob").buy(MONTHLY).await.1.expect(303);
    let alice = app.shopper("alice");
    let abandoned = alice.click_for("stock-photos-trial").await;
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    app.pass_days(31).await;

    let user = read(&app, "?user=alice").await;
    assert_eq!(user["user"], "alice");
    let subscriptions = app.stripe.objects("subscription").await;
    let own = subscriptions
        .iter()
        .find(|it| it["id"] == user["subscriptions"][0]["id"])
        .unwrap();
    assert_eq!(user["customer"], own["customer"]);
    assert_eq!(own["metadata"]["perennial_user"], "alice", "{own}");
    assert_eq!(user["entitlements"]["stock-photos"]["active"], true);
    assert_eq!(user["complete"], true);

    let timeline = user["timeline"].as_array().unwrap();
    let times: Vec<&str> = timeline.iter().map(|it| text(&it["at"])).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let kinds = kinds(&user["timeline"]);
    for kind in [
        "checkout subscribed",
        "checkout issued",
        "shop_event subscription.activated",
        "shop_event subscription.renewed",
        "stripe_event customer.subscription.created",
        "stripe_event setup_intent.succeeded",
        "stripe_event invoice.paid",
    ] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }
    let open = timeline
        .iter()
        .find(|it| it["state"] == "issued")
        .expect("the abandoned checkout");
    assert_eq!(open["checkout"], abandoned["checkout"]);
    assert_eq!(open["setup_intent"], abandoned["setup_intent"]);
    assert!(
        timeline
            .iter()
            .filter(|it| it["kind"] == "stripe_event")
            .all(|it| it["status"] == "processed" || it["status"] == "ignored"),
        "{timeline:?}"
    );
    let said = user.to_string();
    assert!(!said.contains("_secret_"), "{said}");
    assert!(!said.contains("bob"), "{said}");
}

#[tokio::test]
async fn a_shorter_story_says_that_it_is_not_all() {
    let app = TestApp::start().await;
    app.shopper("alice").buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let all = read(&app, "?user=alice&limit=500").await;
    let all = all["timeline"].as_array().unwrap().clone();
    let some = read(&app, "?user=alice&limit=3").await;
    assert_eq!(some["complete"], false);
    assert_eq!(some["timeline"].as_array().unwrap()[..], all[..3]);
    let exact = read(&app, &format!("?user=alice&limit={}", all.len())).await;
    assert_eq!(exact["complete"], true);
}

#[tokio::test]
async fn a_story_costs_five_queries_and_no_call_of_stripe() {
    let app = TestApp::start().await;
    app.shopper("alice").buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    app.forget_calls().await;
    read(&app, "?user=alice").await;
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: nothing; DynamoDB: 5 x Query");
}

#[tokio::test]
async fn a_user_who_never_came_has_nothing() {
    let app = TestApp::start().await;
    let nobody = read(&app, "?user=nobody").await;
    assert_eq!(nobody["customer"], Value::Null);
    assert_eq!(nobody["subscriptions"], json!([]));
    assert_eq!(nobody["timeline"], json!([]));
    assert_eq!(nobody["trials"], json!([]));
    assert_eq!(nobody["complete"], true);
}

#[tokio::test]
async fn a_bad_question_is_refused_and_no_page_may_ask() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    for (query, code) in [
        ("", "missing_field"),
        ("?user=", "invalid_field"),
        ("?user=%20alice", "invalid_field"),
        ("?user=alice&limit=0", "invalid_field"),
        ("?user=alice&limit=501", "invalid_field"),
        ("?user=alice&limit=-1", "invalid_field"),
        ("?user=alice&limit=many", "invalid_field"),
    ] {
        let answer = server.get(&format!("/shop/users{query}")).await;
        assert_eq!(answer.expect(400).json()["error"]["code"], code, "{query}");
    }
    let answer = server.get("/shop/subscriptions").await;
    assert_eq!(answer.expect(400).json()["error"]["code"], "missing_field");
    let alice = app.shopper("alice");
    for path in ["/shop/users?user=bob", "/shop/subscriptions?user=bob"] {
        let request = alice.calls.request("GET", path);
        alice.calls.send(request).await.expect(403);
    }
}

#[tokio::test]
async fn the_story_of_a_customer_that_stripe_has_deleted_is_not_all() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let former = read(&app, "?user=alice").await["customer"].clone();
    let path = format!("/v1/customers/{}", text(&former));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    alice.click().await;
    let user = read(&app, "?user=alice").await;
    assert_ne!(user["customer"], former);
    assert_eq!(user["complete"], false);
}
