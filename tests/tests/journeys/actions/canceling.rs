//! A shopper cancels in the shop's page, takes it back, and so does support by the shop's server.

use serde_json::{Value, json};

use super::{Subscriber, at_once, at_period_end};
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

#[tokio::test]
async fn a_shopper_cancels_and_takes_it_back() {
    for plan in [MONTHLY, TRIAL] {
        let it = Subscriber::of(plan).await;
        let before = it.mine().await;
        assert_eq!(before["actions"]["cancel"]["open"], true, "{before}");
        assert_eq!(before["actions"]["cancel"]["when"][0], "period_end");
        assert_eq!(
            before["actions"]["withdraw_cancellation"]["reason"],
            "not_canceling"
        );

        let body = json!({"feedback": "too_expensive", "comment": "  Maybe next year.  "});
        let canceled = it.asks("cancel", &body).await.expect(200).json();
        let subscription = &canceled["subscription"];
        assert_eq!(subscription["cancel_at_period_end"], true, "{canceled}");
        assert_eq!(subscription["ends_at"], before["current_period_end"]);
        assert_eq!(
            subscription["actions"]["withdraw_cancellation"]["open"],
            true
        );
        let stripe = it.at_stripe().await;
        assert_eq!(stripe["cancellation_details"]["feedback"], "too_expensive");
        assert_eq!(
            stripe["cancellation_details"]["comment"],
            "Maybe next year."
        );
        assert_eq!(it.mine().await, *subscription, "the table says the same");

        // https://docs.stripe.com/api/subscriptions/update#update_subscription-cancellation_details
        let later =
            json!({"when": "period_end", "feedback": "unused", "comment": "Asked afterwards."});
        let again = it.asks("cancel", &later).await.expect(200).json();
        assert_eq!(again["subscription"]["ends_at"], subscription["ends_at"]);
        let said = it.at_stripe().await["cancellation_details"].clone();
        assert_eq!(said["feedback"], "unused", "{said}");
        assert_eq!(said["comment"], "Asked afterwards.");

        let kept = it
            .asks("withdraw-cancellation", &json!({}))
            .await
            .expect(200)
            .json();
        assert_eq!(kept["subscription"]["ends_at"], Value::Null, "{kept}");
        assert_eq!(it.at_stripe().await["cancel_at_period_end"], false);
        it.app.quiet().await;
        let told = [
            "subscription.cancellation_scheduled",
            "subscription.cancellation_withdrawn",
        ];
        assert_eq!(
            it.told().await,
            told,
            "each once, whoever was first to write"
        );
    }
}

#[tokio::test]
async fn a_cancellation_costs_two_calls_of_stripe_and_a_repeat_one() {
    let it = Subscriber::of(MONTHLY).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.changes().await, 1);
    it.app.stripe.forget_requests().await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    assert_eq!(it.changes().await, 0, "it is going to end already");
    assert_eq!(it.app.stripe.requests().await.len(), 1);
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    assert_eq!(it.changes().await, 1);
}

#[tokio::test]
async fn both_of_stripes_fields_are_taken_back() {
    let it = Subscriber::of(MONTHLY).await;
    let end = it.at_stripe().await["items"]["data"][0]["current_period_end"].to_string();
    // As the customer portal does in flexible billing mode, and as support may in the Dashboard.
    let portal = [("cancel_at", end.as_str())];
    let dashboard = [("cancel_at_period_end", "true")];
    for form in [&portal, &dashboard] {
        it.post(form).await;
        assert_ne!(it.mine().await["ends_at"], Value::Null);
        let kept = it
            .asks("withdraw-cancellation", &json!({}))
            .await
            .expect(200)
            .json();
        assert_eq!(kept["subscription"]["ends_at"], Value::Null, "{form:?}");
        let stripe = it.at_stripe().await;
        assert_eq!(stripe["cancel_at"], Value::Null);
        assert_eq!(stripe["cancel_at_period_end"], false);
    }
}

#[tokio::test]
async fn a_shopper_keeps_what_is_paid_for_and_a_server_may_end_it_at_once() {
    let it = Subscriber::of(MONTHLY).await;
    let refused = it.asks("cancel", &at_once()).await;
    assert_eq!(refused.expect_error(409), "period_is_paid");
    assert_eq!(refused.json()["subscription"]["id"], it.id.as_str());
    assert_eq!(it.changes().await, 0);

    let ended = it
        .server_asks("cancel", "k1", &at_once())
        .await
        .expect(200)
        .json();
    assert_eq!(ended["subscription"]["status"], "canceled", "{ended}");
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
    let again = it
        .server_asks("cancel", "k1", &at_once())
        .await
        .expect(200)
        .json();
    assert_eq!(again["subscription"], ended["subscription"], "the same key");
    let other = it.server_asks("cancel", "k2", &at_once()).await;
    assert_eq!(other.expect_error(409), "subscription_ended");
}

#[tokio::test]
async fn what_is_not_paid_for_ends_at_once() {
    let it = Subscriber::of(TRIAL).await;
    let ended = it.asks("cancel", &at_once()).await.expect(200).json();
    assert_eq!(ended["subscription"]["status"], "canceled");
    let kept = it.asks("withdraw-cancellation", &json!({})).await;
    assert_eq!(kept.expect_error(409), "subscription_ended");
    let actions = &it.mine().await["actions"];
    assert_eq!(actions["cancel"]["reason"], "ended", "{actions}");
}

#[tokio::test]
async fn a_cancellation_takes_effect_at_the_end_of_the_period() {
    let it = Subscriber::of(MONTHLY).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.app.pass_days(32).await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "canceled", "{mine}");
    assert_eq!(
        it.app.stripe.objects("charge").await.len(),
        1,
        "the first one"
    );
    let told = [
        "subscription.cancellation_scheduled",
        "subscription.canceled",
    ];
    assert_eq!(it.told().await, told);
}

#[tokio::test]
async fn a_key_says_what_was_asked() {
    let it = Subscriber::of(MONTHLY).await;
    it.server_asks("cancel", "k1", &at_period_end())
        .await
        .expect(200);
    let other = it.server_asks("cancel", "k1", &at_once()).await;
    assert_eq!(other.expect_error(409), "idempotency_key_reused");
    let kept = it
        .server_asks("withdraw-cancellation", "k1", &json!({}))
        .await;
    assert_eq!(kept.expect_error(409), "idempotency_key_reused");
    it.server_asks("withdraw-cancellation", "k2", &json!({}))
        .await
        .expect(200);
    // A late repeat of the first request does not cancel again.
    let late = it
        .server_asks("cancel", "k1", &at_period_end())
        .await
        .expect(200)
        .json();
    assert_eq!(late["subscription"]["ends_at"], Value::Null, "{late}");
    assert_eq!(it.at_stripe().await["cancel_at_period_end"], false);
}

#[tokio::test]
async fn what_the_shopper_says_is_at_stripe_alone() {
    let it = Subscriber::of(MONTHLY).await;
    let secret = "My landlord, Mr. Rosenbaum, has evicted me";
    let body = json!({"comment": secret});
    it.asks("cancel", &body).await.expect(200);
    it.app.quiet().await;
    let stripe = it.at_stripe().await;
    assert_eq!(text(&stripe["cancellation_details"]["comment"]), secret);
    let items = it.app.table.items().await;
    assert!(
        !items
            .iter()
            .any(|item| item.to_string().contains("Rosenbaum"))
    );
}

#[tokio::test]
async fn what_is_canceled_already_does_not_end_at_once_when_it_is_canceled_again() {
    for plan in [MONTHLY, TRIAL] {
        let it = Subscriber::of(plan).await;
        for key in ["once", "twice"] {
            let done = it.server_asks("cancel", key, &json!({})).await;
            let subscription = done.expect(200).json()["subscription"].clone();
            assert_eq!(subscription["cancel_at_period_end"], true, "{subscription}");
        }
        it.asks("cancel", &json!({})).await.expect(200);
        let stripe = it.at_stripe().await;
        assert_eq!(stripe["cancel_at_period_end"], true, "{stripe}");
        assert_ne!(stripe["status"], "canceled");
    }
}
