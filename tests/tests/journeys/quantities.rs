//! A plan that is sold in quantities, such as seats: what a page is told, what is charged, and what is there then.

use perennial_tests::{Setup, TestApp};
use serde_json::{Value, json};

use crate::{
    actions::quantity::{plans, subscriber},
    payments::text,
};

async fn shop() -> TestApp {
    TestApp::selling(&plans(), Setup::default()).await
}

#[tokio::test]
async fn a_page_is_told_what_all_of_them_cost() {
    let app = shop().await;
    let offered = app.anybody();
    let offered = offered.send(offered.request("GET", "/plans")).await.json();
    let quantities: Vec<&Value> = offered["plans"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|plan| plan.get("quantity"))
        .collect();
    let team = json!({"minimum": 1, "maximum": 50, "shopper_may_change": true});
    assert_eq!(quantities.len(), 3);
    assert_eq!(*quantities[1], team);

    let alice = app.caller("alice");
    let told = |query: &str| alice.send(alice.request("GET", &format!("/wallets?plan={query}")));
    for (query, quantity, amount, label) in [
        ("team&quantity=4", json!(4), 6000, "4 × Photos"),
        ("team", json!(1), 1500, "Photos"),
        ("team-yearly", json!(3), 45_000, "3 × Photos"),
        ("solo", Value::Null, 900, "Photos"),
        ("solo&quantity=1", Value::Null, 900, "Photos"),
    ] {
        let told = told(query).await.expect(200).json();
        assert_eq!(told["quantity"], quantity, "{query}");
        let apple = &told["wallets"][1];
        assert_eq!(apple["wallet"], "apple_pay");
        assert_eq!(apple["elements"]["subscription"]["amount"], amount);
        let request = &apple["express_checkout"]["applePay"]["recurringPaymentRequest"];
        assert_eq!(request["regularBilling"]["amount"], amount, "{query}");
        assert_eq!(request["regularBilling"]["label"], label);
        let agreed = text(&told["consent"]["text"]["amazon_pay"]);
        let money = format!("{}.00 USD", amount / 100);
        assert!(agreed.contains(&money), "{agreed}");
    }
    for query in [
        "team&quantity=51",
        "team&quantity=x",
        "team-yearly&quantity=2",
        "solo&quantity=2",
    ] {
        let refused = told(query).await;
        assert_eq!(refused.expect_error(400), "quantity_not_offered", "{query}");
    }
}

#[tokio::test]
async fn a_checkout_sells_as_many_as_were_agreed_to() {
    let it = subscriber("team", 5).await;
    let at_stripe = it.at_stripe().await;
    assert_eq!(at_stripe["items"]["data"][0]["quantity"], 5);
    let charges = it.app.stripe.objects("charge").await;
    assert_eq!((charges.len(), &charges[0]["amount"]), (1, &json!(7500)));
    let mine = it.alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["quantity"], 5);
    assert_eq!(mine["entitlements"]["photos"]["quantity"], 5);
    let told = it.app.table.items_of("OUT#").await;
    let told: Value = serde_json::from_str(text(&told[0]["data"])).unwrap();
    assert_eq!(told["subscription"]["quantity"], 5);
}

#[tokio::test]
async fn a_checkout_of_another_quantity_takes_the_place_of_the_open_one() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let body =
        |quantity: u64| json!({"plan": "team", "wallet": "amazon_pay", "quantity": quantity});
    let first = alice.calls.client_secret(&body(5)).await.expect(201).json();
    let same = alice.calls.client_secret(&body(5)).await.expect(200).json();
    assert_eq!(same["checkout"], first["checkout"]);
    let other = alice.calls.client_secret(&body(3)).await.expect(201).json();
    assert_ne!(other["checkout"], first["checkout"]);
    let intents = app.stripe.objects("setup_intent").await;
    let first_intent = intents.iter().find(|it| it["id"] == first["setup_intent"]);
    assert_eq!(first_intent.unwrap()["status"], "canceled");
    let back = alice.answer_wallet(&other, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.json();
    assert_eq!(mine["subscriptions"][0]["quantity"], 3);

    // What the wallet has agreed to is what is bought, whatever a later click asks for.
    let bob = app.shopper("bob");
    let opened = bob.calls.client_secret(&body(2)).await.expect(201).json();
    bob.answer_wallet(&opened, "approve").await;
    let late = bob.calls.client_secret(&body(4)).await;
    assert_eq!(late.expect_error(409), "already_subscribed");
    assert_eq!(late.json()["subscription"]["quantity"], 2);
    app.quiet().await;
}

#[tokio::test]
async fn a_subscription_that_comes_first_has_as_many() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let body = |quantity: u64| json!({"plan": "team", "wallet": "apple_pay", "first": "subscription", "quantity": quantity});
    let first = alice.calls.post_subscription(&body(6)).await.expect(201);
    let again = alice.calls.post_subscription(&body(6)).await.expect(200);
    assert_eq!(first.json()["checkout"], again.json()["checkout"]);
    let opened = alice
        .calls
        .post_subscription(&body(4))
        .await
        .expect(201)
        .json();
    assert_ne!(first.json()["checkout"], opened["checkout"]);
    let confirmed = alice.approve_apple_pay(&opened).await;
    assert_eq!(confirmed["amount"], 6000, "{confirmed}");
    let done = alice
        .calls
        .subscribe(text(&opened["checkout"]))
        .await
        .json();
    assert_eq!(done["subscription"]["quantity"], 4, "{done}");
    app.quiet().await;
    let charges = app.stripe.objects("charge").await;
    assert_eq!(charges.len(), 1, "{charges:?}");
}

#[tokio::test]
async fn what_is_not_sold_opens_no_checkout() {
    let app = shop().await;
    let alice = app.shopper("alice");
    for (plan, quantity, code) in [
        ("team", json!(0), "quantity_not_offered"),
        ("team", json!(51), "quantity_not_offered"),
        (
            "team",
            json!(18_446_744_073_709_551_615_u64),
            "quantity_not_offered",
        ),
        ("team-yearly", Value::Null, "quantity_not_offered"),
        ("solo", json!(2), "quantity_not_offered"),
        ("team", json!(-1), "invalid_field"),
        ("team", json!("2"), "invalid_field"),
        ("team", json!(1.5), "invalid_field"),
    ] {
        let body = json!({"plan": plan, "wallet": "amazon_pay", "quantity": quantity});
        let refused = alice.calls.client_secret(&body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
        let body = json!({"plan": plan, "wallet": "apple_pay", "first": "subscription", "quantity": quantity});
        let refused = alice.calls.post_subscription(&body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    let body = json!({"checkout": "chk_1", "quantity": 2});
    let refused = alice.calls.post_subscription(&body).await;
    assert_eq!(refused.expect_error(400), "invalid_field");
    assert!(
        app.stripe
            .requests_to("POST /v1/setup_intents")
            .await
            .is_empty()
    );
    let once = json!({"plan": "solo", "wallet": "amazon_pay", "quantity": 1});
    alice.calls.client_secret(&once).await.expect(201);
}

#[tokio::test]
async fn a_shopper_comes_again_for_as_many_as_they_were_shown() {
    let it = subscriber("team", 2).await;
    it.server_asks("cancel", "end", &json!({"when": "now"}))
        .await
        .expect(200);
    it.app.quiet().await;
    let shown = it.asks("preview", &json!({"again": "team-yearly"})).await;
    let shown = shown.expect(200).json();
    assert_eq!(
        (&shown["quantity"], &shown["due_now"]["amount"]),
        (&json!(3), &json!(45_000))
    );
    let refused = it
        .asks("preview", &json!({"again": "team", "quantity": 51}))
        .await;
    assert_eq!(refused.expect_error(409), "quantity_not_offered");
    let shown = it
        .asks("preview", &json!({"again": "team", "quantity": 3}))
        .await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["due_now"]["amount"], 4500, "{shown}");
    assert_eq!(shown["price"]["amount"], 4500);
    let mut body = json!({"again": it.id, "plan": "team", "due_now": 4500});
    let refused = it.alice.calls.post_subscription(&body).await;
    assert_eq!(refused.expect_error(409), "amount_outdated", "of one");
    body["quantity"] = 3.into();
    let back = it
        .alice
        .calls
        .post_subscription(&body)
        .await
        .expect(201)
        .json();
    assert_eq!(back["subscription"]["quantity"], 3, "{back}");
    it.app.quiet().await;
    let charges = it.app.stripe.objects("charge").await;
    let paid: Vec<_> = charges.iter().map(|it| it["amount"].as_u64()).collect();
    assert!(paid.contains(&Some(4500)), "{paid:?}");
}
