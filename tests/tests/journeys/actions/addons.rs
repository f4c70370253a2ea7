//! Add-ons of a subscription that runs: seen before they are agreed to, for that amount or not at all.

mod failing;
mod replaced;
mod sold;

use perennial_tests::{Answer, Setup, Shopper, TestApp};
use serde_json::{Value, json};

use super::{
    Subscriber,
    plans::{agree, charged, preview},
};
use crate::payments::{ShopServer, text};

/// Plans of one group: with add-ons by the month, with other ones by the month, with one by the year, and without.
pub(crate) fn plans() -> Value {
    let plan = |amount: u64, interval: &str, addons: Value| {
        json!({
            "group": "photos", "label": "Photos", "amount": amount, "interval": interval,
            "quantity": {"maximum": 50, "shopper_may_change": true}, "addons": addons,
        })
    };
    let may = |amount: u64, maximum: u64| json!({"amount": amount, "maximum": maximum, "shopper_may_change": true});
    json!({
        "team": plan(1500, "month", json!({
            "storage": may(500, 10), "support": may(700, 1), "audit": {"amount": 300},
        })),
        "studio": plan(2900, "month", json!({"storage": may(400, 2)})),
        "team-yearly": plan(15_000, "year", json!({"storage": may(5000, 10)})),
        "solo": {"group": "photos", "label": "Photos", "amount": 900},
    })
}

pub(crate) async fn shop() -> TestApp {
    TestApp::selling(&plans(), Setup::default()).await
}

pub(crate) async fn buy(shopper: &Shopper, addons: Value) -> Answer {
    let body = json!({"plan": "team", "wallet": "amazon_pay", "addons": addons});
    let opened = shopper.calls.client_secret(&body).await.expect(201).json();
    let back = shopper.answer_wallet(&opened, "approve").await;
    shopper.calls.come_back(&back).await
}

/// A shopper with one of `team` and these add-ons.
pub(crate) async fn subscriber(addons: Value) -> Subscriber {
    let app = shop().await;
    let alice = app.shopper("alice");
    buy(&alice, addons).await.expect(303);
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let id = text(&subscription["id"]).to_owned();
    app.stripe.forget_requests().await;
    Subscriber { app, alice, id }
}

/// How many of each add-on alice is entitled to, as `[["storage",2]]`.
pub(crate) async fn entitled(it: &Subscriber) -> Value {
    let mine = it.alice.calls.subscriptions().await.expect(200).json();
    pairs(&mine["entitlements"]["photos"]["addons"])
}

/// The names and quantities of a list of add-ons.
pub(crate) fn pairs(addons: &Value) -> Value {
    let all = addons.as_array().into_iter().flatten();
    all.map(|it| json!([it["name"], it["quantity"]])).collect()
}

/// The newest event of a type.
async fn event(it: &Subscriber, kind: &str) -> Value {
    let mut told = it.app.table.items_of("OUT#").await.into_iter();
    let last = told.rfind(|event| event["type"] == kind);
    serde_json::from_str(text(&last.unwrap()["data"])).unwrap()
}

/// What is left of an amount for each period, to the second, rounded by itself: what Stripe documents of a line.
async fn left_of(it: &Subscriber, shown: &Value, amount: i64) -> i64 {
    let item = it.at_stripe().await["items"]["data"][0].clone();
    let (start, end) = (
        item["current_period_start"].as_i64().unwrap(),
        item["current_period_end"].as_i64().unwrap(),
    );
    let at: perennial_types::Timestamp =
        serde_json::from_value(shown["takes_effect_at"].clone()).unwrap();
    let (left, whole) = (end - at.unix(), end - start);
    // Halves do not happen to matter here.
    (amount * left * 2 + whole) / (2 * whole)
}

#[tokio::test]
async fn more_cost_what_the_preview_said_and_are_there_at_once() {
    let it = subscriber(json!({"storage": 1})).await;
    it.app.stripe.advance(10 * 24 * 3600).await;
    it.app.quiet().await;
    let shown = preview(&it, json!({"addons": {"storage": 3, "support": 1}})).await;
    assert_eq!(shown["when"], "now", "{shown}");
    let then = json!([["storage", 3], ["support", 1]]);
    assert_eq!(pairs(&shown["addons"]), then);
    assert_eq!(shown["quantity"], 1);
    // One credited, three charged, and the new one: each line alone.
    let (one, three) = (
        left_of(&it, &shown, 500).await,
        left_of(&it, &shown, 1500).await,
    );
    let support = left_of(&it, &shown, 700).await;
    let mut lines: Vec<i64> = shown["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["amount"].as_i64().unwrap())
        .collect();
    lines.sort_unstable();
    let mut expected = vec![-one, three, support];
    expected.sort_unstable();
    assert_eq!(lines, expected, "{shown}");
    let due = three - one + support;
    assert_eq!(shown["due_now"]["amount"], due);
    assert_eq!(shown["next_charge"]["amount"], 1500 + 3 * 500 + 700);
    assert_eq!(entitled(&it).await, json!([["storage", 1]]));

    for _ in 0..2 {
        let changed = agree(&it, &shown).await.expect(200).json();
        assert_eq!(pairs(&changed["subscription"]["addons"]), then);
    }
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    let mut expected = vec![2000, due];
    expected.sort_unstable();
    assert_eq!(paid, expected);
    assert_eq!(entitled(&it).await, then);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.addons_changed"]);
    let told = event(&it, "subscription.addons_changed").await;
    assert_eq!(pairs(&told["subscription"]["addons"]), then);
    let before = &told["previous"];
    assert_eq!(pairs(&before["addons"]), json!([["storage", 1]]));
    assert_eq!(before["plan"], "team");

    // The renewal is of all of them.
    it.app.pass_days(32).await;
    assert!(charged(&it).await.contains(&(1500 + 1500 + 700)));
    assert_eq!(entitled(&it).await, then);
}

#[tokio::test]
async fn fewer_and_none_are_there_when_the_period_is_over() {
    let it = subscriber(json!({"storage": 3, "support": 1})).await;
    let shown = preview(&it, json!({"addons": {"storage": 1, "support": 0}})).await;
    assert_eq!(shown["when"], "period_end", "{shown}");
    assert_eq!(shown["due_now"]["amount"], 0);
    assert_eq!(shown["next_charge"]["amount"], 2000);
    assert_eq!(pairs(&shown["addons"]), json!([["storage", 1]]));
    assert_eq!(shown["ended_addons"], json!(["support"]));
    let changed = agree(&it, &shown).await.expect(200).json();
    let pending = &changed["subscription"]["pending_change"];
    assert_eq!(pairs(&pending["addons"]), json!([["storage", 1]]));
    assert_eq!(
        (&pending["plan"], &pending["quantity"]),
        (&json!("team"), &json!(1))
    );
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.change_scheduled"]);
    let all = json!([["storage", 3], ["support", 1]]);
    assert_eq!(entitled(&it).await, all, "they are paid for");

    let kept = it.asks("withdraw-change", &json!({})).await.expect(200);
    assert_eq!(kept.json()["subscription"]["pending_change"], Value::Null);
    let shown = preview(&it, json!({"addons": {"support": 0}})).await;
    assert_eq!(pairs(&shown["addons"]), json!([["storage", 3]]));
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(32).await;
    let mine = it.mine().await;
    assert_eq!(pairs(&mine["addons"]), json!([["storage", 3]]));
    assert_eq!(mine["pending_change"], Value::Null);
    assert_eq!(entitled(&it).await, json!([["storage", 3]]));
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert_eq!(paid, [1500 + 1500, 1500 + 1500 + 700]);
    let told = event(&it, "subscription.addons_changed").await;
    assert_eq!(pairs(&told["previous"]["addons"]), all);
    let items = it.at_stripe().await["items"]["data"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(items, 2, "the item is gone");
}

#[tokio::test]
async fn an_add_on_that_ends_at_once_is_credited() {
    let it = subscriber(json!({"storage": 2, "support": 1})).await;
    let ask = json!({"addons": {"support": 0}, "when": "now"});
    let shown = preview(&it, ask).await;
    assert_eq!(shown["due_now"]["amount"], 0, "{shown}");
    let credit = left_of(&it, &shown, 700).await;
    assert_eq!(shown["credit_left"]["amount"], credit);
    assert_eq!(shown["next_charge"]["amount"], 2500 - credit);
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(
        pairs(&changed["subscription"]["addons"]),
        json!([["storage", 2]])
    );
    assert_eq!(charged(&it).await, [3200]);
    it.app.pass_days(32).await;
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert_eq!(paid, [2500 - credit, 3200]);
    // And again, which is a further item.
    let shown = preview(&it, json!({"addons": {"support": 1}})).await;
    agree(&it, &shown).await.expect(200);
    assert_eq!(entitled(&it).await, json!([["storage", 2], ["support", 1]]));
}

#[tokio::test]
async fn what_is_not_sold_is_refused_before_anything_is_shown() {
    let it = subscriber(json!({"storage": 1})).await;
    for (body, status, code) in [
        (json!({"addons": {"storage": 1}}), 409, "same_plan"),
        (json!({"addons": {}}), 409, "same_plan"),
        (json!({"addons": {"support": 0}}), 409, "same_plan"),
        (json!({"addons": {"storage": 11}}), 409, "addon_not_offered"),
        (json!({"addons": {"support": 2}}), 409, "addon_not_offered"),
        (json!({"addons": {"other": 1}}), 409, "addon_not_offered"),
        (json!({"addons": {"": 0}}), 409, "addon_not_offered"),
        (json!({"addons": {"audit": 1}}), 409, "addon_not_allowed"),
        (json!({"addons": {"storage": -1}}), 400, "invalid_field"),
        (json!({"addons": {"storage": 1.5}}), 400, "invalid_field"),
        (json!({"addons": {"storage": "2"}}), 400, "invalid_field"),
        (
            json!({"addons": {"storage": 1_000_000}}),
            400,
            "invalid_field",
        ),
        (json!({"addons": ["storage"]}), 400, "invalid_field"),
        (
            json!({"addons": {"storage": 2}, "cancel": "now"}),
            400,
            "conflicting_fields",
        ),
        (
            json!({"addons": {"storage": 2}, "pause": {}}),
            400,
            "conflicting_fields",
        ),
        (
            json!({"plan": "solo", "addons": {"storage": 1}}),
            409,
            "addon_not_offered",
        ),
    ] {
        let refused = it.asks("preview", &body).await;
        assert_eq!(refused.expect_error(status), code, "{body}");
    }
    assert_eq!(it.changes().await, 0);
    // Another user's.
    let bob = it.app.caller("bob");
    let path = format!("/subscriptions/{}/preview", it.id);
    let theirs = bob
        .request("POST", &path)
        .json(&json!({"addons": {"storage": 2}}));
    assert_eq!(
        bob.send(theirs).await.expect_error(404),
        "unknown_subscription"
    );
}

#[tokio::test]
async fn who_may_change_which_is_told() {
    let it = subscriber(json!({"storage": 1})).await;
    let mine = it.mine().await;
    let action = &mine["actions"]["change_addons"];
    assert_eq!(action["open"], true, "{action}");
    let limits = json!([
        {"name": "storage", "quantity": 1, "maximum": 10},
        {"name": "support", "quantity": 0, "maximum": 1},
    ]);
    assert_eq!(action["addons"], limits);
    let theirs = ShopServer::of(&it.app)
        .get("/shop/subscriptions?user=alice")
        .await;
    let theirs = theirs.expect(200).json();
    let action = &theirs["subscriptions"][0]["actions"]["change_addons"];
    assert_eq!(action["addons"].as_array().unwrap().len(), 3, "{action}");
    let shown = it
        .server_asks("preview", "k", &json!({"addons": {"audit": 1}}))
        .await;
    let agreed = json!({"preview": shown.expect(200).json()["preview"]});
    it.server_asks("change", "k2", &agreed).await.expect(200);
    let all = json!([["audit", 1], ["storage", 1]]);
    assert_eq!(entitled(&it).await, all);
    let refused = it.asks("preview", &json!({"addons": {"audit": 0}})).await;
    assert_eq!(refused.expect_error(409), "addon_not_allowed");

    let solo = Subscriber::in_app(shop().await, "solo").await;
    let closed = json!({"open": false, "reason": "not_allowed", "addons": []});
    assert_eq!(solo.mine().await["actions"]["change_addons"], closed);
    let mine = solo.alice.calls.subscriptions().await.json();
    assert_eq!(mine["entitlements"]["photos"].get("addons"), None);
}

#[tokio::test]
async fn a_quantity_and_add_ons_are_one_change() {
    let it = subscriber(json!({"storage": 1})).await;
    let shown = preview(&it, json!({"quantity": 2, "addons": {"support": 1}})).await;
    let due = left_of(&it, &shown, 3000).await - left_of(&it, &shown, 1500).await
        + left_of(&it, &shown, 700).await;
    assert_eq!(shown["due_now"]["amount"], due, "{shown}");
    assert_eq!(shown["next_charge"]["amount"], 3000 + 500 + 700);
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["quantity"], 2);
    it.app.quiet().await;
    let mut told = it.told().await;
    told.sort();
    let both = [
        "subscription.addons_changed",
        "subscription.quantity_changed",
    ];
    assert_eq!(told, both);
    // More of the one and fewer of the other: what it comes to decides.
    for (ask, when) in [
        (json!({"quantity": 3, "addons": {"support": 0}}), "now"),
        (
            json!({"quantity": 1, "addons": {"storage": 2}}),
            "period_end",
        ),
    ] {
        assert_eq!(preview(&it, ask).await["when"], when);
    }
    // A quantity alone keeps them.
    let shown = preview(&it, json!({"quantity": 1})).await;
    assert_eq!(
        pairs(&shown["addons"]),
        json!([["storage", 1], ["support", 1]])
    );
    assert_eq!(shown["next_charge"]["amount"], 1500 + 500 + 700);
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(32).await;
    assert_eq!(entitled(&it).await, json!([["storage", 1], ["support", 1]]));
}

#[tokio::test]
async fn another_plan_takes_its_own_add_ons_of_the_same_names_along() {
    let it = subscriber(json!({"storage": 4, "support": 1})).await;
    let shown = preview(&it, json!({"plan": "studio"})).await;
    assert_eq!(
        shown["when"], "period_end",
        "29.00 + 2 x 4.00 are less than 15.00 + 4 x 5.00 + 7.00"
    );
    assert_eq!(
        pairs(&shown["addons"]),
        json!([["storage", 2]]),
        "as many as it has"
    );
    assert_eq!(shown["ended_addons"], json!(["support"]));
    assert_eq!(shown["next_charge"]["amount"], 2900 + 800);

    let shown = preview(
        &it,
        json!({"plan": "studio", "when": "now", "addons": {"storage": 1}}),
    )
    .await;
    let credit = left_of(&it, &shown, 1500).await
        + left_of(&it, &shown, 2000).await
        + left_of(&it, &shown, 700).await;
    let due = left_of(&it, &shown, 2900).await + left_of(&it, &shown, 400).await - credit;
    assert_eq!(due < 0, shown["due_now"]["amount"] == 0, "{shown}");
    assert_eq!(shown["credit_left"]["amount"], -due);
    let changed = agree(&it, &shown).await.expect(200).json();
    let subscription = &changed["subscription"];
    assert_eq!(subscription["plan"], "studio");
    assert_eq!(pairs(&subscription["addons"]), json!([["storage", 1]]));
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.plan_changed"]);
    let told = event(&it, "subscription.plan_changed").await;
    let before = json!([["storage", 4], ["support", 1]]);
    assert_eq!(pairs(&told["previous"]["addons"]), before);

    // By the year: a new period, with its own price of the same add-on.
    let shown = preview(&it, json!({"plan": "team-yearly"})).await;
    assert_eq!(pairs(&shown["addons"]), json!([["storage", 1]]));
    assert_eq!(shown["next_charge"]["amount"], 20_000);
    agree(&it, &shown).await.expect(200);
    let at_stripe = it.at_stripe().await;
    for item in at_stripe["items"]["data"].as_array().unwrap() {
        assert_eq!(item["price"]["recurring"]["interval"], "year");
    }
    assert_eq!(entitled(&it).await, json!([["storage", 1]]));

    // A plan without any, when the year is over.
    let shown = preview(&it, json!({"plan": "solo"})).await;
    assert_eq!(
        (&shown["when"], &shown["addons"]),
        (&json!("period_end"), &json!([]))
    );
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(367).await;
    let mine = it.mine().await;
    assert_eq!(
        (&mine["plan"], &mine["addons"]),
        (&json!("solo"), &json!([]))
    );
}

#[tokio::test]
async fn what_was_set_at_stripe_is_told() {
    let it = subscriber(json!({"storage": 1})).await;
    let price = it
        .app
        .stripe
        .api("GET", "/v1/prices?lookup_keys[]=team-support", &[])
        .await;
    let price = text(&price["data"][0]["id"]).to_owned();
    let added = [
        ("items[0][price]", price.as_str()),
        ("proration_behavior", "none"),
    ];
    it.post(&added).await;
    assert_eq!(it.told().await, ["subscription.addons_changed"]);
    let both = json!([["storage", 1], ["support", 1]]);
    assert_eq!(entitled(&it).await, both);
    assert_eq!(it.mine().await["plan"], "team");
    // An item that nothing here sells is told, and is left to the Dashboard.
    let form = [
        ("currency", "usd"),
        ("unit_amount", "123"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Something else"),
    ];
    let other = it.app.stripe.api("POST", "/v1/prices", &form).await;
    let added = [
        ("items[0][price]", text(&other["id"])),
        ("proration_behavior", "none"),
    ];
    it.post(&added).await;
    let mine = it.mine().await;
    let extra = mine["addons"].as_array().unwrap();
    assert!(extra.contains(&json!({"name": null, "price": other["id"], "quantity": 1})));
    assert_eq!(entitled(&it).await, both);
    let refused = it.asks("preview", &json!({"addons": {"storage": 2}})).await;
    assert_eq!(refused.expect_error(409), "several_items");
    // Pauses and ends are of all of it.
    let shown = it
        .server_asks("preview", "p", &json!({"cancel": "now"}))
        .await;
    shown.expect(200);
}

#[tokio::test]
async fn an_item_that_stands_at_none_is_used_again() {
    let it = subscriber(json!({"storage": 1})).await;
    let items = it.at_stripe().await["items"]["data"].clone();
    let storage = items
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["price"]["unit_amount"] == 500);
    let none = [
        ("items[0][id]", text(&storage.unwrap()["id"])),
        ("items[0][quantity]", "0"),
        ("proration_behavior", "none"),
    ];
    it.post(&none).await;
    assert_eq!(entitled(&it).await, json!([]));
    let shown = preview(&it, json!({"addons": {"storage": 2}})).await;
    assert_eq!(shown["next_charge"]["amount"], 2500);
    agree(&it, &shown).await.expect(200);
    assert_eq!(entitled(&it).await, json!([["storage", 2]]));
}
