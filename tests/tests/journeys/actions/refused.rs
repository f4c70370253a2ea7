//! What a subscription does not allow as it stands, and that each route answers for a subscription that is not there.

use serde_json::{Value, json};

use super::{Subscriber, at_period_end};
use crate::payments::{ShopServer, text};

const MONTHLY: &str = "stock-photos-monthly";

fn another_plan() -> Value {
    json!({"plan": "stock-photos-trial"})
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_any_route() {
    let it = Subscriber::of(MONTHLY).await;
    let server = ShopServer::of(&it.app);
    for (action, body) in [
        ("cancel", json!({})),
        ("withdraw-cancellation", json!({})),
        ("preview", another_plan()),
        ("withdraw-change", json!({})),
        ("pause", json!({})),
        ("resume", json!({})),
    ] {
        let path = format!("/subscriptions/sub_unknown/{action}");
        let request = it.alice.calls.request("POST", &path).json(&body);
        let answer = it.alice.calls.send(request).await;
        assert_eq!(answer.expect_error(404), "unknown_subscription", "{path}");
        let mut body = body;
        body["user"] = "alice".into();
        let path = format!("/shop{path}");
        let answer = server.post(&path, action, &body).await;
        assert_eq!(answer.expect_error(404), "unknown_subscription", "{path}");
    }
    let body = json!({"preview": "v1.e30.AAAA"});
    let answer = it.server_asks("change", "k", &body).await;
    assert_eq!(answer.expect_error(400), "invalid_preview");
}

#[tokio::test]
async fn nothing_that_could_be_taken_back_is_no_mistake() {
    let it = Subscriber::of(MONTHLY).await;
    it.asks("withdraw-change", &json!({})).await.expect(200);
    let answer = it.server_asks("withdraw-change", "k1", &json!({})).await;
    assert_eq!(
        answer.expect(200).json()["subscription"]["id"],
        it.id.as_str()
    );
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn what_is_going_to_end_keeps_its_plan() {
    let it = Subscriber::of(MONTHLY).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    let refused = it.asks("preview", &another_plan()).await;
    assert_eq!(refused.expect_error(409), "cancellation_scheduled");
    assert_eq!(refused.json()["subscription"]["id"], it.id.as_str());
}

#[tokio::test]
async fn what_is_paused_has_no_period_to_wait_for() {
    let it = Subscriber::of(MONTHLY).await;
    let path = format!("/v1/subscriptions/{}/pause", it.id);
    let form = [("bill_for[unused_time_from][type]", "none")];
    let paused = it.app.stripe.api("POST", &path, &form).await;
    assert_eq!(paused["status"], "paused", "{paused}");
    it.app.quiet().await;
    let refused = it.asks("preview", &another_plan()).await;
    assert_eq!(refused.expect_error(409), "subscription_paused");
    let refused = it.asks("cancel", &at_period_end()).await;
    assert_eq!(refused.expect_error(409), "no_period_runs");
}

#[tokio::test]
async fn what_owes_something_keeps_its_plan() {
    let it = Subscriber::of(MONTHLY).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    it.app.pass_days(32).await;
    let refused = it.asks("preview", &another_plan()).await;
    assert_eq!(refused.expect_error(409), "payment_open");
}

#[tokio::test]
async fn what_a_schedule_of_somebody_else_manages_is_left_alone() {
    let it = Subscriber::of(MONTHLY).await;
    let form = [("from_subscription", it.id.as_str())];
    let path = "/v1/subscription_schedules";
    let schedule = it.app.stripe.api("POST", path, &form).await;
    assert!(schedule.get("error").is_none(), "{schedule}");
    it.app.quiet().await;
    for (action, body) in [("cancel", at_period_end()), ("preview", another_plan())] {
        let refused = it.asks(action, &body).await;
        assert_eq!(refused.expect_error(409), "managed_by_schedule", "{action}");
    }
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn what_has_another_item_is_changed_at_stripe() {
    let it = Subscriber::of(MONTHLY).await;
    let mine = it.mine().await;
    let prices = it.app.stripe.objects("price").await;
    let other = prices.iter().find(|price| price["id"] != mine["price"]);
    let other = text(&other.unwrap()["id"]);
    let form = [("items[0][price]", other), ("proration_behavior", "none")];
    it.post(&form).await;
    let refused = it.asks("preview", &another_plan()).await;
    assert_eq!(refused.expect_error(409), "several_items");
}
