//! Subscription schedules, as far as a change at the end of a period needs them
//! (<https://docs.stripe.com/billing/subscriptions/subscription-schedules>).

use crate::support::{Pairs, Stripe, id};
use serde_json::{Value, json};

struct Scheduled {
    stripe: Stripe,
    /// The path of the subscription.
    path: String,
    subscription: Value,
}

impl Scheduled {
    async fn start() -> Self {
        let stripe = Stripe::start().await;
        let shopper = stripe.shopper().await;
        let subscription = stripe.subscribe(&shopper, &[]).await.ok();
        let path = format!("/v1/subscriptions/{}", id(&subscription));
        Self {
            stripe,
            path,
            subscription,
        }
    }

    async fn schedule(&self) -> Value {
        let of = id(&self.subscription);
        let form = [("from_subscription", of.as_str())];
        self.stripe
            .post("/v1/subscription_schedules", &form)
            .await
            .ok()
    }

    async fn price(&self, amount: &str, interval: &str) -> String {
        let form = [
            ("unit_amount", amount),
            ("currency", "usd"),
            ("recurring[interval]", interval),
            ("product_data[name]", "Other"),
        ];
        id(&self.stripe.post("/v1/prices", &form).await.ok())
    }

    async fn phases(
        &self,
        schedule: &Value,
        price: &str,
        interval: &str,
        more: Pairs<'_>,
    ) -> Value {
        let now = &schedule["phases"][0];
        let (start, end) = (now["start_date"].to_string(), now["end_date"].to_string());
        let mut form = vec![
            ("phases[0][start_date]", start.as_str()),
            ("phases[0][end_date]", end.as_str()),
            (
                "phases[0][items][0][price]",
                now["items"][0]["price"].as_str().unwrap(),
            ),
            ("phases[0][items][0][quantity]", "1"),
            ("phases[1][items][0][price]", price),
            ("phases[1][items][0][quantity]", "2"),
            ("phases[1][duration][interval]", interval),
            ("phases[1][proration_behavior]", "none"),
            ("end_behavior", "release"),
        ];
        form.extend_from_slice(more);
        let path = format!("/v1/subscription_schedules/{}", id(schedule));
        self.stripe.post(&path, &form).await.ok()
    }

    async fn now(&self) -> Value {
        self.stripe.get(&self.path, &[]).await.ok()
    }
}

#[tokio::test]
async fn a_schedule_of_a_subscription_is_what_the_subscription_is() {
    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    let item = &it.subscription["items"]["data"][0];
    assert_eq!(schedule["status"], "active");
    assert_eq!(schedule["end_behavior"], "release");
    assert_eq!(schedule["subscription"], it.subscription["id"]);
    assert_eq!(schedule["phases"].as_array().unwrap().len(), 1);
    let phase = &schedule["phases"][0];
    assert_eq!(phase["start_date"], item["current_period_start"]);
    assert_eq!(phase["end_date"], item["current_period_end"]);
    assert_eq!(phase["items"][0]["price"], item["price"]["id"]);
    assert_eq!(it.now().await["schedule"], schedule["id"]);
    let expanded = it
        .stripe
        .get(&it.path, &[("expand[]", "schedule")])
        .await
        .ok();
    assert_eq!(expanded["schedule"]["id"], schedule["id"]);
    // There is one at a time, and nothing else is said with it.
    let of = id(&it.subscription);
    let again = [("from_subscription", of.as_str())];
    let again = it.stripe.post("/v1/subscription_schedules", &again).await;
    assert_eq!(again.status, 400);
    assert!(
        again.json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("already attached")
    );
    let more = [("from_subscription", of.as_str()), ("metadata[a]", "b")];
    let refused = it.stripe.post("/v1/subscription_schedules", &more).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn another_price_comes_with_the_next_period_and_nothing_is_prorated() {
    for (interval, amount, days) in [("month", "700", 32), ("year", "9000", 32)] {
        let it = Scheduled::start().await;
        let schedule = it.schedule().await;
        let price = it.price(amount, interval).await;
        it.phases(&schedule, &price, interval, &[]).await;
        let end = it.subscription["items"]["data"][0]["current_period_end"]
            .as_i64()
            .unwrap();
        it.stripe
            .control("/clock", json!({"advance": days * 86_400}))
            .await;
        let now = it.now().await;
        let item = &now["items"]["data"][0];
        assert_eq!(item["id"], it.subscription["items"]["data"][0]["id"]);
        assert_eq!(item["price"]["id"], price.as_str());
        assert_eq!(item["quantity"], 2);
        assert_eq!(item["current_period_start"], end, "{interval}");
        assert_eq!(now["schedule"], schedule["id"], "it goes on for its phase");
        let list = [("subscription", now["id"].as_str().unwrap())];
        let invoices = it.stripe.get("/v1/invoices", &list).await.ok();
        let newest = &invoices["data"][0];
        assert_eq!(newest["total"], 2 * amount.parse::<i64>().unwrap());
        assert_eq!(newest["lines"]["data"].as_array().unwrap().len(), 1);
        assert_eq!(newest["billing_reason"], "subscription_cycle");
    }
}

#[tokio::test]
async fn a_schedule_that_has_come_to_its_end_lets_the_subscription_go() {
    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    it.stripe
        .control("/clock", json!({"advance": 32 * 86_400}))
        .await;
    let path = format!("/v1/subscription_schedules/{}", id(&schedule));
    let released = it.stripe.get(&path, &[]).await.ok();
    assert_eq!(
        released["status"], "released",
        "a schedule of one phase changes nothing"
    );
    assert_eq!(released["released_subscription"], it.subscription["id"]);
    let now = it.now().await;
    assert_eq!(now["schedule"], Value::Null);
    assert_eq!(now["status"], "active");
}

#[tokio::test]
async fn a_schedule_holds_the_end_of_its_subscription_until_it_is_released() {
    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    for form in [
        ("cancel_at_period_end", "true"),
        ("cancel_at_period_end", "false"),
        ("cancel_at", ""),
        ("pause_collection[behavior]", "void"),
    ] {
        let refused = it.stripe.post(&it.path, &[form]).await;
        assert_eq!(refused.status, 400, "{form:?}");
        let message = refused.json["error"]["message"].as_str().unwrap();
        assert!(message.contains(&id(&schedule)), "{message}");
    }
    it.stripe.post(&it.path, &[("metadata[a]", "b")]).await.ok();
    let path = format!("/v1/subscription_schedules/{}/release", id(&schedule));
    let released = it.stripe.post(&path, &[]).await.ok();
    assert_eq!(released["status"], "released");
    assert_eq!(it.stripe.post(&path, &[]).await.status, 400);
    let ending = it
        .stripe
        .post(&it.path, &[("cancel_at_period_end", "true")])
        .await
        .ok();
    assert_eq!(ending["cancel_at_period_end"], true);
}

#[tokio::test]
async fn the_end_of_a_subscription_is_that_of_its_schedule() {
    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    it.stripe.delete(&it.path).await.ok();
    let path = format!("/v1/subscription_schedules/{}", id(&schedule));
    assert_eq!(it.stripe.get(&path, &[]).await.ok()["status"], "canceled");

    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    let path = format!("/v1/subscription_schedules/{}/cancel", id(&schedule));
    let form = [("invoice_now", "false"), ("prorate", "false")];
    let canceled = it.stripe.post(&path, &form).await.ok();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(it.now().await["status"], "canceled");
}

#[tokio::test]
async fn phases_that_cannot_be_are_refused() {
    let it = Scheduled::start().await;
    let schedule = it.schedule().await;
    let path = format!("/v1/subscription_schedules/{}", id(&schedule));
    let euros = [
        ("unit_amount", "700"),
        ("currency", "eur"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Other"),
    ];
    let euros = id(&it.stripe.post("/v1/prices", &euros).await.ok());
    let start = schedule["phases"][0]["start_date"].to_string();
    let end = schedule["phases"][0]["end_date"].to_string();
    let price = schedule["phases"][0]["items"][0]["price"].as_str().unwrap();
    let first: [(&str, &str); 3] = [
        ("phases[0][start_date]", &start),
        ("phases[0][end_date]", &end),
        ("phases[0][items][0][price]", price),
    ];
    for (more, param) in [
        (
            vec![
                ("phases[1][items][0][price]", euros.as_str()),
                ("phases[1][duration][interval]", "month"),
            ],
            "phases[1][items][0][price]",
        ),
        (
            vec![("phases[1][items][0][price]", price)],
            "phases[1][end_date]",
        ),
        (
            vec![
                ("phases[1][items][0][price]", price),
                ("phases[1][end_date]", "1"),
            ],
            "phases[1][end_date]",
        ),
    ] {
        let form: Vec<_> = first.iter().copied().chain(more).collect();
        let refused = it.stripe.post(&path, &form).await;
        assert_eq!(refused.status, 400, "{form:?}");
        assert_eq!(refused.json["error"]["param"], param, "{form:?}");
    }
    let moved = [
        ("phases[0][start_date]", "1"),
        ("phases[0][end_date]", end.as_str()),
        ("phases[0][items][0][price]", price),
    ];
    assert_eq!(it.stripe.post(&path, &moved).await.status, 400);
    assert_eq!(
        it.stripe.get(&path, &[]).await.ok()["phases"],
        schedule["phases"]
    );
}
