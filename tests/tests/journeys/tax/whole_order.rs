//! Seats, an add-on, a promotion code and taxes in one order, over its life. The amounts are computed by hand:
//! each line by itself, discounted first and taxed then, by 19% in Germany and 7.25% in California.

use perennial_tests::{Setup, TestApp};
use serde_json::{Value, json};

use super::{Buyer, CALIFORNIA, DE, Place, address};
use crate::payments::{ShopServer, text};

/// Three seats of 15.00 and two of the add-on of 5.00, with 20% off three payments.
async fn shop() -> Buyer {
    let taxed =
        |amount: u64| json!({"amount": amount, "tax": "automatic", "tax_behavior": "exclusive"});
    let mut team = taxed(1500);
    team["quantity"] = json!({"minimum": 1, "maximum": 50, "shopper_may_change": true});
    team["addons"] = json!({"storage": {
        "amount": 500, "maximum": 9, "shopper_may_change": true, "tax_behavior": "exclusive",
    }});
    let mut yearly = taxed(15000);
    yearly["interval"] = "year".into();
    let plans = json!({"team": team, "yearly": yearly});
    let app = TestApp::selling(&plans, Setup::default()).await;
    let stripe = &app.stripe;
    let coupon = [
        ("percent_off", "20"),
        ("duration", "repeating"),
        ("duration_in_months", "3"),
    ];
    let coupon = stripe.api("POST", "/v1/coupons", &coupon).await;
    let code = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", text(&coupon["id"])),
        ("code", "TEAM20"),
    ];
    stripe.api("POST", "/v1/promotion_codes", &code).await;
    let alice = app.shopper("alice");
    Buyer { app, alice }
}

fn order(place: Place) -> Value {
    json!({
        "plan": "team", "quantity": 3, "addons": {"storage": 2}, "code": "TEAM20",
        "billing_address": address(place),
    })
}

/// Buys what was shown, all of it.
async fn buy(it: &Buyer, place: Place) -> Value {
    let told = it.ask(&order(place)).await.expect(200).json();
    let discount = &told["discount"];
    let click = json!({
        "plan": "team", "wallet": "amazon_pay", "quantity": 3, "addons": {"storage": 2},
        "tax": {"amount": told["tax"]["amount"]}, "billing_address": address(place),
        "discount": {"promotion_code": discount["promotion_code"], "amount": discount["amount"]},
    });
    let opened = it.alice.calls.client_secret(&click).await.expect(201);
    let landed = it.agree(&opened.json()).await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    it.app.quiet().await;
    told
}

async fn ask(it: &Buyer, action: &str, body: &Value) -> Value {
    let id = text(&it.mine().await["subscription"]["id"]).to_owned();
    let path = format!("/subscriptions/{id}/{action}");
    let request = it.alice.calls.request("POST", &path).json(body);
    it.alice.calls.send(request).await.expect(200).json()
}

#[tokio::test]
async fn seats_an_add_on_a_code_and_taxes_are_shown_charged_and_renewed_to_the_cent() {
    let it = shop().await;
    let told = buy(&it, DE).await;
    // 4500 and 1000, and 19% of each: 855 and 190.
    assert_eq!(told["tax"]["amount"], 6545, "{told}");
    assert_eq!(told["tax"]["tax_amount"], 1045, "{told}");
    // 3600 and 800, and 684 and 152.
    assert_eq!(told["discount"]["due_now"], 5236, "{told}");
    assert_eq!(told["discount"]["regular_amount"], 6545, "{told}");
    assert_eq!(it.paid().await, [5236]);
    for _ in 0..4 {
        let next = it.mine().await["next_charge"]["amount"].as_u64();
        let before = it.paid().await;
        it.app.pass_days(31).await;
        let paid = it.paid().await;
        assert_eq!(paid.len(), before.len() + 1, "{paid:?}");
        assert_eq!(paid.last().copied(), next, "as it was told");
    }
    assert_eq!(it.paid().await, [5236, 5236, 5236, 6545, 6545]);
}

#[tokio::test]
async fn another_place_has_other_taxes_on_the_same_order() {
    let it = shop().await;
    let told = buy(&it, CALIFORNIA).await;
    // 3600 and 800, and 7.25% of each: 261 and 58.
    assert_eq!(told["discount"]["due_now"], 4719, "{told}");
    assert_eq!(it.paid().await, [4719]);
}

#[tokio::test]
async fn a_change_of_both_and_of_the_plan_costs_what_was_shown_and_a_refund_gives_all_back() {
    let it = shop().await;
    buy(&it, DE).await;
    it.app.pass_days(10).await;
    let more = json!({"quantity": 5, "addons": {"storage": 3}});
    let shown = ask(&it, "preview", &more).await;
    // 7500 and 1500, of which 80% are 6000 and 1200, with 1140 and 228.
    assert_eq!(shown["next_charge"]["amount"], 8568, "{shown}");
    let due = shown["due_now"]["amount"].as_u64().unwrap();
    let agreed = json!({"preview": shown["preview"]});
    let changed = ask(&it, "change", &agreed).await["subscription"].clone();
    assert_eq!(changed["quantity"], 5, "{changed}");
    assert_eq!(changed["addons"][0]["quantity"], 3, "{changed}");
    it.app.quiet().await;
    assert_eq!(it.paid().await, [5236, due]);

    let shown = ask(&it, "preview", &json!({"plan": "yearly"})).await;
    assert_eq!(shown["ended_addons"], json!(["storage"]), "{shown}");
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let left = shown["credit_left"]["amount"].as_i64().unwrap();
    // 15000 less a fifth, with 19%, less what is left of the month.
    assert!((0..14280).contains(&due) && left == 0, "{shown}");
    let agreed = json!({"preview": shown["preview"]});
    let changed = ask(&it, "change", &agreed).await["subscription"].clone();
    assert_eq!(
        (&changed["plan"], &changed["addons"]),
        (&json!("yearly"), &json!([]))
    );
    it.app.quiet().await;
    let paid = it.paid().await;
    assert_eq!(paid.last().copied(), u64::try_from(due).ok(), "{paid:?}");

    let invoices = it.alice.calls.request("GET", "/invoices");
    let invoices = it.alice.calls.send(invoices).await.expect(200).json();
    let newest = &invoices["invoices"][0];
    let id = text(&it.mine().await["subscription"]["id"]).to_owned();
    let body = json!({"user": "alice", "invoice": newest["id"]});
    let path = format!("/shop/subscriptions/{id}/refund");
    let back = ShopServer::of(&it.app).post(&path, "all", &body).await;
    let back = back.expect(200).json();
    assert_eq!(back["given_back"]["refund"]["amount"], due, "{back}");
    it.app.quiet().await;
}
