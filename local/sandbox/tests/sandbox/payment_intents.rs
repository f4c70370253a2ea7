//! Payments without a subscription, with the customer there and without.

use crate::support::{Answer, Pairs, Stripe, id};
use serde_json::{Value, json};

/// Fifteen dollars by card.
pub(crate) const PAYMENT: Pairs<'static> = &[
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

#[tokio::test]
async fn a_saved_amazon_pay_pays_and_holds_but_is_not_increased() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let params = [
        ("amount", "1500"),
        ("currency", "usd"),
        ("allowed_payment_method_types[]", "amazon_pay"),
        ("customer", &*shopper.customer),
        ("payment_method", &*shopper.method),
        ("confirm", "true"),
        ("off_session", "true"),
        ("capture_method", "manual"),
    ];
    let held = stripe.post("/v1/payment_intents", &params).await.ok();
    assert_eq!(held["status"], "requires_capture");
    let step = |step| format!("/v1/payment_intents/{}/{step}", id(&held));
    let path = step("increment_authorization");
    let refused = stripe.post(&path, &[("amount", "2000")]).await;
    assert_eq!(
        refused.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    let captured = stripe.post(&step("capture"), &[]).await.ok();
    assert_eq!(captured["amount_received"], 1500);
    let paid = stripe.post("/v1/payment_intents", &params[..7]).await.ok();
    assert_eq!(paid["status"], "succeeded");
}
