//! What Apple's sheet hands over, and the first transaction that it is for.

use crate::support::{Answer, Stripe, id};
use serde_json::{Value, json};

/// A SetupIntent for a card, and its client secret.
async fn setup(stripe: &Stripe, customer: &str) -> Value {
    let params = [
        ("customer", customer),
        ("allowed_payment_method_types[]", "card"),
    ];
    stripe.post("/v1/setup_intents", &params).await.ok()
}

/// Confirms an intent as the stand-in for Stripe.js does.
async fn confirm(stripe: &Stripe, intent: &Value, method: &str) -> Answer {
    let path = format!(
        "/v1/{}s/{}/confirm",
        intent["object"].as_str().unwrap(),
        id(intent)
    );
    let secret = intent["client_secret"].as_str().unwrap();
    let params = [("client_secret", secret), ("payment_method", method)];
    stripe.page_post(&path, &params).await
}

async fn set_up(stripe: &Stripe, customer: &str, sheet: Value) -> (Answer, String) {
    let method = stripe.hand_over(sheet).await;
    let intent = setup(stripe, customer).await;
    (confirm(stripe, &intent, &method).await, method)
}

/// Subscribes without the customer, which fails the call when the charge is declined.
async fn subscribe(stripe: &Stripe, customer: &str, method: &str, off_session: &str) -> Answer {
    let price = stripe.price().await;
    let params = [
        ("customer", customer),
        ("items[0][price]", &price),
        ("default_payment_method", method),
        ("off_session", off_session),
        ("payment_behavior", "error_if_incomplete"),
    ];
    stripe.post("/v1/subscriptions", &params).await
}

#[tokio::test]
async fn a_token_becomes_a_payment_method_of_the_wallet_once() {
    let stripe = Stripe::start().await;
    let token = stripe.control("/tokens", json!({})).await;
    assert_eq!(
        (
            &token["object"],
            &token["used"],
            &token["card"]["tokenization_method"]
        ),
        (&json!("token"), &json!(false), &json!("apple_pay"))
    );
    let params = [
        ("type", "card"),
        ("card[token]", token["id"].as_str().unwrap()),
    ];
    let method = stripe.page_post("/v1/payment_methods", &params).await.ok();
    assert_eq!(
        method["card"]["wallet"],
        json!({"type": "apple_pay", "apple_pay": {}, "dynamic_last4": token["card"]["dynamic_last4"]})
    );
    assert_eq!(method["card"]["last4"], "4242");
    assert_eq!(method.get("_first"), None);
    let again = stripe.post("/v1/payment_methods", &params).await;
    assert_eq!(again.refusal(), (400, Some("token_already_used")));
    let path = format!("/v1/tokens/{}", id(&token));
    assert_eq!(stripe.get(&path, &[]).await.ok()["used"], true);
}

#[tokio::test]
async fn a_token_without_a_wallet_is_a_plain_card() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let sheet = json!({"wallet": null, "card": "tok_mastercard"});
    let (done, method) = set_up(&stripe, &customer, sheet).await;
    assert_eq!(done.ok()["status"], "succeeded");
    let shown = stripe
        .get(&format!("/v1/payment_methods/{method}"), &[])
        .await
        .ok();
    assert_eq!(
        (&shown["card"]["wallet"], &shown["card"]["brand"]),
        (&Value::Null, &json!("mastercard"))
    );
    assert_eq!(
        subscribe(&stripe, &customer, &method, "false").await.ok()["status"],
        "active"
    );
}

#[tokio::test]
async fn a_setup_by_the_page_saves_the_method_for_charges_without_the_customer() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let (done, method) = set_up(&stripe, &customer, json!({})).await;
    let done = done.ok();
    assert_eq!(
        (&done["status"], &done["customer"]),
        (&json!("succeeded"), &Value::Null)
    );
    let shown = stripe
        .get(&format!("/v1/payment_methods/{method}"), &[])
        .await
        .ok();
    assert_eq!(shown["customer"], customer.as_str());
    assert_eq!(
        subscribe(&stripe, &customer, &method, "true").await.ok()["status"],
        "active"
    );
    let params = [("setup_intent", done["id"].as_str().unwrap())];
    let attempts = stripe.get("/v1/setup_attempts", &params).await.ok();
    assert_eq!(
        attempts["data"][0]["payment_method_details"]["card"]["wallet"],
        json!({"type": "apple_pay", "apple_pay": {}})
    );
}

#[tokio::test]
async fn a_saved_wallet_is_declined_where_the_customer_would_have_to_be_there() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let (_, method) = set_up(&stripe, &customer, json!({})).await;
    assert_eq!(
        subscribe(&stripe, &customer, &method, "false")
            .await
            .refusal(),
        (402, Some("card_declined"))
    );
    let again = setup(&stripe, &customer).await;
    let refused = confirm(&stripe, &again, &method).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
    assert_eq!(
        subscribe(&stripe, &customer, &method, "true").await.ok()["status"],
        "active"
    );
}

#[tokio::test]
async fn after_a_first_transaction_that_failed_or_never_was_later_charges_are_declined() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let (failed, declined) = set_up(&stripe, &customer, json!({"first": "decline"})).await;
    assert_eq!(failed.refusal(), (402, Some("card_declined")));
    assert_eq!(
        failed.json["error"]["setup_intent"]["status"],
        "requires_payment_method"
    );
    let unused = stripe.hand_over(json!({})).await;
    for method in [declined, unused] {
        let path = format!("/v1/payment_methods/{method}/attach");
        stripe.post(&path, &[("customer", &customer)]).await.ok();
        assert_eq!(
            subscribe(&stripe, &customer, &method, "true")
                .await
                .refusal(),
            (402, Some("card_declined"))
        );
    }
}

#[tokio::test]
async fn a_cryptogram_expires() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let method = stripe.hand_over(json!({"cryptogram_seconds": 60})).await;
    let intent = setup(&stripe, &customer).await;
    stripe.control("/clock", json!({"advance": 61})).await;
    let refused = confirm(&stripe, &intent, &method).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
}

#[tokio::test]
async fn a_bank_that_asks_the_customer_is_answered_by_the_control_api() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    for (choice, status) in [
        ("approve", "succeeded"),
        ("decline", "requires_payment_method"),
    ] {
        let sheet = json!({"first": "authentication_required"});
        let (waiting, _) = set_up(&stripe, &customer, sheet).await;
        let waiting = waiting.ok();
        assert_eq!(
            (&waiting["status"], &waiting["next_action"]["type"]),
            (&json!("requires_action"), &json!("use_stripe_sdk"))
        );
        let path = format!("/setup_intents/{}/{choice}", id(&waiting));
        assert_eq!(
            stripe.control(&path, json!({})).await["redirect_url"],
            Value::Null
        );
        let path = format!("/v1/setup_intents/{}", id(&waiting));
        assert_eq!(stripe.get(&path, &[]).await.ok()["status"], status);
    }
}

/// A subscription whose first payment, or whose trial's setup, the page confirms.
async fn begin(stripe: &Stripe, customer: &str, more: &[(&str, &str)]) -> Value {
    let price = stripe.price().await;
    let mut params = vec![
        ("customer", customer),
        ("items[0][price]", &price),
        ("payment_behavior", "default_incomplete"),
        (
            "payment_settings[save_default_payment_method]",
            "on_subscription",
        ),
        ("payment_settings[payment_method_types][]", "card"),
        ("expand[]", "latest_invoice.confirmation_secret"),
        ("expand[]", "pending_setup_intent"),
    ];
    params.extend_from_slice(more);
    stripe.post("/v1/subscriptions", &params).await.ok()
}

fn payment_of(subscription: &Value) -> Value {
    let secret = &subscription["latest_invoice"]["confirmation_secret"]["client_secret"];
    let intent = secret.as_str().unwrap().split("_secret_").next().unwrap();
    json!({"id": intent, "object": "payment_intent", "client_secret": secret})
}

#[tokio::test]
async fn a_page_pays_the_first_invoice_and_the_method_stays_on_the_subscription() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let subscription = begin(&stripe, &customer, &[]).await;
    assert_eq!(subscription["status"], "incomplete");
    let payment = payment_of(&subscription);
    let declined = stripe.hand_over(json!({"first": "decline"})).await;
    let refused = confirm(&stripe, &payment, &declined).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
    let shown = stripe
        .get(&format!("/v1/payment_methods/{declined}"), &[])
        .await
        .ok();
    assert_eq!(shown["customer"], Value::Null);
    let method = stripe.hand_over(json!({})).await;
    assert_eq!(
        confirm(&stripe, &payment, &method).await.ok()["status"],
        "succeeded"
    );
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let now = stripe
        .get(&path, &[("expand[]", "latest_invoice")])
        .await
        .ok();
    assert_eq!(
        (
            &now["status"],
            &now["default_payment_method"],
            &now["latest_invoice"]["status"]
        ),
        (&json!("active"), &json!(method), &json!("paid"))
    );
    // The renewal is a charge without the customer, linked to that first one.
    stripe
        .control("/clock", json!({"advance": 32 * 86_400}))
        .await;
    stripe.control("/clock", json!({"advance": 3700})).await;
    let now = stripe
        .get(&path, &[("expand[]", "latest_invoice")])
        .await
        .ok();
    assert_eq!(
        (
            &now["latest_invoice"]["billing_reason"],
            &now["latest_invoice"]["status"]
        ),
        (&json!("subscription_cycle"), &json!("paid"))
    );
}

#[tokio::test]
async fn a_page_sets_a_trial_up_by_the_pending_setup_intent() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let trial = begin(&stripe, &customer, &[("trial_period_days", "14")]).await;
    let pending = &trial["pending_setup_intent"];
    assert_eq!(
        (&trial["status"], &pending["payment_method_types"]),
        (&json!("trialing"), &json!(["card"]))
    );
    let method = stripe.hand_over(json!({})).await;
    assert_eq!(
        confirm(&stripe, pending, &method).await.ok()["status"],
        "succeeded"
    );
    let path = format!("/v1/subscriptions/{}", id(&trial));
    let now = stripe.get(&path, &[]).await.ok();
    assert_eq!(
        (&now["pending_setup_intent"], &now["default_payment_method"]),
        (&Value::Null, &json!(method))
    );
}

#[tokio::test]
async fn the_setup_of_a_trial_stays_open_when_the_subscription_ends_and_no_longer_touches_it() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let trial = begin(&stripe, &customer, &[("trial_period_days", "14")]).await;
    let path = format!("/v1/subscriptions/{}", id(&trial));
    stripe.delete(&path).await.ok();
    let method = stripe.hand_over(json!({})).await;
    let done = confirm(&stripe, &trial["pending_setup_intent"], &method).await;
    assert_eq!(done.ok()["status"], "succeeded");
    assert_eq!(
        stripe.get(&path, &[]).await.ok()["default_payment_method"],
        Value::Null
    );
}

#[tokio::test]
async fn a_voided_first_invoice_takes_the_incomplete_subscription_with_it() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let subscription = begin(&stripe, &customer, &[]).await;
    let invoice = format!("/v1/invoices/{}", id(&subscription["latest_invoice"]));
    let void = format!("{invoice}/void");
    assert_eq!(stripe.post(&void, &[]).await.ok()["status"], "void");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    assert_eq!(
        stripe.get(&path, &[]).await.ok()["status"],
        "incomplete_expired"
    );
    let method = stripe.hand_over(json!({})).await;
    let late = confirm(&stripe, &payment_of(&subscription), &method).await;
    assert_eq!(
        late.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    assert_eq!(stripe.post(&void, &[]).await.refusal(), (400, None));
}

#[tokio::test]
async fn a_subscription_that_begins_on_session_is_a_first_transaction_too() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let method = stripe.hand_over(json!({})).await;
    let path = format!("/v1/payment_methods/{method}/attach");
    stripe.post(&path, &[("customer", &customer)]).await.ok();
    for off_session in ["false", "true"] {
        let begun = subscribe(&stripe, &customer, &method, off_session).await;
        assert_eq!(begun.ok()["status"], "active");
    }
}
