//! Ends that are planned at Stripe, and pauses: what the shopper has, and what the shop is told.

use perennial_tests::{Shopper, TestApp, http};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;

struct Subscriber {
    app: TestApp,
    alice: Shopper,
    path: String,
}

impl Subscriber {
    async fn of(plan: &str) -> Self {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        alice.buy(plan).await;
        app.quiet().await;
        let subscription = app.stripe.objects("subscription").await.remove(0);
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        Self { app, alice, path }
    }

    async fn at_stripe(&self) -> Value {
        self.app.stripe.api("GET", &self.path, &[]).await
    }

    /// Changes the subscription at Stripe, with what comes of it.
    async fn post(&self, more: &str, form: &[(&str, &str)]) {
        let path = format!("{}{more}", self.path);
        let answer = self.app.stripe.api("POST", &path, form).await;
        assert!(answer.get("error").is_none(), "{answer}");
        self.app.quiet().await;
    }

    /// Presses a button of the customer portal.
    async fn press(&self, action: &str) {
        let subscription = self.at_stripe().await;
        let form = [("customer", subscription["customer"].as_str().unwrap())];
        let path = "/v1/billing_portal/sessions";
        let session = self.app.stripe.api("POST", path, &form).await;
        let body = format!(
            "action={action}&subscription={}",
            subscription["id"].as_str().unwrap()
        );
        let page = http().post(session["url"].as_str().unwrap());
        let page = page.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(page.body(body).send().await.unwrap().status(), 303);
        self.app.quiet().await;
    }

    /// The subscription and the entitlement of its group.
    async fn mine(&self) -> (Value, Value) {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        let entitlement = mine["entitlements"]["stock-photos"].clone();
        (mine["subscriptions"][0].clone(), entitlement)
    }

    /// What the shop was told after the beginning.
    async fn told(&self) -> Vec<String> {
        let told = self.app.table.items_of("OUT#").await;
        let types = told
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned());
        types.skip(1).collect()
    }
}

fn seconds(time: &Value) -> i64 {
    let time: perennial_types::Timestamp = serde_json::from_value(time.clone()).unwrap();
    time.unix()
}

#[tokio::test]
async fn a_cancellation_in_the_portal_is_seen_and_taken_back() {
    for plan in ["stock-photos-monthly", "stock-photos-trial"] {
        let it = Subscriber::of(plan).await;
        it.press("cancel").await;
        let stripe = it.at_stripe().await;
        assert_eq!(
            stripe["cancel_at_period_end"], false,
            "as Stripe's portal does"
        );
        let end = stripe["items"]["data"][0]["current_period_end"].as_i64();
        assert_eq!(stripe["cancel_at"].as_i64(), end);
        let (subscription, entitlement) = it.mine().await;
        assert_eq!(Some(seconds(&subscription["ends_at"])), end);
        assert_eq!(subscription["cancel_at_period_end"], true);
        assert_eq!(entitlement["active"], true);
        assert_eq!(entitlement["until"], subscription["ends_at"]);
        it.press("keep").await;
        let (subscription, _) = it.mine().await;
        assert_eq!(subscription["ends_at"], Value::Null);
        assert_eq!(subscription["cancel_at_period_end"], false);
        let told = [
            "subscription.cancellation_scheduled",
            "subscription.cancellation_withdrawn",
        ];
        assert_eq!(it.told().await, told);
    }
}

#[tokio::test]
async fn every_way_to_plan_an_end_is_seen() {
    let it = Subscriber::of("stock-photos-monthly").await;
    let stripe = it.at_stripe().await;
    let item = &stripe["items"]["data"][0];
    let [start, end] =
        ["current_period_start", "current_period_end"].map(|it| item[it].as_i64().unwrap());
    let inside = start + 5 * DAY;
    let beyond = end + 5 * DAY;
    for (field, value, ends_at, until, with_period) in [
        ("cancel_at_period_end", "true".to_owned(), end, end, true),
        ("cancel_at", "max_period_end".to_owned(), end, end, true),
        ("cancel_at", "min_period_end".to_owned(), end, end, true),
        ("cancel_at", inside.to_string(), inside, inside, true),
        ("cancel_at", beyond.to_string(), beyond, end, false),
    ] {
        it.post("", &[(field, &value)]).await;
        let (subscription, entitlement) = it.mine().await;
        assert_eq!(
            seconds(&subscription["ends_at"]),
            ends_at,
            "{field}={value}"
        );
        assert_eq!(seconds(&entitlement["until"]), until, "{field}={value}");
        assert_eq!(
            subscription["cancel_at_period_end"], with_period,
            "{field}={value}"
        );
        let undo = if field == "cancel_at" { "" } else { "false" };
        it.post("", &[(field, undo)]).await;
        let (subscription, entitlement) = it.mine().await;
        assert_eq!(subscription["ends_at"], Value::Null, "{field}={value}");
        assert_eq!(seconds(&entitlement["until"]), end, "{field}={value}");
    }
    // It ends when it was said to, and then says when it did.
    it.post("", &[("cancel_at", &inside.to_string())]).await;
    it.app.pass_days(6).await;
    let (subscription, entitlement) = it.mine().await;
    assert_eq!(subscription["status"], "canceled");
    assert_eq!(entitlement["active"], false);
    assert!(seconds(&subscription["ends_at"]) >= inside);
    assert_eq!(it.told().await.last().unwrap(), "subscription.canceled");
}

#[tokio::test]
async fn an_end_whose_event_never_comes_ends_the_entitlement_all_the_same() {
    let it = Subscriber::of("stock-photos-monthly").await;
    it.press("cancel").await;
    it.app.stripe.hold_webhooks().await;
    it.app.stripe.advance(32 * 24 * 3600).await;
    let (subscription, entitlement) = it.mine().await;
    assert_eq!(subscription["status"], "active", "no event has come");
    let lapsed = json!({"active": false, "until": null, "because": "lapsed"});
    assert_eq!(entitlement, lapsed);
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    assert_eq!(it.mine().await.1["because"], "canceled");
}

#[tokio::test]
async fn a_period_that_is_over_entitles_for_the_grace_and_no_longer() {
    let it = Subscriber::of("stock-photos-monthly").await;
    let end = it.at_stripe().await["items"]["data"][0]["current_period_end"].as_i64();
    it.app.stripe.hold_webhooks().await;
    it.app.stripe.api("DELETE", &it.path, &[]).await;
    it.app.stripe.advance(32 * 24 * 3600).await;
    let (_, entitlement) = it.mine().await;
    assert_eq!(entitlement["active"], true);
    assert_eq!(
        Some(seconds(&entitlement["until"])),
        end.map(|end| end + 3 * DAY)
    );
    it.app.stripe.advance(3 * 24 * 3600).await;
    let lapsed = json!({"active": false, "until": null, "because": "lapsed"});
    assert_eq!(it.mine().await.1, lapsed);
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
}

#[tokio::test]
async fn a_pause_on_purpose_is_told_as_one() {
    let it = Subscriber::of("stock-photos-monthly").await;
    it.post("/pause", &[("bill_for[unused_time_from][type]", "none")])
        .await;
    let (subscription, entitlement) = it.mine().await;
    assert_eq!(subscription["status"], "paused");
    assert_eq!(subscription["pause"]["reason"], "pause_requested");
    assert_eq!(subscription["pause"]["resumes_at"], Value::Null);
    assert!(subscription["pause"]["since"].is_string(), "{subscription}");
    assert_eq!(subscription["payment"]["state"], "ok");
    let paused = json!({"active": false, "until": null, "because": "paused"});
    assert_eq!(entitlement, paused);
    let pays = [("payment_behavior", "resume_on_payment_success")];
    it.post("/resume", &pays).await;
    let (subscription, entitlement) = it.mine().await;
    assert_eq!(subscription["pause"], Value::Null);
    assert_eq!(entitlement["active"], true);
    let told = ["subscription.paused", "subscription.resumed"];
    assert_eq!(it.told().await, told);
}

#[tokio::test]
async fn a_pause_of_the_collection_keeps_the_entitlement() {
    for behavior in ["void", "keep_as_draft", "mark_uncollectible"] {
        let it = Subscriber::of("stock-photos-monthly").await;
        it.post("", &[("pause_collection[behavior]", behavior)])
            .await;
        // Since when, Stripe does not tell, and nobody has asked for it here.
        let pause = json!({"reason": "pause_collection", "since": null, "resumes_at": null});
        // For free, and for longer than any grace.
        for _ in 0..2 {
            let (subscription, entitlement) = it.mine().await;
            assert_eq!(subscription["status"], "active", "{behavior}");
            assert_eq!(subscription["pause"], pause, "{behavior}");
            assert_eq!(entitlement["active"], true, "{behavior}");
            it.app.pass_days(36).await;
        }
        it.post("", &[("pause_collection", "")]).await;
        let (subscription, _) = it.mine().await;
        assert_eq!(subscription["pause"], Value::Null, "{behavior}");
        let told = ["subscription.paused", "subscription.resumed"];
        assert_eq!(it.told().await, told, "{behavior}");
    }
}
