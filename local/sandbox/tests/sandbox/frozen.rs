//! A sandbox with a shopper on a test clock, whose figures are the same in every run.

use crate::support::{Answer, Pairs, Shopper, Stripe, eventually, id};
use serde_json::{Value, json};

/// 2026-12-01 00:00 UTC.
pub(crate) const START: i64 = 1_796_083_200;
pub(crate) const DAY: i64 = 86_400;
pub(crate) const HOUR: i64 = 3600;

/// A shopper whose time stands still until it is advanced.
pub(crate) struct Frozen {
    pub(crate) stripe: Stripe,
    pub(crate) clock: String,
    pub(crate) shopper: Shopper,
}

impl Frozen {
    pub(crate) async fn start() -> Self {
        Self::at(START).await
    }

    /// One whose time stands still at this second.
    pub(crate) async fn at(start: i64) -> Self {
        let stripe = Stripe::start().await;
        let clock = stripe
            .id(
                "/v1/test_helpers/test_clocks",
                &[("frozen_time", &start.to_string())],
            )
            .await;
        let shopper = stripe.shopper_on(Some(&clock)).await;
        Self {
            stripe,
            clock,
            shopper,
        }
    }

    /// One who pays with a card, which is tried again after a refusal; Amazon Pay is not.
    pub(crate) async fn with_card() -> Self {
        let mut frozen = Self::start().await;
        let customer = frozen.shopper.customer.clone();
        let path = "/v1/payment_methods/pm_card_visa/attach";
        let card = frozen.stripe.post(path, &[("customer", &customer)]).await;
        frozen.shopper.method = id(&card.ok());
        frozen
    }

    pub(crate) async fn advance(&self, to: i64) {
        let path = format!("/v1/test_helpers/test_clocks/{}", self.clock);
        let advancing = self
            .stripe
            .post(
                &format!("{path}/advance"),
                &[("frozen_time", &to.to_string())],
            )
            .await
            .ok();
        assert_eq!(
            (
                &advancing["status"],
                &advancing["status_details"]["advancing"]["target_frozen_time"]
            ),
            (&json!("advancing"), &json!(to))
        );
        let ready = async || {
            let clock = self.stripe.get(&path, &[]).await.ok();
            (clock["status"] == "ready").then_some(clock)
        };
        assert_eq!(
            eventually("the clock is ready", ready).await["frozen_time"],
            to
        );
    }

    pub(crate) async fn subscribe(&self, more: Pairs<'_>) -> String {
        id(&self.stripe.subscribe(&self.shopper, more).await.ok())
    }

    pub(crate) async fn read(&self, subscription: &str) -> Value {
        self.stripe
            .get(
                &format!("/v1/subscriptions/{subscription}"),
                &[("expand[]", "latest_invoice")],
            )
            .await
            .ok()
    }

    /// The subscription's status, its latest invoice's and how often that was tried.
    pub(crate) async fn state(&self, subscription: &str) -> (String, String, i64) {
        let read = self.read(subscription).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&read["status"]),
            text(&read["latest_invoice"]["status"]),
            read["latest_invoice"]["attempt_count"].as_i64().unwrap(),
        )
    }

    /// A price of this amount in US dollars, every `count` intervals.
    pub(crate) async fn price(&self, amount: i64, interval: &str, count: u32) -> String {
        let params = [
            ("currency", "usd"),
            ("unit_amount", &amount.to_string()),
            ("recurring[interval]", interval),
            ("recurring[interval_count]", &count.to_string()),
            ("product_data[name]", "Stock photos"),
        ];
        self.stripe.id("/v1/prices", &params).await
    }

    /// A subscription to so many of this monthly price, in this billing mode.
    pub(crate) async fn monthly(&mut self, amount: i64, quantity: u32, mode: &str) -> String {
        self.shopper.price = self.price(amount, "month", 1).await;
        let quantity = quantity.to_string();
        self.subscribe(&[
            ("items[0][quantity]", &quantity),
            ("billing_mode[type]", mode),
        ])
        .await
    }

    /// Changes a subscription, whose first item `items[0][id]` is filled in where `items[0]` is changed.
    pub(crate) async fn change(&self, subscription: &str, params: Pairs<'_>) -> Answer {
        let item = id(&self.read(subscription).await["items"]["data"][0]);
        let mut all: Vec<(&str, &str)> = params.to_vec();
        if params.iter().any(|(name, _)| name.starts_with("items[0]")) {
            all.push(("items[0][id]", &item));
        }
        let path = format!("/v1/subscriptions/{subscription}");
        self.stripe.post(&path, &all).await
    }

    /// All objects that there are.
    pub(crate) async fn objects(&self) -> Value {
        let mut state = self.stripe.observe("/state").await;
        // The machine's own time goes on.
        state["now"] = Value::Null;
        state
    }

    /// The shopper's balance.
    pub(crate) async fn balance(&self) -> i64 {
        let path = format!("/v1/customers/{}", self.shopper.customer);
        let customer = self.stripe.get(&path, &[]).await.ok();
        customer["balance"].as_i64().unwrap()
    }
}

/// The amounts of an invoice's lines.
pub(crate) fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let amounts = lines.iter().map(|line| line["amount"].as_i64().unwrap());
    amounts.collect()
}
