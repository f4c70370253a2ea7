//! Plans and groups that are renamed, repriced or removed while subscribers live.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use crate::switched::{Shop, check_already_subscribed, plan};

async fn shop_of_one() -> (Shop, Vec<String>) {
    Shop::open(|prices| json!({"basic": plan(&prices[0], "one")})).await
}

/// Makes the subscription what an older version has made, and perhaps has written down.
async fn forget_what_it_was_made_with(app: &TestApp, is_written_by_it: bool) {
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let form = [("metadata[perennial_price]", "")];
    let answer = app.stripe.api("POST", &path, &form).await;
    assert_eq!(answer["metadata"]["perennial_price"], Value::Null);
    app.quiet().await;
    if !is_written_by_it {
        return;
    }
    for mut item in app.table.raw_items().await {
        if item["sk"]["S"].as_str().unwrap().starts_with("SUB#") {
            item["model"]["M"]
                .as_object_mut()
                .unwrap()
                .remove("sold_as");
            item["model"]["M"].as_object_mut().unwrap().remove("prices");
            app.table.put(&item).await;
        }
    }
}

#[tokio::test]
async fn a_renamed_plan_keeps_its_subscribers_at_once() {
    let (shop, prices) = shop_of_one().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    let mut shop = shop;
    for (name, group) in [("starter", "one"), ("starter", "uno"), ("basic", "eins")] {
        shop = shop.sells(&json!({ name: plan(&prices[0], group) })).await;
        assert_eq!(shop.entitled().await, [group]);
        assert_eq!(shop.mine().await["subscriptions"][0]["plan"], name);
        check_already_subscribed(shop.alice.calls.click(name).await, name);
        let begun = shop.alice.calls.begin_subscription(name).await;
        check_already_subscribed(begun, name);
        assert_eq!(shop.living().await.len(), 1);
    }
}

#[tokio::test]
async fn a_checkout_from_before_its_group_was_renamed_leads_to_one_subscription() {
    let (shop, prices) = shop_of_one().await;
    let before = shop.alice.click_for("basic").await;
    let back_before = shop.alice.answer_wallet(&before, "approve").await;
    let address = back_before.split_once("/confirm").unwrap().1.to_owned();
    // Until then nothing is finished, since no event comes.
    let shop = shop
        .sells(&json!({"starter": plan(&prices[0], "uno")}))
        .await;
    shop.app.quiet().await;
    let after = shop.alice.calls.click("starter").await;
    let back_before = format!("{}/confirm{address}", shop.app.url());
    shop.alice.calls.come_back(&back_before).await.expect(303);
    if after.status == 201 {
        let back = shop.alice.answer_wallet(&after.json(), "approve").await;
        shop.alice.calls.come_back(&back).await.expect(303);
    }
    shop.app.quiet().await;
    assert_eq!(shop.living().await.len(), 1);
    assert_eq!(shop.entitled().await, ["uno"]);
}

#[tokio::test]
async fn a_plan_with_another_price_keeps_those_who_were_sold_the_old_one() {
    for (is_older, is_written_by_it) in [(false, false), (true, false), (true, true)] {
        let (shop, prices) = shop_of_one().await;
        shop.alice.buy("basic").await;
        shop.app.quiet().await;
        if is_older {
            forget_what_it_was_made_with(&shop.app, is_written_by_it).await;
        }
        let shop = shop.sells(&json!({"basic": plan(&prices[1], "one")})).await;
        assert_eq!(shop.entitled().await, ["one"], "at once");
        // And after Stripe was asked again.
        let subscription = shop.living().await.remove(0);
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let form = [("description", "looked at")];
        shop.app.stripe.api("POST", &path, &form).await;
        shop.app.quiet().await;
        assert_eq!(
            shop.entitled().await,
            ["one"],
            "{is_older} {is_written_by_it}"
        );
        let mine = shop.mine().await;
        let sold = json!({"plan": "basic", "price": prices[0]});
        assert_eq!(mine["subscriptions"][0]["sold_as"], sold);
        check_already_subscribed(shop.alice.calls.click("basic").await, "basic");
    }
}

#[tokio::test]
async fn an_older_subscription_at_a_price_that_it_was_not_made_with_has_no_plan() {
    let (shop, prices) = shop_of_one().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    forget_what_it_was_made_with(&shop.app, true).await;
    let subscription = shop.living().await.remove(0);
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let item = subscription["items"]["data"][0]["id"].as_str().unwrap();
    let form = [
        ("items[0][id]", item),
        ("items[0][price]", prices[2].as_str()),
        ("proration_behavior", "none"),
    ];
    shop.app.stripe.api("POST", &path, &form).await;
    shop.app.quiet().await;
    assert!(shop.entitled().await.is_empty());
}

#[tokio::test]
async fn a_removed_plan_is_not_sold_and_keeps_its_subscribers() {
    let (shop, prices) = shop_of_one().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    let other = json!({"other": plan(&prices[1], "one")});
    let shop = shop.sells(&other).await;
    assert_eq!(shop.entitled().await, ["one"]);
    let mine = shop.mine().await;
    assert_eq!(mine["subscriptions"][0]["status"], "active");
    assert_eq!(mine["subscriptions"][0]["plan"], "basic");
    let refused = shop.app.caller("bob").click("basic").await;
    assert_eq!(refused.expect_error(409), "plan_not_available");
    // It still holds the slot of its group.
    shop.alice.calls.click("other").await.expect(409);
}
