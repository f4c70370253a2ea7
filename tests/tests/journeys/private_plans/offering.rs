//! A server offers a plan, and its user has it.

use super::*;
use crate::{
    actions::Subscriber,
    payments::{all, text},
};

#[tokio::test]
async fn a_user_buys_what_is_offered_to_them_alone() {
    let app = shop().await;
    let set = offer(&app, "alice", "acme", true).await.expect(200).json();
    assert_eq!(set, json!({"user": "alice", "offers": ["acme"]}));
    let alice = app.shopper("alice");
    let listed = get(&alice, "/plans").await.expect(200).text;
    assert!(!listed.contains("acme"), "{listed}");
    let told = get(&alice, "/wallets?plan=acme").await.expect(200).json();
    let text_of = told["consent"]["text"]["amazon_pay"].to_string();
    assert!(text_of.contains("11.00"), "{told}");
    assert_eq!(names(&told["offered_plans"]), json!(["acme"]), "{told}");
    let shown = &told["offered_plans"][0];
    assert_eq!(
        (&shown["label"], &shown["amount"], &shown["interval"]),
        (&json!("Private 1100"), &json!(1100), &json!("month")),
        "as GET /plans has the others"
    );
    let of_basic = get(&alice, "/wallets?plan=basic").await.expect(200).json();
    assert_eq!(
        names(&of_basic["offered_plans"]),
        json!(["acme"]),
        "of whatever is asked"
    );
    let others = get(&app.shopper("bob"), "/wallets?plan=basic").await;
    assert!(others.expect(200).json().get("offered_plans").is_none());
    alice.buy("acme").await.1.expect(303);
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["plan"], "acme", "{mine}");
    assert_eq!(mine["entitlements"]["photos"]["active"], true);
    assert_eq!(names(&mine["plans"]), json!(["acme"]));
    let charges = app.stripe.objects("charge").await;
    assert_eq!(charges[0]["amount"], 1100);
    assert_eq!(offers(&app, "alice").await, json!(["acme"]));
    assert_eq!(offers(&app, "bob").await, json!([]));
    // With Apple's sheet too, and with the subscription first.
    offer(&app, "carol", "acme", true).await.expect(200);
    let carol = app.shopper("carol");
    let opened = carol.begin_subscription("acme").await;
    carol.approve_apple_pay(&opened).await;
    app.quiet().await;
    let hers = carol.calls.subscriptions().await.expect(200).json();
    assert_eq!(hers["subscriptions"][0]["plan"], "acme", "{hers}");
}

#[tokio::test]
async fn a_private_plan_costs_no_call_more_than_another() {
    let app = shop().await;
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    for user in ["alice", "bob"] {
        // The one who buys the other plan has an item to begin with, too.
        offer(&app, user, "acme", true).await.expect(200);
    }
    let mut costs = Vec::new();
    for (user, plan) in [("alice", "acme"), ("bob", "basic")] {
        let shopper = app.shopper(user);
        let path = format!("/wallets?plan={plan}");
        let mut of_plan = Vec::new();
        app.forget_calls().await;
        get(&shopper, &path).await.expect(200);
        of_plan.push(app.calls().await.dynamodb);
        // The click, and the same once more.
        for _ in 0..2 {
            app.forget_calls().await;
            shopper.click_for(plan).await;
            of_plan.push(app.calls().await.dynamodb);
        }
        costs.push(of_plan);
    }
    assert_eq!(costs[0], costs[1]);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

#[tokio::test]
async fn nor_does_its_preview() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let it = Subscriber::in_app(app, "basic").await;
    let mut costs = Vec::new();
    for plan in ["acme", "pro"] {
        it.app.forget_calls().await;
        let body = json!({"plan": plan, "when": "now"});
        it.asks("preview", &body).await.expect(200);
        costs.push(it.app.calls().await.dynamodb);
    }
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test]
async fn a_subscriber_is_told_what_is_offered_to_them_and_for_sale() {
    let app = shop().await;
    for plan in ["acme", "acme-wiki"] {
        offer(&app, "alice", plan, true).await.expect(200);
    }
    let it = Subscriber::in_app(app, "basic").await;
    let path = format!("/subscriptions/{}", it.id);
    let told = get(&it.alice, &path).await.expect(200).json();
    assert_eq!(
        names(&told["offered_plans"]),
        json!(["acme", "acme-wiki"]),
        "{told}"
    );
    offer(&it.app, "alice", "acme-wiki", false)
        .await
        .expect(200);
    offer(&it.app, "alice", "acme", false).await.expect(200);
    let told = get(&it.alice, &path).await.expect(200).json();
    assert!(told.get("offered_plans").is_none(), "{told}");
}

#[tokio::test]
async fn an_offer_is_one_write_however_often_it_is_made() {
    let app = shop().await;
    app.quiet().await;
    app.forget_calls().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: nothing; DynamoDB: UpdateItem");
    let again = offer(&app, "alice", "acme", true).await.expect(200).json();
    assert_eq!(again["offers"], json!(["acme"]));
    let more = offer(&app, "alice", "acme-wiki", true).await;
    assert_eq!(
        more.expect(200).json()["offers"],
        json!(["acme", "acme-wiki"])
    );
    for _ in 0..2 {
        let fewer = offer(&app, "alice", "acme", false).await.expect(200).json();
        assert_eq!(fewer["offers"], json!(["acme-wiki"]));
    }
    // Of a user of whom nothing is known nothing is written.
    let none = offer(&app, "nobody", "acme", false)
        .await
        .expect(200)
        .json();
    assert_eq!(none["offers"], json!([]));
    let items = app.table.items_of("CUSTOMER").await;
    assert_eq!(items.len(), 1, "{items:?}");
}

#[tokio::test]
async fn a_bad_offer_changes_nothing() {
    let app = shop().await;
    for (body, code) in [
        (json!({"plan": "acme", "offered": true}), "missing_field"),
        (json!({"user": "alice", "offered": true}), "missing_field"),
        (json!({"user": "alice", "plan": "acme"}), "missing_field"),
        (
            json!({"user": "alice", "plan": "Acme!", "offered": true}),
            "invalid_field",
        ),
        (
            json!({"user": "alice", "plan": "", "offered": false}),
            "invalid_field",
        ),
        (
            json!({"user": "", "plan": "acme", "offered": true}),
            "invalid_field",
        ),
        (
            json!({"user": "alice", "plan": "acme", "offered": "yes"}),
            "invalid_field",
        ),
        (
            json!({"user": "alice", "plan": "nothing", "offered": true}),
            "no_private_plan",
        ),
        (
            json!({"user": "alice", "plan": "basic", "offered": true}),
            "no_private_plan",
        ),
    ] {
        let answer = ShopServer::of(&app)
            .post("/shop/users/offer", "", &body)
            .await;
        assert_eq!(answer.expect_error(400), code, "{body}");
    }
    assert!(app.table.items_of("CUSTOMER").await.is_empty());
    let body = json!({"user": "alice", "plan": "acme", "offered": true});
    post(&app.shopper("alice"), "/shop/users/offer", &body)
        .await
        .expect(403);
}

#[tokio::test]
async fn servers_that_offer_at_once_lose_nothing_and_there_is_a_most() {
    let plans: serde_json::Map<String, Value> = (0..51)
        .map(|number| (format!("p{number:02}"), json!({"private": true})))
        .collect();
    let app = TestApp::selling(&Value::Object(plans), Setup::default()).await;
    let names: Vec<String> = (0..50).map(|number| format!("p{number:02}")).collect();
    for some in names.chunks(10) {
        let asked = some.iter().map(|name| offer(&app, "alice", name, true));
        for answer in all(asked).await {
            answer.expect(200);
        }
    }
    assert_eq!(offers(&app, "alice").await, json!(names));
    let refused = offer(&app, "alice", "p50", true).await;
    assert_eq!(refused.expect_error(409), "too_many_offers");
    // What is offered already is no more than before.
    offer(&app, "alice", "p07", true).await.expect(200);
    let both = all([
        offer(&app, "alice", "p00", false),
        offer(&app, "alice", "p01", false),
    ])
    .await;
    for answer in both {
        answer.expect(200);
    }
    let left = offer(&app, "alice", "p50", true).await.expect(200).json();
    assert_eq!(left["offers"].as_array().unwrap().len(), 49);
}

#[tokio::test]
async fn what_is_offered_outlives_the_customer_at_stripe_and_not_the_user() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let alice = app.shopper("alice");
    alice.click_for("acme").await;
    let known = ShopServer::of(&app).get("/shop/users?user=alice").await;
    let customer = known.expect(200).json()["customer"].clone();
    let path = format!("/v1/customers/{}", text(&customer));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    assert_eq!(offers(&app, "alice").await, json!(["acme"]));
    alice.click_for("acme").await;
}
