//! Another quantity of a plan, such as seats: seen before it is agreed to, within the plan's limits.

use perennial_tests::{Answer, Setup, TestApp};
use serde_json::{Value, json};

use super::{
    Subscriber,
    plans::{agree, charged, preview},
};
use crate::{
    payments::{ShopServer, text},
    switched::{Shop, plan},
};

/// Plans of one group: for teams by the month and by the year, for teams that ask the shop, and for one person.
pub(crate) fn plans() -> Value {
    let plan = |amount: u64, interval: &str, quantity: Value| json!({"group": "photos", "label": "Photos", "amount": amount, "interval": interval, "quantity": quantity});
    json!({
        "team": plan(1500, "month", json!({"maximum": 50, "shopper_may_change": true})),
        "team-yearly": plan(15_000, "year", json!({"minimum": 3, "maximum": 50, "shopper_may_change": true})),
        "agency": plan(2000, "month", json!({"minimum": 1, "maximum": 20})),
        "solo": {"group": "photos", "label": "Photos", "amount": 900},
    })
}

/// A shopper with so many of a plan.
pub(crate) async fn subscriber(plan: &str, quantity: u64) -> Subscriber {
    let app = TestApp::selling(&plans(), Setup::default()).await;
    let alice = app.shopper("alice");
    buy(&alice, plan, quantity).await.expect(303);
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let id = text(&subscription["id"]).to_owned();
    app.stripe.forget_requests().await;
    Subscriber { app, alice, id }
}

async fn buy(shopper: &perennial_tests::Shopper, plan: &str, quantity: u64) -> Answer {
    let body = json!({"plan": plan, "wallet": "amazon_pay", "quantity": quantity});
    let opened = shopper.calls.client_secret(&body).await.expect(201).json();
    let back = shopper.answer_wallet(&opened, "approve").await;
    shopper.calls.come_back(&back).await
}

/// How many alice is entitled to.
async fn entitled(it: &Subscriber) -> Value {
    let mine = it.alice.calls.subscriptions().await.expect(200).json();
    mine["entitlements"]["photos"]["quantity"].clone()
}

/// The newest event of a type.
async fn event(it: &Subscriber, kind: &str) -> Value {
    let mut told = it.app.table.items_of("OUT#").await.into_iter();
    let last = told.rfind(|event| event["type"] == kind);
    serde_json::from_str(text(&last.unwrap()["data"])).unwrap()
}

#[tokio::test]
async fn more_cost_what_the_preview_said_and_are_there_at_once() {
    let it = subscriber("team", 2).await;
    it.app.stripe.advance(10 * 24 * 3600).await;
    it.app.quiet().await;
    let shown = preview(&it, json!({"quantity": 5})).await;
    assert_eq!(shown["when"], "now", "{shown}");
    assert_eq!(
        (&shown["plan"], &shown["quantity"]),
        (&json!("team"), &json!(5))
    );
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    assert!((1..4500).contains(&due), "a part of 3 x 15.00: {shown}");
    assert_eq!(shown["next_charge"]["amount"], 7500);
    assert_eq!(entitled(&it).await, 2, "nothing has changed");

    for _ in 0..2 {
        let changed = agree(&it, &shown).await.expect(200).json();
        assert_eq!(changed["subscription"]["quantity"], 5, "{changed}");
    }
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    // Of a month of 31 days, more is left than the first payment was.
    let mut both = [due, 3000];
    both.sort_unstable();
    assert_eq!(paid, both);
    assert_eq!(entitled(&it).await, 5);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.quantity_changed"]);
    let told = event(&it, "subscription.quantity_changed").await;
    assert_eq!(told["subscription"]["quantity"], 5);
    assert_eq!(told["previous"]["quantity"], 2);
    assert_eq!(told["previous"]["plan"], "team");
}

#[tokio::test]
async fn fewer_are_there_when_the_period_is_over() {
    let it = subscriber("team", 5).await;
    let before = it.mine().await;
    let shown = preview(&it, json!({"quantity": 2})).await;
    assert_eq!(shown["when"], "period_end", "{shown}");
    assert_eq!(shown["due_now"]["amount"], 0);
    assert_eq!(shown["next_charge"]["amount"], 3000);
    let changed = agree(&it, &shown).await.expect(200).json();
    let pending = &changed["subscription"]["pending_change"];
    assert_eq!(pending["quantity"], 2, "{changed}");
    assert_eq!(pending["plan"], "team");
    assert_eq!(pending["at"], before["current_period_end"]);
    assert_eq!(changed["subscription"]["quantity"], 5);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.change_scheduled"]);

    // Another mind, and back again.
    let shown = preview(&it, json!({"quantity": 3})).await;
    agree(&it, &shown).await.expect(200);
    assert_eq!(it.mine().await["pending_change"]["quantity"], 3);
    let kept = it.asks("withdraw-change", &json!({})).await.expect(200);
    let kept = kept.json();
    assert_eq!(kept["subscription"]["pending_change"], Value::Null);
    it.app.quiet().await;
    let told = it.told().await;
    assert_eq!(told.last().unwrap(), "subscription.change_withdrawn");
    let shown = preview(&it, json!({"quantity": 2})).await;
    agree(&it, &shown).await.expect(200);
    assert_eq!(entitled(&it).await, 5, "they are paid for");

    it.app.pass_days(32).await;
    let mine = it.mine().await;
    assert_eq!(
        (&mine["quantity"], &mine["pending_change"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(it.at_stripe().await["schedule"], Value::Null, "released");
    assert_eq!(entitled(&it).await, 2);
    assert_eq!(charged(&it).await.iter().sum::<i64>(), 7500 + 3000);
    let told = event(&it, "subscription.quantity_changed").await;
    assert_eq!(told["previous"]["quantity"], 5);
    let told = it.told().await;
    let withdrawn = told
        .iter()
        .filter(|it| *it == "subscription.change_withdrawn");
    assert_eq!(withdrawn.count(), 1, "{told:?}");
}

#[tokio::test]
async fn what_is_not_paid_is_not_there() {
    let it = subscriber("team", 2).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let shown = preview(&it, json!({"quantity": 5})).await;
    it.app.stripe.charges_of(&method, "decline").await;
    let fault = json!({"method": "POST", "path": "/v1/invoices/*/void",
        "fault": "timeout_before", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    let lost = agree(&it, &shown).await;
    assert_eq!(lost.expect_error(503), "stripe_unavailable");
    it.app.stripe.no_faults().await;
    // It waits at Stripe for its payment.
    assert_ne!(it.at_stripe().await["pending_update"], Value::Null);
    it.app.quiet().await;
    assert_eq!(
        (entitled(&it).await, &it.mine().await["quantity"]),
        (json!(2), &json!(2))
    );

    it.app.stripe.charges_of(&method, "succeed").await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(402), "change_declined");
    assert_eq!(it.at_stripe().await["pending_update"], Value::Null);
    it.app.pass_days(2).await;
    assert_eq!(entitled(&it).await, 2);
    assert_eq!(charged(&it).await, [3000]);
    assert!(it.told().await.is_empty());
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_charged_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = subscriber("team", 1).await;
        let shown = preview(&it, json!({"quantity": 4})).await;
        let fault = json!({"method": "POST", "path": "/v1/subscriptions/*", "fault": fault,
            "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let lost = agree(&it, &shown).await;
        assert_eq!(lost.expect_error(503), "stripe_unavailable");
        it.app.stripe.no_faults().await;
        let again = agree(&it, &shown).await.expect(200).json();
        assert_eq!(again["subscription"]["quantity"], 4);
        assert_eq!(charged(&it).await.len(), 2);
    }
}

#[tokio::test]
async fn a_quantity_that_is_not_sold_is_refused_before_anything_is_shown() {
    let it = subscriber("team", 2).await;
    for (body, status, code) in [
        (json!({"quantity": 2}), 409, "same_plan"),
        (json!({"quantity": 51}), 409, "quantity_not_offered"),
        (json!({"quantity": 0}), 400, "invalid_field"),
        (json!({"quantity": -1}), 400, "invalid_field"),
        (json!({"quantity": "3"}), 400, "invalid_field"),
        (
            json!({"quantity": 3, "cancel": "now"}),
            400,
            "conflicting_fields",
        ),
        (
            json!({"plan": "solo", "quantity": 2}),
            409,
            "quantity_not_offered",
        ),
        (
            json!({"plan": "team-yearly", "quantity": 2}),
            409,
            "quantity_not_offered",
        ),
        (
            json!({"plan": "agency", "quantity": 4}),
            409,
            "quantity_not_allowed",
        ),
    ] {
        let refused = it.asks("preview", &body).await;
        assert_eq!(refused.expect_error(status), code, "{body}");
    }
    for (body, code) in [
        (json!({"quantity": 51}), "quantity_not_offered"),
        (
            json!({"plan": "solo", "quantity": 2}),
            "quantity_not_offered",
        ),
        (
            json!({"plan": "agency", "quantity": 21}),
            "quantity_not_offered",
        ),
    ] {
        let refused = it.server_asks("preview", "k", &body).await;
        assert_eq!(refused.expect_error(409), code, "{body}");
    }
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn who_may_change_the_quantity_is_told() {
    let open = json!({"open": true, "reason": null, "minimum": 1, "maximum": 20});
    let closed = json!({"open": false, "reason": "not_allowed", "minimum": null, "maximum": null});
    let it = subscriber("agency", 2).await;
    assert_eq!(it.mine().await["actions"]["change_quantity"], closed);
    let refused = it.asks("preview", &json!({"quantity": 3})).await;
    assert_eq!(refused.expect_error(409), "quantity_not_allowed");
    let actions = &refused.json()["subscription"]["actions"];
    assert_eq!(actions["change_quantity"], closed);

    let theirs = ShopServer::of(&it.app)
        .get("/shop/subscriptions?user=alice")
        .await;
    let theirs = theirs.expect(200).json();
    assert_eq!(
        theirs["subscriptions"][0]["actions"]["change_quantity"],
        open
    );
    let shown = it
        .server_asks("preview", "k", &json!({"quantity": 3}))
        .await;
    let agreed = json!({"preview": shown.expect(200).json()["preview"]});
    let changed = it.server_asks("change", "k2", &agreed).await.expect(200);
    assert_eq!(changed.json()["subscription"]["quantity"], 3);
    // Another key for the same preview: it was carried out, and does not hold any more.
    let again = it.server_asks("change", "k3", &agreed).await;
    assert_eq!(again.expect_error(409), "preview_outdated");
    // Another plan of theirs has as many.
    let shown = preview(&it, json!({"plan": "team"})).await;
    assert_eq!(shown["quantity"], 3, "{shown}");

    let solo = Subscriber::in_app(TestApp::selling(&plans(), Setup::default()).await, "solo").await;
    assert_eq!(solo.mine().await["actions"]["change_quantity"], closed);
    let refused = solo.asks("preview", &json!({"quantity": 3})).await;
    assert_eq!(refused.expect_error(409), "quantity_not_offered");
    let mine = solo.alice.calls.subscriptions().await.json();
    assert_eq!(mine["entitlements"]["photos"].get("quantity"), None);
}

#[tokio::test]
async fn another_plan_has_as_many_as_it_is_sold_in() {
    let it = subscriber("team", 2).await;
    for (ask, quantity, next) in [
        (json!({"plan": "team-yearly"}), 3, 45_000),
        (json!({"plan": "team-yearly", "quantity": 7}), 7, 105_000),
        (json!({"plan": "agency"}), 2, 4000),
        (json!({"plan": "solo"}), 1, 900),
        (json!({"plan": "solo", "quantity": 1}), 1, 900),
    ] {
        let shown = preview(&it, ask).await;
        assert_eq!(shown["quantity"], quantity, "{shown}");
        assert_eq!(shown["next_charge"]["amount"], next, "{shown}");
    }
    let shown = preview(&it, json!({"plan": "team-yearly", "quantity": 7})).await;
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["quantity"], 7, "{changed}");
    it.app.quiet().await;
    let told = it.told().await;
    assert!(!told.contains(&"subscription.quantity_changed".to_owned()));
    let told = event(&it, "subscription.plan_changed").await;
    assert_eq!(told["previous"]["plan"], "team");
    assert_eq!(told["previous"]["quantity"], 2);
}

#[tokio::test]
async fn what_was_set_at_stripe_is_told_and_may_lie_outside_the_limits() {
    let it = subscriber("team", 2).await;
    let item = it.at_stripe().await["items"]["data"][0]["id"].clone();
    let many = [
        ("items[0][id]", text(&item)),
        ("items[0][quantity]", "60"),
        ("proration_behavior", "none"),
    ];
    it.post(&many).await;
    assert_eq!(it.told().await, ["subscription.quantity_changed"]);
    assert_eq!(entitled(&it).await, 60);
    let shown = preview(&it, json!({"quantity": 50})).await;
    assert_eq!(shown["when"], "period_end", "{shown}");
    let refused = it.asks("preview", &json!({"quantity": 61})).await;
    assert_eq!(refused.expect_error(409), "quantity_not_offered");
    let shown = preview(&it, json!({"plan": "team-yearly"})).await;
    assert_eq!(shown["quantity"], 50, "{shown}");
}

/// What a page of this shop asks about the one subscription of alice.
async fn ask(shop: &Shop, action: &str, body: Value) -> Answer {
    let id = shop.mine().await["subscriptions"][0]["id"].clone();
    let path = format!("/subscriptions/{}/{action}", text(&id));
    let request = shop.alice.calls.request("POST", &path).json(&body);
    shop.alice.calls.send(request).await
}

#[tokio::test]
async fn a_plan_that_is_not_offered_is_not_changed_to_and_may_have_another_quantity() {
    let (shop, prices) = Shop::open(|prices| {
        let team = seats(&prices[0], 9);
        json!({"team": team, "pro": plan(&prices[1], "one")})
    })
    .await;
    buy(&shop.alice, "team", 2).await.expect(303);
    shop.app.quiet().await;
    let (mut team, mut pro) = (seats(&prices[0], 9), plan(&prices[1], "one"));
    (team["sold"], pro["sold"]) = (json!(false), json!(false));
    let shop = shop.sells(&json!({"team": team, "pro": pro})).await;
    let refused = ask(&shop, "preview", json!({"plan": "pro"})).await;
    assert_eq!(refused.expect_error(409), "plan_not_available");
    let shown = ask(&shop, "preview", json!({"quantity": 3})).await;
    let agreed = json!({"preview": shown.expect(200).json()["preview"]});
    let changed = ask(&shop, "change", agreed).await.expect(200).json();
    assert_eq!(changed["subscription"]["quantity"], 3, "{changed}");
    shop.app.quiet().await;
}

/// A plan that is sold up to so often.
fn seats(price: &str, most: u64) -> Value {
    let mut team = plan(price, "one");
    team["quantity"] = json!({"maximum": most, "shopper_may_change": true});
    team
}

#[tokio::test]
async fn a_preview_that_was_shown_when_more_were_sold_does_not_hold() {
    let sold = |price: &str, most: u64| json!({ "team": seats(price, most) });
    let (shop, prices) = Shop::open(|prices| sold(&prices[0], 9)).await;
    buy(&shop.alice, "team", 2).await.expect(303);
    shop.app.quiet().await;
    let shown = ask(&shop, "preview", json!({"quantity": 6})).await;
    let shown = shown.expect(200).json();
    let shop = shop.sells(&sold(&prices[0], 5)).await;
    let agreed = json!({"preview": shown["preview"]});
    let refused = ask(&shop, "change", agreed).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert_eq!(refused.json().get("new_preview"), None, "there is none");

    // The plan is sold for more by now, and who has it at the old price keeps that with another quantity.
    let shop = shop.sells(&sold(&prices[1], 5)).await;
    let shown = ask(&shop, "preview", json!({"quantity": 3})).await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["next_charge"]["amount"], 3000, "{shown}");
    let agreed = json!({"preview": shown["preview"]});
    let changed = ask(&shop, "change", agreed).await.expect(200).json();
    let subscription = &changed["subscription"];
    assert_eq!(subscription["price"], prices[0].as_str(), "{changed}");
    assert_eq!(subscription["quantity"], 3);
    let shown = ask(&shop, "preview", json!({"plan": "team"})).await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["next_charge"]["amount"], 27_000, "today's price");
    shop.app.quiet().await;
}
