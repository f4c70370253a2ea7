use crate::support::{CONFIRM, Stripe, id};
use serde_json::{Value, json};

async fn intent(stripe: &Stripe, id: &str) -> Value {
    stripe
        .get(
            &format!("/v1/setup_intents/{id}"),
            &[
                ("expand[]", "latest_attempt"),
                ("expand[]", "payment_method"),
            ],
        )
        .await
        .ok()
}

async fn waiting(stripe: &Stripe) -> (String, String) {
    let customer = stripe.id("/v1/customers", &[]).await;
    let waiting = stripe.waiting_intent(&customer).await;
    assert_eq!(waiting["status"], "requires_action");
    let next = &waiting["next_action"]["redirect_to_url"];
    assert_eq!(
        next["return_url"],
        "https://shop.example/return?checkout=chk_1"
    );
    assert_eq!(
        next["url"],
        stripe.url(&format!("/sandbox/amazon-pay/{}", id(&waiting)))
    );
    (customer, id(&waiting))
}

async fn choose(stripe: &Stripe, id: &str, choice: &str) -> url::Url {
    let answer = stripe
        .control(&format!("/setup_intents/{id}/{choice}"), json!({}))
        .await;
    url::Url::parse(answer["redirect_url"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_approval_saves_the_payment_method_and_its_mandate() {
    let stripe = Stripe::start().await;
    let (customer, id) = waiting(&stripe).await;
    let back = choose(&stripe, &id, "approve").await;
    let query: Vec<(String, String)> = back.query_pairs().into_owned().collect();
    let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "checkout",
            "setup_intent",
            "setup_intent_client_secret",
            "redirect_status"
        ]
    );
    assert_eq!(
        (
            query[0].1.as_str(),
            query[1].1.as_str(),
            query[3].1.as_str()
        ),
        ("chk_1", id.as_str(), "succeeded")
    );
    let done = intent(&stripe, &id).await;
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["next_action"], Value::Null);
    assert_eq!(done["latest_attempt"]["status"], "succeeded");
    assert_eq!(done["payment_method"]["customer"], customer.as_str());
    assert_eq!(done["payment_method"]["amazon_pay"], json!({}));
    assert_eq!(query[2].1, done["client_secret"].as_str().unwrap());
    let mandate = stripe
        .get(
            &format!("/v1/mandates/{}", done["mandate"].as_str().unwrap()),
            &[],
        )
        .await
        .ok();
    assert_eq!(
        (&mandate["status"], &mandate["type"]),
        (&json!("active"), &json!("multi_use"))
    );
    assert_eq!(
        mandate["customer_acceptance"]["online"],
        json!({"ip_address": "203.0.113.7", "user_agent": "Browser/1.0"})
    );
    let expected = [
        "customer.created",
        "setup_intent.created",
        "setup_intent.requires_action",
        "payment_method.attached",
        "setup_intent.succeeded",
    ];
    assert_eq!(stripe.events().await, expected);
}

#[tokio::test]
async fn a_decline_leaves_no_payment_method_and_says_why() {
    let stripe = Stripe::start().await;
    let (_, id) = waiting(&stripe).await;
    let back = choose(&stripe, &id, "decline").await;
    assert!(
        back.query_pairs()
            .any(|(name, value)| name == "redirect_status" && value == "failed")
    );
    let declined = intent(&stripe, &id).await;
    assert_eq!(declined["status"], "requires_payment_method");
    assert_eq!(declined["payment_method"], Value::Null);
    assert_eq!(
        declined["last_setup_error"]["code"],
        "setup_intent_authentication_failure"
    );
    assert_eq!(
        declined["last_setup_error"]["payment_method"]["customer"],
        Value::Null
    );
    assert_eq!(declined["latest_attempt"]["status"], "failed");
    assert_eq!(
        stripe.events().await.last().unwrap(),
        "setup_intent.setup_failed"
    );
    // The shopper may try again with the same intent.
    let again = stripe
        .post(&format!("/v1/setup_intents/{id}/confirm"), CONFIRM)
        .await
        .ok();
    assert_eq!(
        (&again["status"], &again["last_setup_error"]),
        (&json!("requires_action"), &Value::Null)
    );
    choose(&stripe, &id, "approve").await;
    assert_eq!(intent(&stripe, &id).await["status"], "succeeded");
}

#[tokio::test]
async fn a_closed_page_waits_ten_minutes_and_then_counts_as_a_decline() {
    let stripe = Stripe::start().await;
    let (_, id) = waiting(&stripe).await;
    let back = choose(&stripe, &id, "close").await;
    assert_eq!(back.host_str(), Some("shop.example"));
    stripe.control("/clock", json!({"advance": 590})).await;
    assert_eq!(intent(&stripe, &id).await["status"], "requires_action");
    stripe.control("/clock", json!({"advance": 20})).await;
    let expired = intent(&stripe, &id).await;
    assert_eq!(expired["status"], "requires_payment_method");
    assert_eq!(
        expired["last_setup_error"]["code"],
        "setup_intent_setup_attempt_expired"
    );
}

#[tokio::test]
async fn a_finished_intent_cannot_be_confirmed_or_canceled() {
    let stripe = Stripe::start().await;
    let (_, id) = waiting(&stripe).await;
    choose(&stripe, &id, "approve").await;
    for step in ["confirm", "cancel"] {
        let params = if step == "confirm" { CONFIRM } else { &[] };
        let answer = stripe
            .post(&format!("/v1/setup_intents/{id}/{step}"), params)
            .await;
        assert_eq!(
            answer.refusal(),
            (400, Some("setup_intent_unexpected_state"))
        );
        assert_eq!(answer.json["error"]["setup_intent"]["id"], id.as_str());
    }
    let (_, id) = waiting(&stripe).await;
    let canceled = stripe
        .post(
            &format!("/v1/setup_intents/{id}/cancel"),
            &[("cancellation_reason", "abandoned")],
        )
        .await
        .ok();
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("abandoned"))
    );
    assert_eq!(
        stripe
            .post(&format!("/v1/setup_intents/{id}/confirm"), CONFIRM)
            .await
            .refusal()
            .1,
        Some("setup_intent_unexpected_state")
    );
}

#[tokio::test]
async fn confirming_needs_what_amazon_pay_needs() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let intent = stripe
        .id("/v1/setup_intents", &[("customer", &customer)])
        .await;
    let path = format!("/v1/setup_intents/{intent}/confirm");
    let without = |prefix: &str| {
        CONFIRM
            .iter()
            .copied()
            .filter(|(name, _)| !name.starts_with(prefix))
            .collect::<Vec<_>>()
    };
    let cases = [
        ("return_url", None),
        ("mandate_data", Some("parameter_missing")),
        (
            "mandate_data[customer_acceptance][online][user_agent]",
            Some("parameter_missing"),
        ),
        ("payment_method_data", Some("setup_intent_unexpected_state")),
    ];
    for (prefix, code) in cases {
        assert_eq!(
            stripe.post(&path, &without(prefix)).await.refusal(),
            (400, code),
            "{prefix}"
        );
    }
    for (name, value, code) in [
        ("return_url", "shop", Some("url_invalid")),
        (
            "mandate_data[customer_acceptance][online][ip_address]",
            "device",
            None,
        ),
    ] {
        let mut params = without(name);
        params.push((name, value));
        assert_eq!(
            stripe.post(&path, &params).await.refusal(),
            (400, code),
            "{name}"
        );
    }
    let card_only = stripe
        .id(
            "/v1/setup_intents",
            &[("allowed_payment_method_types[]", "card")],
        )
        .await;
    let refused = stripe
        .post(&format!("/v1/setup_intents/{card_only}/confirm"), CONFIRM)
        .await;
    assert_eq!(
        refused.refusal(),
        (400, Some("setup_intent_invalid_parameter"))
    );
}

#[tokio::test]
async fn a_page_needs_the_client_secret() {
    let stripe = Stripe::start().await;
    let (_, id) = waiting(&stripe).await;
    let secret = intent(&stripe, &id).await["client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let get = |query: String| {
        stripe
            .http
            .get(stripe.url(&format!("/v1/setup_intents/{id}{query}")))
            .bearer_auth("pk_test_page")
    };
    assert_eq!(
        stripe.send(get(String::new())).await.refusal(),
        (400, Some("parameter_missing"))
    );
    assert_eq!(
        stripe
            .send(get(format!("?client_secret={id}_secret_wrong")))
            .await
            .refusal(),
        (400, Some("setup_intent_invalid_parameter"))
    );
    let seen = stripe
        .send(get(format!("?client_secret={secret}")))
        .await
        .ok();
    assert_eq!(seen["status"], "requires_action");
    assert!(seen.get("metadata").is_none());
}

#[tokio::test]
async fn a_detached_payment_method_loses_its_mandate_and_cannot_come_back() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let path = format!("/v1/payment_methods/{}", shopper.method);
    let detached = stripe.post(&format!("{path}/detach"), &[]).await.ok();
    assert_eq!(detached["customer"], Value::Null);
    assert_eq!(
        stripe
            .get(&format!("/v1/mandates/{}", shopper.mandate), &[])
            .await
            .ok()["status"],
        "inactive"
    );
    assert_eq!(
        stripe.events().await[stripe.events().await.len() - 2..],
        ["mandate.updated", "payment_method.detached"]
    );
    let attach = stripe
        .post(
            &format!("{path}/attach"),
            &[("customer", &shopper.customer)],
        )
        .await;
    assert_eq!(
        attach.refusal(),
        (400, Some("payment_method_unexpected_state"))
    );
    assert_eq!(
        stripe
            .post(&format!("{path}/detach"), &[])
            .await
            .refusal()
            .0,
        400
    );
}

#[tokio::test]
async fn a_test_card_is_set_up_at_once_or_declined() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let create = async |method| {
        let params = [
            ("customer", customer.as_str()),
            ("confirm", "true"),
            ("payment_method", method),
            ("return_url", "https://shop.example/back"),
        ];
        stripe.post("/v1/setup_intents", &params).await
    };
    let done = create("pm_card_visa").await.ok();
    assert_eq!(done["status"], "succeeded");
    assert_ne!(done["payment_method"], "pm_card_visa");
    let declined = create("pm_card_chargeDeclined").await;
    assert_eq!(declined.refusal(), (402, Some("card_declined")));
    // The declined intent is there, although the call failed.
    let intent_id = declined.json["error"]["setup_intent"]["id"]
        .as_str()
        .unwrap();
    assert_eq!(
        intent(&stripe, intent_id).await["status"],
        "requires_payment_method"
    );
}
