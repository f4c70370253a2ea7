//! What a shopper, or one of the shop's servers, does to a subscription that has begun.

mod abandoned;
pub(crate) mod addons;
mod at_once;
mod bad_input;
mod cancel_page;
mod canceling;
mod carried;
mod coming_again;
mod details;
mod discounting;
mod faults;
mod invoices;
mod later_period;
mod pausing;
mod payment_method;
mod plans;
pub(crate) mod quantity;
mod reckoned;
mod refunding;
mod refused;
mod reminders;
mod repair;
mod shop_refund;
mod trial_ending;
mod trial_time;
mod trial_without_method;

use perennial_tests::{Answer, Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::{ShopServer, text};

/// A shopper with a subscription.
pub(crate) struct Subscriber {
    pub(crate) app: TestApp,
    pub(crate) alice: Shopper,
    pub(crate) id: String,
}

impl Subscriber {
    pub(super) async fn of(plan: &str) -> Self {
        Self::in_app(TestApp::start().await, plan).await
    }

    pub(crate) async fn in_app(app: TestApp, plan: &str) -> Self {
        let alice = app.shopper("alice");
        alice.buy(plan).await.1.expect(303);
        app.quiet().await;
        let subscription = app.stripe.objects("subscription").await.remove(0);
        let id = text(&subscription["id"]).to_owned();
        app.stripe.forget_requests().await;
        Self { app, alice, id }
    }

    /// The shopper asks.
    pub(crate) async fn asks(&self, action: &str, body: &Value) -> Answer {
        let path = format!("/subscriptions/{}/{action}", self.id);
        let request = self.alice.calls.request("POST", &path).json(body);
        self.alice.calls.send(request).await
    }

    /// One of the shop's servers asks for alice.
    pub(crate) async fn server_asks(&self, action: &str, key: &str, body: &Value) -> Answer {
        let path = format!("/shop/subscriptions/{}/{action}", self.id);
        let mut body = body.clone();
        body["user"] = "alice".into();
        ShopServer::of(&self.app).post(&path, key, &body).await
    }

    /// A link for a mail, as one of the shop's servers gets it.
    pub(super) async fn link(&self, kind: &str) -> Value {
        let answer = self.server_asks("links", "", &json!({"kind": kind})).await;
        answer.expect(200).json()
    }

    pub(crate) async fn at_stripe(&self) -> Value {
        let path = format!("/v1/subscriptions/{}", self.id);
        self.app.stripe.api("GET", &path, &[]).await
    }

    /// Changes the subscription at Stripe, with what comes of it.
    pub(super) async fn post(&self, form: &[(&str, &str)]) {
        let path = format!("/v1/subscriptions/{}", self.id);
        let answer = self.app.stripe.api("POST", &path, form).await;
        assert!(answer.get("error").is_none(), "{answer}");
        self.app.quiet().await;
    }

    /// What `GET /subscriptions` says of it.
    pub(crate) async fn mine(&self) -> Value {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        let mut mine = mine["subscriptions"].as_array().into_iter().flatten();
        let mine = mine.find(|it| it["id"] == self.id.as_str());
        mine.cloned().unwrap_or_default()
    }

    /// How often Stripe was asked to change a subscription.
    pub(super) async fn changes(&self) -> usize {
        let requests = self.app.stripe.requests().await;
        let path = format!("/v1/subscriptions/{}", self.id);
        let changes = requests
            .iter()
            .filter(|request| request["path"] == path.as_str() && request["method"] != "GET");
        changes.count()
    }

    /// What the shop was told after the beginning, but for refunds that were made, which stand outside the order.
    pub(super) async fn told(&self) -> Vec<String> {
        let told = self.app.table.items_of("OUT#").await;
        let types = told.iter().map(|event| text(&event["type"]).to_owned());
        let types = types.filter(|kind| kind != "subscription.refunded");
        types.skip(1).collect()
    }
}

pub(super) fn at_period_end() -> Value {
    json!({"when": "period_end"})
}

pub(super) fn at_once() -> Value {
    json!({"when": "now"})
}
