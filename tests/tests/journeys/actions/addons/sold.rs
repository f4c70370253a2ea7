//! Add-ons that are sold otherwise by now, and with another wallet.

use perennial_tests::Answer;
use serde_json::{Value, json};

use super::{buy, entitled, pairs, shop as shop_of_plans};
use crate::{
    actions::{
        Subscriber,
        plans::{agree, charged, preview},
    },
    payments::text,
    switched::{Shop, plan},
};

/// A plan with an add-on that is sold up to so often.
fn with_storage(plan_price: &str, addon_price: &str, most: u64) -> Value {
    let mut team = plan(plan_price, "one");
    team["addons"] = json!({"storage": {
        "label": "Storage", "price": addon_price, "maximum": most, "shopper_may_change": true,
    }});
    json!({ "team": team })
}

/// What a page of this shop asks about the one subscription of alice.
async fn ask(shop: &Shop, action: &str, body: Value) -> Answer {
    let id = shop.mine().await["subscriptions"][0]["id"].clone();
    let path = format!("/subscriptions/{}/{action}", text(&id));
    let request = shop.alice.calls.request("POST", &path).json(&body);
    shop.alice.calls.send(request).await
}

#[tokio::test]
async fn what_is_sold_otherwise_since_the_preview_is_not_charged_and_who_has_it_keeps_it() {
    let (shop, prices) = Shop::open(|prices| with_storage(&prices[0], &prices[2], 9)).await;
    buy(&shop.alice, json!({"storage": 2})).await.expect(303);
    shop.app.quiet().await;
    let shown = ask(&shop, "preview", json!({"addons": {"storage": 6}})).await;
    let shown = shown.expect(200).json();
    let shop = shop.sells(&with_storage(&prices[0], &prices[2], 5)).await;
    let agreed = json!({"preview": shown["preview"]});
    let refused = ask(&shop, "change", agreed).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert_eq!(refused.json().get("new_preview"), None, "there is none");

    // It costs 90.00 by now in place of 1.00, and who has it keeps the old price.
    let shop = shop.sells(&with_storage(&prices[0], &prices[1], 5)).await;
    let mine = shop.mine().await;
    let addons = &mine["subscriptions"][0]["addons"];
    assert_eq!(addons[0]["name"], "storage", "{mine}");
    let shown = ask(&shop, "preview", json!({"addons": {"storage": 3}})).await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["next_charge"]["amount"], 1000 + 300, "{shown}");
    let agreed = json!({"preview": shown["preview"]});
    let changed = ask(&shop, "change", agreed).await.expect(200).json();
    let addons = &changed["subscription"]["addons"];
    assert_eq!(addons[0]["price"], prices[2].as_str(), "{changed}");

    // It is gone from the file: who has it may have less of it, and not more.
    let shop = shop.sells(&json!({"team": plan(&prices[0], "one")})).await;
    let mine = shop.mine().await;
    let entitled = &mine["entitlements"]["one"]["addons"];
    assert_eq!(pairs(entitled), json!([["storage", 3]]), "{mine}");
    let refused = ask(&shop, "preview", json!({"addons": {"storage": 4}})).await;
    assert_eq!(refused.expect_error(409), "addon_not_offered");
    let shown = ask(&shop, "preview", json!({"addons": {"storage": 0}})).await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["ended_addons"], json!(["storage"]));
    let agreed = json!({"preview": shown["preview"]});
    ask(&shop, "change", agreed).await.expect(200);
    shop.app.pass_days(32).await;
    let mine = shop.mine().await;
    assert_eq!(mine["subscriptions"][0]["addons"], json!([]), "{mine}");
}

#[tokio::test]
async fn a_subscription_of_apple_pay_has_other_add_ons_likewise() {
    let app = shop_of_plans().await;
    let alice = app.shopper("alice");
    let body = json!({"plan": "team", "wallet": "apple_pay", "first": "subscription", "addons": {"storage": 1}});
    let opened = alice.calls.post_subscription(&body).await.expect(201);
    let opened = opened.json();
    alice.approve_apple_pay(&opened).await;
    let done = alice.calls.subscribe(text(&opened["checkout"])).await;
    let id = text(&done.json()["subscription"]["id"]).to_owned();
    app.quiet().await;
    let it = Subscriber { app, alice, id };
    let shown = preview(&it, json!({"addons": {"storage": 4}})).await;
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["wallet"], "apple_pay");
    assert_eq!(entitled(&it).await, json!([["storage", 4]]));
    let mut paid = charged(&it).await;
    paid.sort_unstable();
    assert_eq!(paid, [due, 2000]);
    it.app.quiet().await;
}
