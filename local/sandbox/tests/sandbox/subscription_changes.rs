use crate::support::{Stripe, id};
use serde_json::{Value, json};

#[tokio::test]
async fn a_subscription_is_canceled_at_once_or_at_the_end_of_its_period() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let path = format!(
        "/v1/subscriptions/{}",
        id(&stripe.subscribe(&shopper, &[]).await.ok())
    );
    let ending = stripe
        .post(&path, &[("cancel_at_period_end", "true")])
        .await
        .ok();
    assert_eq!(
        (&ending["status"], &ending["cancel_at"]),
        (
            &json!("active"),
            &ending["items"]["data"][0]["current_period_end"]
        )
    );
    let kept = stripe
        .post(&path, &[("cancel_at_period_end", "false")])
        .await
        .ok();
    assert_eq!(
        (&kept["cancel_at"], &kept["canceled_at"]),
        (&Value::Null, &Value::Null)
    );
    let canceled = stripe.delete(&path).await.ok();
    assert_eq!(
        (
            &canceled["status"],
            &canceled["cancellation_details"]["reason"]
        ),
        (&json!("canceled"), &json!("cancellation_requested"))
    );
    assert_eq!(
        stripe.delete(&path).await.refusal(),
        (404, Some("resource_missing"))
    );
    assert_eq!(
        stripe
            .post(&path, &[("cancel_at_period_end", "true")])
            .await
            .refusal(),
        (400, Some("invalid_canceled_subscription_fields"))
    );
    // Types of npm stripe 23.1.0: what the customer says about it may still be added.
    let why = [
        ("cancellation_details[feedback]", "too_expensive"),
        ("cancellation_details[comment]", "Bye"),
    ];
    let told = &stripe.post(&path, &why).await.ok()["cancellation_details"];
    assert_eq!(
        told,
        &json!({"comment": "Bye", "feedback": "too_expensive", "feedback_option": null, "reason": "cancellation_requested"})
    );
    let other = [("cancellation_details[feedback_option]", "fo_1")];
    assert_eq!(
        stripe.post(&path, &other).await.refusal(),
        (400, Some("sandbox_not_simulated"))
    );
    assert_eq!(
        stripe.get("/v1/subscriptions", &[]).await.ok()["data"],
        json!([])
    );
    let all = stripe
        .get(
            "/v1/subscriptions",
            &[("status", "canceled"), ("customer", &shopper.customer)],
        )
        .await
        .ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let last = stripe
        .get("/v1/events", &[("type", "customer.subscription.deleted")])
        .await
        .ok();
    assert_eq!(last["data"][0]["data"]["object"]["status"], "canceled");
}

#[tokio::test]
async fn items_change_by_their_id_and_pile_up_without_it() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let item = id(&subscription["items"]["data"][0]);
    let price = stripe.price().await;
    let change = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &price),
        ("proration_behavior", "none"),
    ];
    let changed = stripe.post(&path, &change).await.ok();
    assert_eq!(
        (
            &changed["items"]["data"][0]["id"],
            &changed["items"]["data"][0]["price"]["id"]
        ),
        (&json!(item), &json!(price))
    );
    let addition = [("items[0][price]", &*stripe.price().await), change[2]];
    let added = stripe.post(&path, &addition).await.ok();
    assert_eq!(added["items"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_paused_subscription_is_resumed_with_a_new_period() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let path = format!(
        "/v1/subscriptions/{}",
        id(&stripe.subscribe(&shopper, &[]).await.ok())
    );
    assert_eq!(
        stripe
            .post(&format!("{path}/resume"), &[])
            .await
            .refusal()
            .0,
        400
    );
    let paused = stripe
        .post(
            &format!("{path}/pause"),
            &[("bill_for[unused_time_from][type]", "none")],
        )
        .await
        .ok();
    assert_eq!(
        (
            &paused["status"],
            &paused["status_details"]["paused"]["subscription"]["type"]
        ),
        (&json!("paused"), &json!("pause_requested"))
    );
    let resumed = stripe
        .post(
            &format!("{path}/resume"),
            &[
                ("payment_behavior", "resume_on_payment_success"),
                ("expand[]", "latest_invoice"),
            ],
        )
        .await
        .ok();
    assert_eq!(
        (&resumed["status"], &resumed["latest_invoice"]["status"]),
        (&json!("active"), &json!("paid"))
    );
    assert!(resumed.get("status_details").is_none());
    assert_eq!(
        stripe.events().await.last().unwrap(),
        "customer.subscription.resumed"
    );
}

#[tokio::test]
async fn a_deleted_customer_takes_subscriptions_and_payment_methods_along() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = id(&stripe.subscribe(&shopper, &[]).await.ok());
    let path = format!("/v1/customers/{}", shopper.customer);
    assert_eq!(stripe.delete(&path).await.ok()["deleted"], true);
    assert_eq!(stripe.get(&path, &[]).await.ok()["deleted"], true);
    assert_eq!(
        stripe
            .get(&format!("/v1/subscriptions/{subscription}"), &[])
            .await
            .ok()["status"],
        "canceled"
    );
    assert_eq!(
        stripe
            .get(&format!("/v1/payment_methods/{}", shopper.method), &[])
            .await
            .ok()["customer"],
        Value::Null
    );
    assert_eq!(
        stripe
            .post("/v1/setup_intents", &[("customer", &shopper.customer)])
            .await
            .refusal(),
        (400, Some("resource_missing"))
    );
}

#[tokio::test]
async fn an_end_inside_the_period_shortens_it_until_it_is_taken_back() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let end = |it: &Value| {
        it["items"]["data"][0]["current_period_end"]
            .as_i64()
            .unwrap()
    };
    let full = end(&subscription);
    for (at, shortened) in [
        (full - 86_400, full - 86_400),
        (full, full),
        (full + 86_400, full),
    ] {
        let at_text = at.to_string();
        let ending = stripe.post(&path, &[("cancel_at", &at_text)]).await.ok();
        assert_eq!(
            (ending["cancel_at"].as_i64(), end(&ending)),
            (Some(at), shortened)
        );
        assert_eq!(ending["cancel_at_period_end"], false);
        let kept = stripe.post(&path, &[("cancel_at", "")]).await.ok();
        assert_eq!((&kept["cancel_at"], end(&kept)), (&Value::Null, full));
    }
    for name in ["min_period_end", "max_period_end"] {
        let ending = stripe.post(&path, &[("cancel_at", name)]).await.ok();
        assert_eq!(ending["cancel_at"].as_i64(), Some(full), "{name}");
    }
    let both = [
        ("cancel_at", "max_period_end"),
        ("cancel_at_period_end", "true"),
    ];
    assert_eq!(stripe.post(&path, &both).await.refusal().0, 400);
    // It ends then, and no further period is billed.
    stripe.control("/clock", json!({"advance": full})).await;
    let ended = stripe.get(&path, &[]).await.ok();
    assert_eq!(ended["status"], "canceled");
    let invoices = stripe.get("/v1/invoices", &[]).await.ok();
    let totals: Vec<&Value> = invoices["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| &invoice["total"])
        .collect();
    // What was credited for the earlier end, and debited again when it was taken back.
    assert_eq!(totals, [&json!(0), &json!(1500)]);
}

#[tokio::test]
async fn payments_that_are_not_collected_leave_the_status_and_nothing_to_pay() {
    for (behavior, status) in [
        ("void", "void"),
        ("keep_as_draft", "draft"),
        ("mark_uncollectible", "uncollectible"),
    ] {
        let stripe = Stripe::start().await;
        let shopper = stripe.shopper().await;
        let path = format!(
            "/v1/subscriptions/{}",
            id(&stripe.subscribe(&shopper, &[]).await.ok())
        );
        let pause = [("pause_collection[behavior]", behavior)];
        let paused = stripe.post(&path, &pause).await.ok();
        let expected = json!({"behavior": behavior, "resumes_at": null});
        assert_eq!(paused["pause_collection"], expected);
        stripe
            .control("/clock", json!({"advance": 33 * 86_400}))
            .await;
        let expand = [("expand[]", "latest_invoice")];
        let now = stripe.get(&path, &expand).await.ok();
        assert_eq!(now["status"], "active", "{behavior}");
        assert_eq!(now["latest_invoice"]["status"], status);
        assert_eq!(now["latest_invoice"]["auto_advance"], false);
        let resumed = stripe.post(&path, &[("pause_collection", "")]).await.ok();
        assert_eq!(resumed["pause_collection"], Value::Null);
    }
}
