//! A plan that is bought with add-ons: what a page is told, what is charged, and what is there then.

use perennial_tests::{Setup, TestApp};
use serde_json::{Value, json};

use crate::{
    actions::addons::{entitled, pairs, plans, shop, subscriber},
    payments::text,
};

#[tokio::test]
async fn a_page_is_told_what_all_of_it_costs() {
    let app = shop().await;
    let anybody = app.anybody();
    let offered = anybody.send(anybody.request("GET", "/plans")).await.json();
    let all = offered["plans"].as_array().unwrap();
    let team = all.iter().find(|plan| plan["name"] == "team").unwrap();
    assert_eq!(
        team["addons"][1],
        json!({"name": "storage", "label": "storage", "amount": 500, "maximum": 10, "shopper_may_change": true})
    );
    let solo = all.iter().find(|plan| plan["name"] == "solo").unwrap();
    assert_eq!(solo.get("addons"), None);

    let alice = app.caller("alice");
    let told = |query: &str| alice.send(alice.request("GET", &format!("/wallets?plan={query}")));
    for (query, amount, label) in [
        ("team", 1500, "Photos"),
        ("team&addons=storage:2", 2500, "Photos + 2 × storage"),
        ("team&addons=audit", 1800, "Photos + audit"),
        (
            "team&quantity=2&addons=storage:1,support:1",
            4200,
            "2 × Photos + storage + support",
        ),
        ("team&addons=storage:0", 1500, "Photos"),
    ] {
        let told = told(query).await.expect(200).json();
        let apple = &told["wallets"][1];
        assert_eq!(
            apple["elements"]["subscription"]["amount"], amount,
            "{query}"
        );
        let request = &apple["express_checkout"]["applePay"]["recurringPaymentRequest"];
        assert_eq!(request["regularBilling"]["amount"], amount, "{query}");
        assert_eq!(request["regularBilling"]["label"], label);
        let agreed = text(&told["consent"]["text"]["amazon_pay"]);
        let money = format!("{}.00 USD", amount / 100);
        assert!(agreed.contains(&money), "{agreed}");
    }
    for (query, code) in [
        ("team&addons=storage:11", "addon_not_offered"),
        ("team&addons=other:1", "addon_not_offered"),
        ("solo&addons=storage:1", "addon_not_offered"),
        ("team&addons=storage:x", "invalid_field"),
        ("team&addons=storage:1,storage:2", "invalid_field"),
        ("team&addons=storage:1000000", "invalid_field"),
    ] {
        assert_eq!(told(query).await.expect_error(400), code, "{query}");
    }
}

#[tokio::test]
async fn a_checkout_sells_what_was_agreed_to() {
    let it = subscriber(json!({"storage": 2, "support": 1, "audit": 0})).await;
    let at_stripe = it.at_stripe().await;
    let items = at_stripe["items"]["data"].as_array().unwrap();
    let sold: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["price"]["unit_amount"].as_i64(),
                item["quantity"].as_i64(),
            )
        })
        .collect();
    let expected = [(1500, 1), (500, 2), (700, 1)];
    assert_eq!(
        sold,
        expected.map(|(amount, many)| (Some(amount), Some(many)))
    );
    let charges = it.app.stripe.objects("charge").await;
    assert_eq!((charges.len(), &charges[0]["amount"]), (1, &json!(3200)));
    let both = json!([["storage", 2], ["support", 1]]);
    assert_eq!(entitled(&it).await, both);
    let told = it.app.table.items_of("OUT#").await;
    let told: Value = serde_json::from_str(text(&told[0]["data"])).unwrap();
    assert_eq!(told["subscription"]["plan"], "team");
    assert_eq!(pairs(&told["subscription"]["addons"]), both);
}

#[tokio::test]
async fn a_checkout_with_other_add_ons_takes_the_place_of_the_open_one() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let body =
        |many: u64| json!({"plan": "team", "wallet": "amazon_pay", "addons": {"storage": many}});
    let first = alice.calls.client_secret(&body(5)).await.expect(201).json();
    let same = alice.calls.client_secret(&body(5)).await.expect(200).json();
    assert_eq!(same["checkout"], first["checkout"]);
    let other = alice.calls.client_secret(&body(3)).await.expect(201).json();
    assert_ne!(other["checkout"], first["checkout"]);
    let back = alice.answer_wallet(&other, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.json();
    assert_eq!(
        pairs(&mine["subscriptions"][0]["addons"]),
        json!([["storage", 3]])
    );
}

#[tokio::test]
async fn a_subscription_that_comes_first_has_them() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let body = json!({"plan": "team", "wallet": "apple_pay", "first": "subscription", "quantity": 2,
        "addons": {"storage": 2}});
    let opened = alice
        .calls
        .post_subscription(&body)
        .await
        .expect(201)
        .json();
    let confirmed = alice.approve_apple_pay(&opened).await;
    assert_eq!(confirmed["amount"], 4000, "{confirmed}");
    let done = alice
        .calls
        .subscribe(text(&opened["checkout"]))
        .await
        .json();
    assert_eq!(
        pairs(&done["subscription"]["addons"]),
        json!([["storage", 2]])
    );
    app.quiet().await;
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

#[tokio::test]
async fn what_is_not_sold_opens_no_checkout() {
    let app = shop().await;
    let alice = app.shopper("alice");
    for (plan, addons, code) in [
        ("team", json!({"storage": 11}), "addon_not_offered"),
        ("team", json!({"other": 1}), "addon_not_offered"),
        ("solo", json!({"storage": 1}), "addon_not_offered"),
        ("team", json!({"storage": 1_000_000}), "invalid_field"),
        ("team", json!({"storage": -1}), "invalid_field"),
        ("team", json!(["storage"]), "invalid_field"),
        ("team", json!({"storage": {"quantity": 1}}), "invalid_field"),
    ] {
        let body = json!({"plan": plan, "wallet": "amazon_pay", "addons": addons});
        let refused = alice.calls.client_secret(&body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
        let body =
            json!({"plan": plan, "wallet": "apple_pay", "first": "subscription", "addons": addons});
        let refused = alice.calls.post_subscription(&body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    let intents = app.stripe.requests_to("POST /v1/setup_intents").await;
    assert!(intents.is_empty());
}

#[tokio::test]
async fn a_shopper_comes_again_with_add_ons() {
    let it = subscriber(json!({"storage": 1})).await;
    it.server_asks("cancel", "end", &json!({"when": "now"}))
        .await
        .expect(200);
    it.app.quiet().await;
    assert_eq!(entitled(&it).await, json!([]));
    let ask = json!({"again": "team", "addons": {"support": 1}});
    let shown = it.asks("preview", &ask).await.expect(200).json();
    assert_eq!(shown["due_now"]["amount"], 2200, "{shown}");
    assert_eq!(pairs(&shown["addons"]), json!([["support", 1]]));
    let refused = json!({"again": "team", "addons": {"other": 1}});
    let refused = it.asks("preview", &refused).await;
    assert_eq!(refused.expect_error(409), "addon_not_offered");
    let mut body = json!({"again": it.id, "plan": "team", "due_now": 2200});
    let refused = it.alice.calls.post_subscription(&body).await;
    assert_eq!(refused.expect_error(409), "amount_outdated", "without");
    body["addons"] = json!({"support": 1});
    let back = it.alice.calls.post_subscription(&body).await.expect(201);
    let back = back.json();
    assert_eq!(
        pairs(&back["subscription"]["addons"]),
        json!([["support", 1]])
    );
    it.app.quiet().await;
}

#[tokio::test]
async fn an_add_on_that_does_not_agree_with_its_plan_is_not_sold() {
    let mut plans = plans();
    let addons = &mut plans["team"]["addons"];
    addons["storage"]["interval"] = "year".into();
    addons["support"]["currency"] = "eur".into();
    let app = TestApp::selling(&plans, Setup::default()).await;
    let anybody = app.anybody();
    let offered = anybody.send(anybody.request("GET", "/plans")).await.json();
    let all = offered["plans"].as_array().unwrap();
    let team = all.iter().find(|plan| plan["name"] == "team").unwrap();
    let names: Vec<_> = team["addons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["audit"], "the plan itself is sold");
    let alice = app.shopper("alice");
    for name in ["storage", "support"] {
        let body = json!({"plan": "team", "wallet": "amazon_pay", "addons": {name: 1}});
        let refused = alice.calls.client_secret(&body).await;
        assert_eq!(refused.expect_error(400), "addon_not_offered");
    }
}

#[tokio::test]
async fn the_catalog_follows_what_becomes_of_an_add_ons_price() {
    let app = shop().await;
    let price = app
        .stripe
        .api("GET", "/v1/prices?lookup_keys[]=team-storage", &[])
        .await;
    let price = format!("/v1/prices/{}", text(&price["data"][0]["id"]));
    for (active, code) in [("false", json!("price_archived")), ("true", Value::Null)] {
        app.stripe.api("POST", &price, &[("active", active)]).await;
        app.quiet().await;
        let catalog = app.table.catalog().await;
        let team = &catalog["plans"]["team"];
        assert_eq!(team["addons"]["storage"]["refusal"]["code"], code);
        assert_eq!(team["addons"]["support"].get("refusal"), None);
        assert_eq!(team.get("refusal"), None, "the plan is sold without it");
    }
}
