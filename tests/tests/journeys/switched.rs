//! Subscriptions that are created or changed at Stripe: in the portal, in the Dashboard, by support.

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{Answer, Setup, Shopper, TestApp};
use perennial_types::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A shop with prices of its own, which is closed and opened again with other plans.
pub(crate) struct Shop {
    pub(crate) app: TestApp,
    pub(crate) alice: Shopper,
    folder: TempDir,
}

/// Of groups one and two; nothing sells the third price.
pub(crate) const PRICES: [&str; 3] = ["1000", "9000", "100"];

/// A plan's entry of a file of plans.
pub(crate) fn plan(price: &str, group: &str) -> Value {
    json!({"price": price, "group": group, "label": "A plan"})
}

impl Shop {
    /// Opens one that sells `plans`, which are given its prices.
    pub(crate) async fn open(plans: impl FnOnce(&[String]) -> Value) -> (Self, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::start_on(folder.path()).await;
        let product = app
            .stripe
            .api("POST", "/v1/products", &[("name", "A plan")]);
        let product = product.await["id"].as_str().unwrap().to_owned();
        let mut prices = Vec::new();
        for amount in PRICES {
            let form = [
                ("product", product.as_str()),
                ("currency", "usd"),
                ("unit_amount", amount),
                ("recurring[interval]", "month"),
            ];
            let price = app.stripe.api("POST", "/v1/prices", &form).await;
            prices.push(price["id"].as_str().unwrap().to_owned());
        }
        app.stop().await;
        let plans = plans(&prices);
        (Self::on(folder, &plans).await, prices)
    }

    /// `basic` of group one and `pro` of group two.
    async fn of_two() -> (Self, Vec<String>) {
        Self::open(
            |prices| json!({"basic": plan(&prices[0], "one"), "pro": plan(&prices[1], "two")}),
        )
        .await
    }

    async fn on(folder: TempDir, plans: &Value) -> Self {
        let mut app = TestApp::with(Setup {
            data: Some(folder.path().to_owned()),
            plans: Some(plans.to_string()),
            ..Setup::default()
        })
        .await;
        app.sells_groups(2);
        let alice = app.shopper("alice");
        Self { app, alice, folder }
    }

    /// Closes it, and opens it with other plans.
    pub(crate) async fn sells(self, plans: &Value) -> Self {
        self.app.stop().await;
        Self::on(self.folder, plans).await
    }

    /// The subscriptions at Stripe that have not ended, oldest first.
    pub(crate) async fn living(&self) -> Vec<Value> {
        let mut all = self.app.stripe.objects("subscription").await;
        all.retain(|it| it["status"] != "canceled");
        all
    }

    /// Lets the one subscription be charged another price, as the portal and support do.
    async fn switch(&self, price: &str) {
        let living = self.living().await;
        let path = format!("/v1/subscriptions/{}", living[0]["id"].as_str().unwrap());
        let item = living[0]["items"]["data"][0]["id"].as_str().unwrap();
        let form = [
            ("items[0][id]", item),
            ("items[0][price]", price),
            ("proration_behavior", "none"),
        ];
        let answer = self.app.stripe.api("POST", &path, &form).await;
        assert_eq!(answer["items"]["data"][0]["price"]["id"], price);
    }

    /// Creates a subscription for alice's customer, as support does.
    async fn create(&self, price: &str) -> Value {
        let customer = self.app.stripe.objects("customer").await;
        let customer = customer[0]["id"].as_str().unwrap();
        let form = [("customer", customer)];
        let card = "/v1/payment_methods/pm_card_visa/attach";
        let method = self.app.stripe.api("POST", card, &form).await;
        let form = [
            ("customer", customer),
            ("items[0][price]", price),
            ("default_payment_method", method["id"].as_str().unwrap()),
        ];
        let created = self
            .app
            .stripe
            .api("POST", "/v1/subscriptions", &form)
            .await;
        assert_eq!(created["status"], "active", "{created}");
        created
    }

    pub(crate) async fn mine(&self) -> Value {
        self.alice.calls.subscriptions().await.expect(200).json()
    }

    /// The groups that alice is entitled to.
    pub(crate) async fn entitled(&self) -> Vec<String> {
        let mine = self.mine().await;
        let groups = mine["entitlements"].as_object().unwrap().iter();
        let active = groups.filter(|(_, entitlement)| entitlement["active"] == true);
        active.map(|(group, _)| group.clone()).collect()
    }

    /// A nightly comparison; gives what it counts.
    async fn compare(&self) -> Value {
        let env = self.app.env_of("reconcile", &[]);
        let sweeper = reconcile::App::start(&env, Clock::system()).await.unwrap();
        let swept = sweeper.handle(json!({"sweep": "subscriptions"})).await;
        swept.unwrap()["subscriptions"].clone()
    }
}

#[track_caller]
pub(crate) fn check_already_subscribed(answer: Answer, plan: &str) {
    let refused = answer.expect(409).json();
    assert_eq!(refused["error"]["code"], "already_subscribed");
    assert_eq!(refused["subscription"]["plan"], plan, "{refused}");
}

#[tokio::test]
async fn a_plan_that_was_switched_is_the_one_that_is_charged() {
    let (shop, prices) = Shop::of_two().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["one"]);
    shop.switch(&prices[1]).await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["two"]);
    let mine = shop.mine().await;
    assert_eq!(mine["subscriptions"][0]["plan"], "pro");
    let sold = json!({"plan": "basic", "price": prices[0]});
    assert_eq!(mine["subscriptions"][0]["sold_as"], sold);
    check_already_subscribed(shop.alice.calls.click("pro").await, "pro");

    // The group that it has left is free again, for one more subscription and not for two.
    let (_, landed) = shop.alice.buy("basic").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["one", "two"]);
    assert_eq!(shop.living().await.len(), 2);
    for plan in ["basic", "pro"] {
        check_already_subscribed(shop.alice.calls.click(plan).await, plan);
    }
    let told = shop.app.table.items_of("OUT#").await;
    let changed = |event: &&Value| event["type"] == "subscription.plan_changed";
    assert_eq!(told.iter().filter(changed).count(), 1);
    assert_eq!(shop.compare().await["doubled"], 0);
}

#[tokio::test]
async fn a_switch_of_which_no_event_has_come_sells_nothing_twice() {
    let (shop, prices) = Shop::of_two().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    // One is at the wallet already, and is sent back after the switch.
    let opened = shop.alice.click_for("pro").await;
    shop.app.stripe.hold_webhooks().await;
    let back = shop.alice.answer_wallet(&opened, "approve").await;
    shop.switch(&prices[1]).await;
    let landed = shop.alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("already_subscribed")
    );
    check_already_subscribed(shop.alice.calls.click("pro").await, "pro");
    assert_eq!(shop.living().await.len(), 1);
    shop.app.stripe.release_webhooks("fifo", 0, 1).await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["two"]);
}

#[tokio::test]
async fn a_click_asks_stripe_while_the_table_is_behind() {
    for first in ["setup_intent", "subscription"] {
        let (shop, prices) = Shop::of_two().await;
        shop.alice.buy("basic").await;
        shop.app.quiet().await;
        shop.app.stripe.hold_webhooks().await;
        shop.switch(&prices[1]).await;
        let click = if first == "subscription" {
            shop.alice.calls.begin_subscription("pro").await
        } else {
            shop.alice.calls.click("pro").await
        };
        check_already_subscribed(click, "pro");
        assert_eq!(shop.living().await.len(), 1, "{first}");
        shop.app.stripe.release_webhooks("fifo", 0, 1).await;
        shop.app.quiet().await;
    }
}

#[tokio::test]
async fn only_a_subscriber_of_another_group_costs_one_call_more() {
    let (shop, _) = Shop::of_two().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    shop.app.forget_calls().await;
    let opened = shop.alice.click_for("pro").await;
    let lists = |calls: perennial_tests::Calls| calls.stripe.get("GET /v1/subscriptions").copied();
    assert_eq!(lists(shop.app.calls().await), Some(1), "at the click");
    shop.app.stripe.hold_webhooks().await;
    let back = shop.alice.answer_wallet(&opened, "approve").await;
    shop.app.forget_calls().await;
    shop.alice.calls.come_back(&back).await.expect(303);
    assert_eq!(lists(shop.app.calls().await), Some(1), "at the return");
    shop.app.stripe.release_webhooks("fifo", 0, 1).await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["one", "two"]);
}

#[tokio::test]
async fn a_price_that_no_plan_has_gives_nothing_and_keeps_its_slot() {
    let (shop, prices) = Shop::of_two().await;
    shop.alice.buy("pro").await;
    shop.app.quiet().await;
    shop.switch(&prices[2]).await;
    shop.app.quiet().await;
    assert!(shop.entitled().await.is_empty());
    let mine = shop.mine().await;
    assert_eq!(mine["subscriptions"][0]["plan"], Value::Null);
    // What it is for is not known here, so nothing is sold beside it.
    shop.alice.calls.click("pro").await.expect(409);
    // Back at the price that it was made with, it is what it was.
    shop.switch(&prices[1]).await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["two"]);
}

#[tokio::test]
async fn what_support_creates_counts_and_a_second_one_is_found() {
    let (shop, prices) = Shop::of_two().await;
    // The customer comes of a click that led to nothing.
    shop.alice.click_for("pro").await;
    let first = shop.create(&prices[0]).await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["one"]);
    check_already_subscribed(shop.alice.calls.click("basic").await, "basic");
    assert_eq!(shop.compare().await["doubled"], 0);
    let second = shop.create(&prices[0]).await;
    shop.app.quiet().await;
    shop.alice.calls.click("basic").await.expect(409);
    assert_eq!(shop.compare().await["doubled"], 1);
    // One of them is ended, and the other one stays.
    for (subscription, left) in [(&first, 1), (&second, 0)] {
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        shop.app.stripe.api("DELETE", &path, &[]).await;
        shop.app.quiet().await;
        assert_eq!(shop.entitled().await.len(), left);
        assert_eq!(shop.compare().await["doubled"], 0);
    }
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    assert_eq!(shop.entitled().await, ["one"]);
}

#[tokio::test]
async fn an_added_item_gives_its_group_too_and_one_of_quantity_0_gives_nothing() {
    let (shop, prices) = Shop::of_two().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    let living = shop.living().await;
    let path = format!("/v1/subscriptions/{}", living[0]["id"].as_str().unwrap());
    let first = living[0]["items"]["data"][0]["id"].as_str().unwrap();
    let change = async |form: &[(&str, &str)]| {
        let form: Vec<_> = form
            .iter()
            .copied()
            .chain([("proration_behavior", "none")])
            .collect();
        let answer = shop.app.stripe.api("POST", &path, &form).await;
        assert!(answer.get("error").is_none(), "{answer}");
        shop.app.quiet().await;
    };
    change(&[("items[0][price]", &prices[1])]).await;
    assert_eq!(shop.entitled().await, ["one", "two"]);
    assert_eq!(shop.mine().await["subscriptions"][0]["plan"], "basic");
    check_already_subscribed(shop.alice.calls.click("pro").await, "basic");
    change(&[("items[0][id]", first), ("items[0][quantity]", "3")]).await;
    assert_eq!(shop.entitled().await, ["one", "two"]);
    change(&[("items[0][id]", first), ("items[0][quantity]", "0")]).await;
    assert_eq!(shop.entitled().await, ["two"]);
    assert_eq!(shop.mine().await["subscriptions"][0]["plan"], "pro");
}

#[tokio::test]
async fn the_nightly_comparison_repairs_what_an_older_version_has_written() {
    let (shop, prices) = Shop::of_two().await;
    shop.alice.buy("basic").await;
    shop.app.quiet().await;
    shop.switch(&prices[1]).await;
    shop.app.quiet().await;
    // The older version believed the metadata, and noted no more than this.
    let items = shop.app.table.raw_items().await;
    let mut item = items
        .into_iter()
        .find(|item| item["sk"]["S"].as_str().unwrap().starts_with("SUB#"))
        .unwrap();
    let model = item["model"]["M"].as_object_mut().unwrap();
    model.insert("plan".to_owned(), json!({"S": "basic"}));
    model.insert("price".to_owned(), json!({"S": prices[0]}));
    for name in [
        "prices",
        "sold_as",
        "paid_until",
        "ends_at",
        "pause",
        "latest_paid_invoice",
        "payment_attempts",
        "next_payment_attempt",
        "refunds",
    ] {
        assert!(model.remove(name).is_some(), "{name}");
    }
    shop.app.table.put(&item).await;
    assert_eq!(shop.entitled().await, ["one"]);
    assert_eq!(shop.compare().await["repaired"], 1);
    assert_eq!(shop.entitled().await, ["two"]);
    assert_eq!(shop.compare().await["repaired"], 0);
}
