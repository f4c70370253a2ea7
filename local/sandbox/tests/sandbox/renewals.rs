use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::{Stripe, id};
use serde_json::{Value, json};

pub(crate) fn state(status: &str, invoice: &str, attempts: i64) -> (String, String, i64) {
    (status.to_owned(), invoice.to_owned(), attempts)
}

#[tokio::test]
async fn a_renewal_is_a_draft_for_an_hour_and_then_charged() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    assert_eq!(frozen.read(&subscription).await["created"], START);
    frozen.advance(START + 31 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "draft", 0)
    );
    let renewed = frozen.read(&subscription).await;
    assert_eq!(
        renewed["latest_invoice"]["billing_reason"],
        "subscription_cycle"
    );
    assert_eq!(
        renewed["latest_invoice"]["lines"]["data"][0]["period"],
        json!({"start": START + 31 * DAY, "end": START + 62 * DAY})
    );
    assert_eq!(
        renewed["items"]["data"][0]["current_period_start"],
        START + 31 * DAY
    );
    frozen.advance(START + 31 * DAY + HOUR).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "paid", 1)
    );
    let ready = frozen
        .stripe
        .get("/v1/events", &[("type", "test_helpers.test_clock.ready")])
        .await
        .ok();
    assert_eq!(ready["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_trial_is_announced_and_then_charged() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    let announced = async || {
        frozen
            .stripe
            .events()
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    };
    frozen.advance(START + 11 * DAY - 1).await;
    assert!(!announced().await);
    frozen.advance(START + 11 * DAY).await;
    assert!(announced().await);
    assert_eq!(
        frozen.state(&subscription).await,
        state("trialing", "paid", 0)
    );
    frozen.advance(START + 14 * DAY + HOUR).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "paid", 1)
    );
    let renewed = frozen.read(&subscription).await;
    assert_eq!(renewed["latest_invoice"]["total"], 1500);
    assert_eq!(
        renewed["items"]["data"][0]["current_period_start"],
        START + 14 * DAY
    );
}

#[tokio::test]
async fn a_short_trial_is_announced_at_once() {
    let frozen = Frozen::start().await;
    frozen.subscribe(&[("trial_period_days", "2")]).await;
    frozen.advance(START + 1).await;
    assert!(
        frozen
            .stripe
            .events()
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    );
}

#[tokio::test]
async fn a_trial_without_a_payment_method_ends_as_its_settings_say() {
    for (behavior, expected) in [
        ("cancel", "canceled"),
        ("pause", "paused"),
        ("create_invoice", "past_due"),
    ] {
        let frozen = Frozen::start().await;
        let params = [
            ("customer", frozen.shopper.customer.as_str()),
            ("items[0][price]", &frozen.shopper.price),
            ("trial_period_days", "7"),
            (
                "trial_settings[end_behavior][missing_payment_method]",
                behavior,
            ),
        ];
        let subscription = id(&frozen.stripe.post("/v1/subscriptions", &params).await.ok());
        frozen.advance(START + 7 * DAY + HOUR).await;
        assert_eq!(
            frozen.read(&subscription).await["status"],
            expected,
            "{behavior}"
        );
    }
}

#[tokio::test]
async fn a_trial_that_is_ended_early_is_charged_at_once() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    frozen.advance(START + DAY).await;
    let ended = frozen
        .stripe
        .post(
            &format!("/v1/subscriptions/{subscription}"),
            &[("trial_end", "now")],
        )
        .await
        .ok();
    assert_eq!(
        (&ended["status"], &ended["trial_end"]),
        (&json!("active"), &json!(START + DAY))
    );
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "paid", 1)
    );
}

#[tokio::test]
async fn a_subscription_ends_at_its_period_or_at_the_time_that_was_set() {
    let frozen = Frozen::start().await;
    let at_end = frozen.subscribe(&[("cancel_at_period_end", "true")]).await;
    let at_time = frozen
        .subscribe(&[("cancel_at", &(START + 5 * DAY).to_string())])
        .await;
    frozen.advance(START + 5 * DAY).await;
    assert_eq!(
        (
            frozen.read(&at_time).await["status"].clone(),
            frozen.read(&at_end).await["status"].clone()
        ),
        (json!("canceled"), json!("active"))
    );
    frozen.advance(START + 31 * DAY).await;
    let ended = frozen.read(&at_end).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START + 31 * DAY))
    );
}

#[tokio::test]
async fn a_clock_goes_forward_by_at_most_two_intervals() {
    let frozen = Frozen::start().await;
    let path = format!("/v1/test_helpers/test_clocks/{}/advance", frozen.clock);
    let to = async |time: i64| {
        frozen
            .stripe
            .post(&path, &[("frozen_time", &time.to_string())])
            .await
            .status
    };
    assert_eq!(to(START).await, 400);
    assert_eq!(to(START + 800 * DAY).await, 400);
    frozen.subscribe(&[]).await;
    assert_eq!(to(START + 63 * DAY).await, 400);
    frozen.advance(START + 62 * DAY).await;
}

#[tokio::test]
async fn customers_without_a_clock_renew_by_the_sandboxs_own_time() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = id(&stripe.subscribe(&shopper, &[]).await.ok());
    stripe.control("/clock", json!({"advance": 32 * DAY})).await;
    let renewed = stripe
        .get(
            &format!("/v1/subscriptions/{subscription}"),
            &[("expand[]", "latest_invoice")],
        )
        .await
        .ok();
    assert_eq!(
        renewed["latest_invoice"]["billing_reason"],
        "subscription_cycle"
    );
    stripe.control("/clock", json!({"advance": 2 * HOUR})).await;
    let paid = stripe
        .get(
            "/v1/invoices",
            &[("subscription", &subscription), ("status", "paid")],
        )
        .await
        .ok();
    assert_eq!(paid["data"].as_array().unwrap().len(), 2);
}

/// The sandbox was off for so long, or its time has jumped.
#[tokio::test]
async fn periods_that_were_slept_over_are_billed_one_after_another_in_order() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let item = |it: &Value, name: &str| it["items"]["data"][0][name].as_i64().unwrap();
    let end = item(&subscription, "current_period_end");
    stripe.control("/clock", json!({"advance": 94 * DAY})).await;
    let renewed = stripe.get(&path, &[]).await.ok();
    let listed = stripe
        .get(
            "/v1/invoices",
            &[("subscription", id(&subscription).as_str())],
        )
        .await
        .ok();
    let mut invoices = listed["data"].as_array().unwrap().clone();
    invoices.reverse();
    assert_eq!(invoices.len(), 4);
    let mut begins = item(&subscription, "current_period_start");
    for invoice in &invoices {
        assert_eq!(invoice["status"], "paid", "{invoice}");
        let period = &invoice["lines"]["data"][0]["period"];
        assert_eq!(period["start"].as_i64(), Some(begins), "{invoice}");
        assert_eq!(invoice["created"].as_i64(), Some(begins));
        let paid_at = invoice["status_transitions"]["paid_at"].as_i64().unwrap();
        assert!((begins..=begins + 2 * HOUR).contains(&paid_at));
        begins = period["end"].as_i64().unwrap();
    }
    assert!(item(&renewed, "current_period_start") > end);
    assert_eq!(item(&renewed, "current_period_end"), begins);
}

#[tokio::test]
async fn a_trial_whose_end_was_slept_over_is_charged_from_its_end_on() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let form = [("trial_period_days", "7")];
    let subscription = stripe.subscribe(&shopper, &form).await.ok();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.control("/clock", json!({"advance": 20 * DAY})).await;
    let charged = stripe
        .get(&path, &[("expand[]", "latest_invoice")])
        .await
        .ok();
    assert_eq!(charged["status"], "active");
    assert_eq!(
        charged["items"]["data"][0]["current_period_start"],
        subscription["trial_end"]
    );
    assert_eq!(charged["latest_invoice"]["status"], "paid");
    assert_eq!(
        charged["latest_invoice"]["created"],
        subscription["trial_end"]
    );
}

#[tokio::test]
async fn a_deleted_clock_takes_its_customers_along() {
    let frozen = Frozen::start().await;
    frozen
        .stripe
        .delete(&format!("/v1/test_helpers/test_clocks/{}", frozen.clock))
        .await
        .ok();
    assert_eq!(
        frozen
            .stripe
            .get(&format!("/v1/customers/{}", frozen.shopper.customer), &[])
            .await
            .ok()["deleted"],
        true
    );
}
