use crate::support::{Answer, Pairs, Stripe, id};
use serde_json::{Value, json};

/// Fifteen dollars by card.
const PAYMENT: Pairs<'static> = &[
    ("amount", "1500"),
    ("currency", "usd"),
    ("allowed_payment_method_types[]", "card"),
];

pub(crate) async fn create(stripe: &Stripe, more: Pairs<'_>) -> Answer {
    let params = [PAYMENT, more].concat();
    stripe.post("/v1/payment_intents", &params).await
}

pub(crate) async fn read(stripe: &Stripe, intent: &Value) -> Value {
    let path = format!("/v1/payment_intents/{}", id(intent));
    stripe
        .get(&path, &[("expand[]", "latest_charge")])
        .await
        .ok()
}

/// Confirms as a page does, with what Apple's sheet hands over.
pub(crate) async fn confirm(stripe: &Stripe, intent: &Value, sheet: Value) -> Answer {
    let method = stripe.hand_over(sheet).await;
    let path = format!("/v1/payment_intents/{}/confirm", id(intent));
    let secret = intent["client_secret"].as_str().unwrap();
    let params = [("client_secret", secret), ("payment_method", &method)];
    stripe.page_post(&path, &params).await
}

/// A customer with an Apple Pay card that was saved by a payment.
pub(crate) async fn saved(stripe: &Stripe) -> (String, String) {
    let customer = stripe.id("/v1/customers", &[]).await;
    let more = [
        ("customer", &*customer),
        ("setup_future_usage", "off_session"),
    ];
    let intent = create(stripe, &more).await.ok();
    let paid = confirm(stripe, &intent, json!({})).await.ok();
    let method = paid["payment_method"].as_str().unwrap().to_owned();
    (customer, method)
}

/// Charges a saved method without the customer.
pub(crate) async fn charge(
    stripe: &Stripe,
    customer: &str,
    method: &str,
    more: Pairs<'_>,
) -> Answer {
    let params = [
        ("customer", customer),
        ("payment_method", method),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    create(stripe, &[&params, more].concat()).await
}

#[tokio::test]
async fn a_page_pays_and_the_charge_shows_the_wallet() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let more = [
        ("customer", &*customer),
        ("description", "Credits"),
        ("metadata[user]", "alice"),
    ];
    let intent = create(&stripe, &more).await.ok();
    assert_eq!(
        (
            &intent["status"],
            &intent["amount"],
            &intent["payment_method_types"]
        ),
        (
            &json!("requires_payment_method"),
            &json!(1500),
            &json!(["card"])
        )
    );
    let paid = confirm(&stripe, &intent, json!({})).await.ok();
    assert_eq!(
        (&paid["status"], &paid["metadata"]),
        (&json!("succeeded"), &Value::Null)
    );
    let now = read(&stripe, &intent).await;
    assert_eq!(
        (
            &now["amount_received"],
            &now["metadata"]["user"],
            &now["latest_charge"]["captured"]
        ),
        (&json!(1500), &json!("alice"), &json!(true))
    );
    let card = &now["latest_charge"]["payment_method_details"]["card"];
    assert_eq!(card["wallet"]["type"], "apple_pay");
    assert!(card["network_transaction_id"].is_string());
    let of_customer = [("customer", customer.as_str())];
    let charges = stripe.get("/v1/charges", &of_customer).await.ok();
    assert_eq!(charges["data"][0]["id"], now["latest_charge"]["id"]);
    let events = stripe.events().await;
    for event in [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ] {
        assert!(events.iter().any(|seen| seen == event), "{event}");
    }
}

#[tokio::test]
async fn a_method_that_nobody_keeps_is_used_up() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let intent = create(&stripe, &[("customer", &customer)]).await.ok();
    let paid = confirm(&stripe, &intent, json!({})).await.ok();
    let path = format!(
        "/v1/payment_methods/{}/attach",
        paid["payment_method"].as_str().unwrap()
    );
    let refused = stripe.post(&path, &[("customer", &customer)]).await;
    assert_eq!(
        refused.refusal(),
        (400, Some("payment_method_unexpected_state"))
    );
}

#[tokio::test]
async fn a_payment_saves_the_method_for_charges_without_the_customer() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let usage = [(
        "payment_method_options[card][stored_credential_usage]",
        "unscheduled",
    )];
    let paid = charge(&stripe, &customer, &method, &usage).await.ok();
    assert_eq!(paid["status"], "succeeded");
    let card = &read(&stripe, &paid).await["latest_charge"]["payment_method_details"]["card"];
    assert_eq!(card["stored_credential_usage"], "unscheduled");
    let params = [("payment_intent", &*id(&paid)), ("amount", "500")];
    assert_eq!(
        stripe.post("/v1/refunds", &params).await.ok()["amount"],
        500
    );
    assert_eq!(
        read(&stripe, &paid).await["latest_charge"]["amount_refunded"],
        500
    );
}

#[tokio::test]
async fn a_saved_wallet_is_declined_on_session() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let params = [
        ("customer", &*customer),
        ("payment_method", &method),
        ("confirm", "true"),
    ];
    let refused = create(&stripe, &params).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
    let intent = &refused.json["error"]["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(
        read(&stripe, intent).await["status"],
        "requires_payment_method"
    );
}

#[tokio::test]
async fn charges_without_the_customer_meet_what_the_control_api_says() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let cases = [
        (
            json!({"charge": "decline", "decline_code": "insufficient_funds"}),
            "card_declined",
            "insufficient_funds",
        ),
        (
            json!({"charge": "decline"}),
            "card_declined",
            "generic_decline",
        ),
        (
            json!({"charge": "authentication_required"}),
            "authentication_required",
            "authentication_required",
        ),
    ];
    for (behaviour, code, decline_code) in cases {
        let path = format!("/payment_methods/{method}/behaviour");
        stripe.control(&path, behaviour).await;
        let refused = charge(&stripe, &customer, &method, &[]).await;
        assert_eq!(refused.refusal(), (402, Some(code)));
        let error = &refused.json["error"];
        assert_eq!(error["decline_code"], decline_code);
        let now = read(&stripe, &error["payment_intent"]).await;
        assert_eq!(
            (
                &now["status"],
                &now["last_payment_error"]["payment_method"]["id"]
            ),
            (&json!("requires_payment_method"), &json!(method))
        );
        assert_eq!(now["latest_charge"]["status"], "failed");
        let shown = stripe
            .get(&format!("/v1/payment_methods/{method}"), &[])
            .await
            .ok();
        assert_eq!(shown["customer"], customer.as_str());
    }
    assert!(
        stripe
            .events()
            .await
            .contains(&"payment_intent.payment_failed".to_owned())
    );
}

#[tokio::test]
async fn a_first_payment_that_fails_leaves_nothing_to_charge_later() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let more = [
        ("customer", &*customer),
        ("setup_future_usage", "off_session"),
    ];
    let intent = create(&stripe, &more).await.ok();
    let refused = confirm(&stripe, &intent, json!({"first": "decline"})).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
    let method = id(&refused.json["error"]["payment_method"]);
    let params = [
        ("customer", &*customer),
        ("payment_method", &method),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    let unattached = create(&stripe, &params).await;
    assert_eq!(
        (unattached.status, &unattached.json["error"]["param"]),
        (400, &json!("payment_method"))
    );
    let path = format!("/v1/payment_methods/{method}/attach");
    stripe.post(&path, &[("customer", &customer)]).await.ok();
    let later = charge(&stripe, &customer, &method, &[]).await;
    assert_eq!(later.refusal(), (402, Some("card_declined")));
    // The intent itself can still be paid, with another cryptogram.
    assert_eq!(
        confirm(&stripe, &intent, json!({})).await.ok()["status"],
        "succeeded"
    );
}

#[tokio::test]
async fn a_bank_may_ask_the_customer_who_is_there() {
    let stripe = Stripe::start().await;
    let asks = json!({"first": "authentication_required"});
    for (choice, status) in [
        ("approve", "succeeded"),
        ("decline", "requires_payment_method"),
    ] {
        let intent = create(&stripe, &[]).await.ok();
        let waiting = confirm(&stripe, &intent, asks.clone()).await.ok();
        assert_eq!(waiting["status"], "requires_action");
        let path = format!("/payment_intents/{}/{choice}", id(&intent));
        assert_eq!(stripe.control(&path, json!({})).await["status"], status);
        assert_eq!(read(&stripe, &intent).await["status"], status);
    }
    let method = stripe.hand_over(asks).await;
    let params = [
        ("payment_method", &*method),
        ("confirm", "true"),
        ("error_on_requires_action", "true"),
    ];
    let refused = create(&stripe, &params).await;
    assert_eq!(refused.refusal(), (402, Some("authentication_required")));
}

#[tokio::test]
async fn a_first_invoice_is_paid_once_the_bank_has_heard_from_the_customer() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let params = [
        ("customer", &*customer),
        ("items[0][price]", &stripe.price().await),
        ("payment_behavior", "default_incomplete"),
        (
            "payment_settings[save_default_payment_method]",
            "on_subscription",
        ),
        ("expand[]", "latest_invoice.confirmation_secret"),
    ];
    let subscription = stripe.post("/v1/subscriptions", &params).await.ok();
    let secret = subscription["latest_invoice"]["confirmation_secret"]["client_secret"]
        .as_str()
        .unwrap();
    let intent = json!({"id": secret.split("_secret_").next().unwrap(), "client_secret": secret});
    let asks = json!({"first": "authentication_required"});
    assert_eq!(
        confirm(&stripe, &intent, asks).await.ok()["status"],
        "requires_action"
    );
    let path = format!("/payment_intents/{}/approve", id(&intent));
    let method = stripe.control(&path, json!({})).await["payment_method"].clone();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let now = stripe.get(&path, &[]).await.ok();
    assert_eq!(
        (&now["status"], &now["default_payment_method"]),
        (&json!("active"), &method)
    );
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    assert_eq!(
        stripe.post(&path, &[]).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let cases: [(Pairs<'_>, &str); 4] = [
        (&[("off_session", "true")], "off_session"),
        (&[("return_url", "https://shop.example")], "return_url"),
        (
            &[("payment_method_options[klarna][preferred_locale]", "en-US")],
            "payment_method_options[klarna]",
        ),
        (
            &[
                ("setup_future_usage", "off_session"),
                (
                    "payment_method_options[card][stored_credential_usage]",
                    "recurring",
                ),
            ],
            "payment_method_options[card][stored_credential_usage]",
        ),
    ];
    for (more, param) in cases {
        let refused = create(&stripe, more).await;
        assert_eq!(
            (refused.status, &refused.json["error"]["param"]),
            (400, &json!(param))
        );
    }
    let both = [("setup_future_usage", "off_session")];
    assert_eq!(
        charge(&stripe, &customer, &method, &both).await.refusal(),
        (400, Some("payment_intent_invalid_parameter"))
    );
    for (amount, code) in [
        ("49", "amount_too_small"),
        ("100000000", "amount_too_large"),
        ("0", "parameter_invalid_integer"),
    ] {
        let params = [("amount", amount), ("currency", "usd")];
        let refused = stripe.post("/v1/payment_intents", &params).await;
        assert_eq!(refused.refusal(), (400, Some(code)));
    }
    let by_page = create(&stripe, &[]).await.ok();
    let path = format!("/v1/payment_intents/{}/confirm", id(&by_page));
    let secret = by_page["client_secret"].as_str().unwrap();
    let params = [
        ("client_secret", secret),
        ("payment_method", "pm_card_visa"),
        ("off_session", "true"),
    ];
    assert_eq!(
        stripe.page_post(&path, &params).await.json["error"]["param"],
        "off_session"
    );
    let key = perennial_sandbox::PUBLISHABLE_KEY;
    assert_eq!(
        stripe
            .request_by(key, "POST", "/v1/payment_intents", PAYMENT)
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
}

#[tokio::test]
async fn an_intent_that_is_not_needed_is_canceled_once() {
    let stripe = Stripe::start().await;
    let intent = create(&stripe, &[]).await.ok();
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    let reason = [("cancellation_reason", "abandoned")];
    let canceled = stripe.post(&path, &reason).await.ok();
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("abandoned"))
    );
    assert_eq!(
        stripe.post(&path, &[]).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    let late = confirm(&stripe, &intent, json!({})).await;
    assert_eq!(
        late.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
}

#[tokio::test]
async fn the_same_key_charges_once() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let params = [
        PAYMENT,
        &[
            ("customer", &*customer),
            ("payment_method", &method),
            ("confirm", "true"),
            ("off_session", "true"),
        ],
    ]
    .concat();
    let first = stripe
        .post_keyed("key", "/v1/payment_intents", &params)
        .await
        .ok();
    let again = stripe
        .post_keyed("key", "/v1/payment_intents", &params)
        .await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.ok()["id"], first["id"]);
    let all = stripe
        .get("/v1/payment_intents", &[("customer", &customer)])
        .await
        .ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
}
