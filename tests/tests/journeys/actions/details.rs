//! A subscription with what is charged next, and to what.

use serde_json::{Value, json};

use super::{Subscriber, at_period_end};
use crate::payments::ShopServer;

const MONTHLY: &str = "stock-photos-monthly";

async fn details(it: &Subscriber) -> Value {
    let path = format!("/subscriptions/{}", it.id);
    let request = it.alice.calls.request("GET", &path);
    it.alice.calls.send(request).await.expect(200).json()
}

#[tokio::test]
async fn a_subscriber_sees_the_next_charge_and_the_method() {
    let it = Subscriber::of(MONTHLY).await;
    let seen = details(&it).await;
    let subscription = &seen["subscription"];
    assert_eq!(*subscription, it.mine().await, "{seen}");
    let next = json!({"amount": 1500, "currency": "usd", "at": subscription["current_period_end"]});
    assert_eq!(seen["next_charge"], next);
    let method = json!({"type": "amazon_pay", "brand": null, "last4": null});
    assert_eq!(seen["payment_method"], method);
    assert_eq!(seen["items"][0]["plan"], MONTHLY);
    assert_eq!(seen["items"][0]["quantity"], 1);
    assert_eq!(seen["discounted"], false);
    assert_eq!(
        it.app.stripe.requests().await.len(),
        2,
        "a reading and a preview"
    );
    let path = format!("/shop/subscriptions/{}?user=alice", it.id);
    let of_server = ShopServer::of(&it.app).get(&path).await.expect(200).json();
    assert_eq!(of_server["next_charge"], seen["next_charge"]);
}

#[tokio::test]
async fn what_is_going_to_end_is_not_charged_again() {
    let it = Subscriber::of(MONTHLY).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    assert_eq!(details(&it).await["next_charge"], Value::Null);
    it.app.pass_days(32).await;
    let ended = details(&it).await;
    assert_eq!(ended["next_charge"], Value::Null, "{ended}");
    assert_eq!(ended["payment_method"], Value::Null);
}

#[tokio::test]
async fn a_trial_is_charged_when_it_ends_and_another_users_is_not_there() {
    let it = Subscriber::of("stock-photos-trial").await;
    let seen = details(&it).await;
    assert_eq!(
        seen["next_charge"]["at"], seen["subscription"]["trial_end"],
        "{seen}"
    );
    let bob = it.app.caller("bob");
    let request = bob.request("GET", &format!("/subscriptions/{}", it.id));
    let answer = bob.send(request).await;
    assert_eq!(answer.expect_error(404), "unknown_subscription");
    let path = format!("/shop/subscriptions/{}", it.id);
    let missing = ShopServer::of(&it.app).get(&path).await;
    assert_eq!(missing.expect_error(400), "missing_field");
}
