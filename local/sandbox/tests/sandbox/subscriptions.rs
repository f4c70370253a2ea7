use crate::support::{Stripe, id};
use serde_json::{Value, json};

#[tokio::test]
async fn the_first_invoice_is_charged_at_once() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let expand = [
        ("expand[]", "latest_invoice.payments"),
        ("expand[]", "latest_invoice.confirmation_secret"),
        ("metadata[attempt]", "chk_1"),
    ];
    let subscription = stripe.subscribe(&shopper, &expand).await.ok();
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["billing_mode"]["type"], "flexible");
    assert_eq!(subscription["metadata"], json!({"attempt": "chk_1"}));
    let item = &subscription["items"]["data"][0];
    assert_eq!(
        (&item["price"]["id"], &item["quantity"]),
        (&json!(shopper.price), &json!(1))
    );
    assert!(item["current_period_end"].as_i64() > item["current_period_start"].as_i64());
    let invoice = &subscription["latest_invoice"];
    assert_eq!(
        (
            &invoice["status"],
            &invoice["amount_paid"],
            &invoice["billing_reason"]
        ),
        (&json!("paid"), &json!(1500), &json!("subscription_create"))
    );
    assert_eq!(
        invoice["parent"]["subscription_details"]["subscription"],
        subscription["id"]
    );
    assert_eq!(invoice["payments"]["data"][0]["status"], "paid");
    let intent = invoice["payments"]["data"][0]["payment"]["payment_intent"]
        .as_str()
        .unwrap();
    assert!(
        invoice["confirmation_secret"]["client_secret"]
            .as_str()
            .unwrap()
            .starts_with(intent)
    );
    let intent = stripe
        .get(
            &format!("/v1/payment_intents/{intent}"),
            &[("expand[]", "latest_charge")],
        )
        .await
        .ok();
    assert_eq!(
        (&intent["status"], &intent["amount_received"]),
        (&json!("succeeded"), &json!(1500))
    );
    assert_eq!(
        intent["latest_charge"]["payment_method_details"]["type"],
        "amazon_pay"
    );
    let expected = [
        "customer.subscription.created",
        "invoice.created",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ];
    assert!(
        stripe
            .events()
            .await
            .ends_with(&expected.map(str::to_owned))
    );
}

#[tokio::test]
async fn a_declined_first_payment_ends_as_payment_behavior_says() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    stripe.charges_meet(&shopper, "decline").await;
    let incomplete = stripe
        .subscribe(&shopper, &[("expand[]", "latest_invoice.payments")])
        .await
        .ok();
    assert_eq!(
        (
            &incomplete["status"],
            &incomplete["latest_invoice"]["status"]
        ),
        (&json!("incomplete"), &json!("open"))
    );
    // Expanded further it would be five levels deep, which Stripe refuses.
    let payment = &incomplete["latest_invoice"]["payments"]["data"][0]["payment"];
    let path = format!(
        "/v1/payment_intents/{}",
        payment["payment_intent"].as_str().unwrap()
    );
    let intent = stripe.get(&path, &[]).await.ok();
    assert_eq!(
        (&intent["status"], &intent["last_payment_error"]["code"]),
        (
            &json!("requires_payment_method"),
            &json!("payment_method_provider_decline")
        )
    );
    let events = stripe.events().await;
    for name in [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
    ] {
        assert!(events.contains(&name.to_owned()), "{name}");
    }
    // Paid later, it becomes active.
    stripe.charges_meet(&shopper, "succeed").await;
    let invoice = id(&incomplete["latest_invoice"]);
    assert_eq!(
        stripe
            .post(&format!("/v1/invoices/{invoice}/pay"), &[])
            .await
            .ok()["status"],
        "paid"
    );
    assert_eq!(
        stripe
            .post(&format!("/v1/invoices/{invoice}/pay"), &[])
            .await
            .refusal()
            .0,
        400
    );
    assert_eq!(
        stripe
            .get(&format!("/v1/subscriptions/{}", id(&incomplete)), &[])
            .await
            .ok()["status"],
        "active"
    );
}

#[tokio::test]
async fn error_if_incomplete_leaves_nothing_but_the_stored_error() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    stripe.charges_meet(&shopper, "decline").await;
    let before = stripe.events().await;
    let params = [
        ("customer", shopper.customer.as_str()),
        ("items[0][price]", &shopper.price),
        ("default_payment_method", &shopper.method),
        ("off_session", "true"),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let refused = stripe.post_keyed("k", "/v1/subscriptions", &params).await;
    assert_eq!(
        refused.refusal(),
        (402, Some("payment_method_provider_decline"))
    );
    assert_eq!(refused.json["error"]["type"], "card_error");
    assert_eq!(stripe.events().await, before);
    assert_eq!(
        stripe
            .get("/v1/subscriptions", &[("status", "all")])
            .await
            .ok()["data"],
        json!([])
    );
    stripe.charges_meet(&shopper, "succeed").await;
    let again = stripe.post_keyed("k", "/v1/subscriptions", &params).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (402, "true")
    );
    assert_eq!(
        stripe
            .post_keyed("k2", "/v1/subscriptions", &params)
            .await
            .ok()["status"],
        "active"
    );
}

#[tokio::test]
async fn default_incomplete_waits_for_the_page() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let more = [
        ("payment_behavior", "default_incomplete"),
        (
            "payment_settings[save_default_payment_method]",
            "on_subscription",
        ),
        ("expand[]", "latest_invoice.confirmation_secret"),
    ];
    let params = [
        ("customer", shopper.customer.as_str()),
        ("items[0][price]", &shopper.price),
    ];
    let subscription = stripe
        .post("/v1/subscriptions", &[&params[..], &more[..]].concat())
        .await
        .ok();
    assert_eq!(subscription["status"], "incomplete");
    let secret = subscription["latest_invoice"]["confirmation_secret"]["client_secret"]
        .as_str()
        .unwrap();
    let path = format!(
        "/v1/payment_intents/{}/confirm",
        secret.split("_secret_").next().unwrap()
    );
    let body = crate::support::encoded(&[
        ("client_secret", secret),
        ("payment_method", &shopper.method),
    ]);
    let confirmed = stripe
        .send(
            stripe
                .http
                .post(stripe.url(&path))
                .bearer_auth("pk_test_page")
                .body(body),
        )
        .await
        .ok();
    assert_eq!(confirmed["status"], "succeeded");
    let now = stripe
        .get(&format!("/v1/subscriptions/{}", id(&subscription)), &[])
        .await
        .ok();
    assert_eq!(
        (&now["status"], &now["default_payment_method"]),
        (&json!("active"), &json!(shopper.method))
    );
}

#[tokio::test]
async fn a_first_payment_that_is_never_made_expires_after_23_hours() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let more = [
        ("payment_behavior", "default_incomplete"),
        ("expand[]", "latest_invoice.payments"),
    ];
    let subscription = stripe.subscribe(&shopper, &more).await.ok();
    stripe
        .control("/clock", json!({"advance": 23 * 3600 - 60}))
        .await;
    let read = async || {
        stripe
            .get(
                &format!("/v1/subscriptions/{}", id(&subscription)),
                &[("expand[]", "latest_invoice")],
            )
            .await
            .ok()
    };
    assert_eq!(read().await["status"], "incomplete");
    stripe.control("/clock", json!({"advance": 120})).await;
    let expired = read().await;
    assert_eq!(
        (&expired["status"], &expired["latest_invoice"]["status"]),
        (&json!("incomplete_expired"), &json!("void"))
    );
    let intent = subscription["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"]
        .as_str()
        .unwrap();
    assert_eq!(
        stripe
            .get(&format!("/v1/payment_intents/{intent}"), &[])
            .await
            .ok()["status"],
        "canceled"
    );
}

#[tokio::test]
async fn a_trial_starts_with_a_paid_invoice_over_nothing() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let trial = stripe
        .subscribe(
            &shopper,
            &[("trial_period_days", "14"), ("expand[]", "latest_invoice")],
        )
        .await
        .ok();
    assert_eq!(
        (&trial["status"], &trial["pending_setup_intent"]),
        (&json!("trialing"), &Value::Null)
    );
    assert_eq!(
        trial["trial_end"].as_i64().unwrap() - trial["trial_start"].as_i64().unwrap(),
        14 * 86_400
    );
    assert_eq!(
        trial["items"]["data"][0]["current_period_end"],
        trial["trial_end"]
    );
    assert_eq!(
        (
            &trial["latest_invoice"]["status"],
            &trial["latest_invoice"]["total"]
        ),
        (&json!("paid"), &json!(0))
    );
    let refused = stripe
        .subscribe(
            &shopper,
            &[("trial_period_days", "14"), ("trial_end", "now")],
        )
        .await;
    assert_eq!(refused.refusal(), (400, Some("parameters_exclusive")));
    assert_eq!(
        stripe
            .subscribe(&shopper, &[("trial_period_days", "731")])
            .await
            .refusal()
            .0,
        400
    );
    assert_eq!(
        stripe
            .subscribe(&shopper, &[("trial_end", "1000")])
            .await
            .refusal()
            .0,
        400
    );
}

#[tokio::test]
async fn a_trial_without_a_payment_method_asks_for_one() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let params = [
        ("customer", customer.as_str()),
        ("items[0][price]", &shopper.price),
        ("trial_period_days", "14"),
        ("expand[]", "pending_setup_intent"),
    ];
    let trial = stripe.post("/v1/subscriptions", &params).await.ok();
    assert_eq!(
        trial["pending_setup_intent"]["status"],
        "requires_payment_method"
    );
    let path = format!(
        "/v1/setup_intents/{}/confirm",
        id(&trial["pending_setup_intent"])
    );
    let done = stripe
        .post(
            &path,
            &[
                ("payment_method", "pm_card_visa"),
                ("return_url", "https://shop.example/back"),
            ],
        )
        .await
        .ok();
    let now = stripe
        .get(&format!("/v1/subscriptions/{}", id(&trial)), &[])
        .await
        .ok();
    assert_eq!(
        (&now["pending_setup_intent"], &now["default_payment_method"]),
        (&Value::Null, &done["payment_method"])
    );
    // Without a trial something is due, and nothing to charge it to.
    let refused = stripe.post("/v1/subscriptions", &params[..2]).await;
    assert_eq!(refused.refusal(), (400, Some("resource_missing")));
}

#[tokio::test]
async fn a_payment_method_of_somebody_else_is_refused() {
    let stripe = Stripe::start().await;
    let (one, other) = (stripe.shopper().await, stripe.shopper().await);
    let params = [
        ("customer", one.customer.as_str()),
        ("items[0][price]", &one.price),
        ("default_payment_method", &other.method),
    ];
    let refused = stripe.post("/v1/subscriptions", &params).await;
    assert_eq!(refused.refusal(), (400, Some("resource_missing")));
    assert_eq!(refused.json["error"]["param"], "default_payment_method");
}

#[tokio::test]
async fn a_revoked_mandate_or_a_list_of_other_types_cannot_pay() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let card_only = [("payment_settings[payment_method_types][]", "card")];
    assert_eq!(
        stripe.subscribe(&shopper, &card_only).await.refusal(),
        (400, Some("resource_missing"))
    );
    stripe
        .control(&format!("/mandates/{}/revoke", shopper.mandate), json!({}))
        .await;
    let refused = stripe
        .subscribe(&shopper, &[("payment_behavior", "error_if_incomplete")])
        .await;
    assert_eq!(
        refused.refusal(),
        (402, Some("payment_intent_mandate_invalid"))
    );
}

#[tokio::test]
async fn a_customer_has_active_subscriptions_of_one_currency() {
    let stripe = Stripe::start().await;
    let mut shopper = stripe.shopper().await;
    let first = stripe.subscribe(&shopper, &[]).await.ok();
    let euro = [
        ("unit_amount", "1500"),
        ("currency", "eur"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Stock photos"),
    ];
    shopper.price = stripe.id("/v1/prices", &euro).await;
    let refused = stripe.subscribe(&shopper, &[]).await;
    assert_eq!(refused.refusal(), (400, None));
    let message = refused.json["error"]["message"].to_string();
    assert!(message.contains("combine currencies"), "{message}");
    stripe
        .delete(&format!("/v1/subscriptions/{}", id(&first)))
        .await
        .ok();
    stripe.subscribe(&shopper, &[]).await.ok();
}

/// <https://github.com/dj-stripe/dj-stripe/issues/1168>: one that never began expires, and is not deleted.
#[tokio::test]
async fn an_incomplete_subscription_that_is_canceled_expires() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    stripe.charges_meet(&shopper, "decline").await;
    let incomplete = stripe.subscribe(&shopper, &[]).await.ok();
    assert_eq!(incomplete["status"], "incomplete");
    let path = format!("/v1/subscriptions/{}", id(&incomplete));
    let ended = stripe.delete(&path).await.ok();
    assert_eq!(ended["status"], "incomplete_expired");
    assert!(ended["canceled_at"].is_number());
    assert_eq!(ended["ended_at"], ended["canceled_at"]);
    assert_eq!(stripe.get(&path, &[]).await.ok(), ended);
    let told = stripe.events().await;
    assert!(!told.contains(&"customer.subscription.deleted".to_owned()));
    assert_eq!(told.last().unwrap(), "customer.subscription.updated");
}

/// <https://docs.stripe.com/error-codes#subscription-payment-intent-requires-action>
#[tokio::test]
async fn error_if_incomplete_says_that_the_bank_asks_for_the_customer() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    stripe
        .charges_meet(&shopper, "authentication_required")
        .await;
    let refused = stripe
        .subscribe(&shopper, &[("payment_behavior", "error_if_incomplete")])
        .await;
    assert_eq!(
        refused.refusal(),
        (402, Some("subscription_payment_intent_requires_action"))
    );
    assert_eq!(refused.json["error"]["type"], "card_error");
    let all = [("status", "all")];
    let left = stripe.get("/v1/subscriptions", &all).await.ok();
    assert_eq!(left["data"], json!([]));
}

/// <https://docs.stripe.com/error-codes#invoice-payment-intent-requires-action>
#[tokio::test]
async fn an_invoice_that_is_paid_says_that_the_bank_asks_for_the_customer() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    stripe
        .charges_meet(&shopper, "authentication_required")
        .await;
    let incomplete = stripe.subscribe(&shopper, &[]).await.ok();
    let pay = format!(
        "/v1/invoices/{}/pay",
        incomplete["latest_invoice"].as_str().unwrap()
    );
    let refused = stripe.post(&pay, &[]).await;
    assert_eq!(
        refused.refusal(),
        (402, Some("invoice_payment_intent_requires_action"))
    );
}
