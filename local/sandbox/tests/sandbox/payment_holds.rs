//! Payments that are authorized first and captured later.

use crate::payment_intents::{charge, confirm, create, read, saved};
use crate::support::{Answer, Pairs, Stripe, id};
use serde_json::{Value, json};

const HOLD: Pairs<'static> = &[
    ("capture_method", "manual"),
    (
        "payment_method_options[card][request_incremental_authorization]",
        "if_available",
    ),
];

/// Fifteen dollars that are held, by Apple Pay.
async fn held(stripe: &Stripe) -> Value {
    let intent = create(stripe, HOLD).await.ok();
    confirm(stripe, &intent, json!({})).await.ok()
}

async fn step(stripe: &Stripe, intent: &Value, step: &str, params: Pairs<'_>) -> Answer {
    let path = format!("/v1/payment_intents/{}/{step}", id(intent));
    stripe.post(&path, params).await
}

async fn increment(stripe: &Stripe, intent: &Value, amount: i64) -> Answer {
    let amount = amount.to_string();
    step(
        stripe,
        intent,
        "increment_authorization",
        &[("amount", &amount)],
    )
    .await
}

#[tokio::test]
async fn money_that_is_held_is_captured_in_part_and_the_rest_goes_back() {
    let stripe = Stripe::start().await;
    let intent = held(&stripe).await;
    let now = read(&stripe, &intent).await;
    assert_eq!(
        (
            &now["status"],
            &now["amount_capturable"],
            &now["amount_received"]
        ),
        (&json!("requires_capture"), &json!(1500), &json!(0))
    );
    let charge = &now["latest_charge"];
    assert_eq!(
        (&charge["captured"], &charge["amount_captured"]),
        (&json!(false), &json!(0))
    );
    let card = &charge["payment_method_details"]["card"];
    assert_eq!(card["incremental_authorization"]["status"], "available");
    assert_eq!(
        card["capture_before"].as_i64().unwrap() - charge["created"].as_i64().unwrap(),
        7 * 86_400
    );
    let early = stripe
        .post("/v1/refunds", &[("payment_intent", &*id(&intent))])
        .await;
    assert_eq!(early.status, 400);
    let too_much = step(
        &stripe,
        &intent,
        "capture",
        &[("amount_to_capture", "1501")],
    )
    .await;
    assert_eq!(too_much.refusal(), (400, Some("amount_too_large")));
    let params = [("amount_to_capture", "1000"), ("metadata[order]", "7")];
    let captured = step(&stripe, &intent, "capture", &params).await.ok();
    assert_eq!(
        (
            &captured["status"],
            &captured["amount_capturable"],
            &captured["amount_received"],
            &captured["metadata"]["order"]
        ),
        (&json!("succeeded"), &json!(0), &json!(1000), &json!("7"))
    );
    let charge = &read(&stripe, &intent).await["latest_charge"];
    assert_eq!(
        (
            &charge["amount_captured"],
            &charge["amount_refunded"],
            &charge["refunded"]
        ),
        (&json!(1000), &json!(500), &json!(false))
    );
    let again = step(&stripe, &intent, "capture", &[]).await;
    assert_eq!(
        again.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    assert_eq!(
        increment(&stripe, &intent, 2000).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    // Only what was captured can be given back.
    let refund = stripe
        .post("/v1/refunds", &[("payment_intent", &*id(&intent))])
        .await
        .ok();
    assert_eq!(refund["amount"], 1000);
    let events = stripe.events().await;
    let expected = [
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "charge.refunded",
    ];
    for event in expected {
        assert_eq!(
            events.iter().filter(|seen| *seen == event).count(),
            1,
            "{event}"
        );
    }
}

#[tokio::test]
async fn an_authorization_is_increased_ten_times_at_most() {
    let stripe = Stripe::start().await;
    let intent = held(&stripe).await;
    assert_eq!(
        increment(&stripe, &intent, 1500).await.json["error"]["param"],
        "amount"
    );
    for time in 1..=10 {
        let larger = increment(&stripe, &intent, 1500 + time * 100).await.ok();
        assert_eq!(
            (
                &larger["amount"],
                &larger["amount_capturable"],
                &larger["status"]
            ),
            (
                &json!(1500 + time * 100),
                &json!(1500 + time * 100),
                &json!("requires_capture")
            )
        );
    }
    let charge = &read(&stripe, &intent).await["latest_charge"];
    let card = &charge["payment_method_details"]["card"];
    assert_eq!(
        (
            &charge["amount"],
            &card["amount_authorized"],
            &card["incremental_authorization"]["status"]
        ),
        (&json!(2500), &json!(2500), &json!("unavailable"))
    );
    assert_eq!(
        increment(&stripe, &intent, 2600).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
    assert_eq!(
        step(&stripe, &intent, "capture", &[]).await.ok()["amount_received"],
        2500
    );
}

#[tokio::test]
async fn a_declined_increment_counts_and_changes_nothing_else() {
    let stripe = Stripe::start().await;
    let intent = held(&stripe).await;
    let path = format!(
        "/payment_methods/{}/behavior",
        intent["payment_method"].as_str().unwrap()
    );
    stripe.control(&path, json!({"charge": "decline"})).await;
    for _ in 0..10 {
        assert_eq!(
            increment(&stripe, &intent, 2000).await.refusal(),
            (402, Some("card_declined"))
        );
    }
    let now = read(&stripe, &intent).await;
    assert_eq!(
        (
            &now["status"],
            &now["amount"],
            &now["amount_capturable"],
            &now["last_payment_error"]
        ),
        (
            &json!("requires_capture"),
            &json!(1500),
            &json!(1500),
            &Value::Null
        )
    );
    assert_eq!(
        increment(&stripe, &intent, 2000).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
}

#[tokio::test]
async fn without_the_wish_for_it_an_authorization_is_not_increased() {
    let stripe = Stripe::start().await;
    let intent = create(&stripe, &HOLD[..1]).await.ok();
    confirm(&stripe, &intent, json!({})).await.ok();
    assert_eq!(
        increment(&stripe, &intent, 2000).await.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
}

#[tokio::test]
async fn a_canceled_hold_goes_back_to_the_customer() {
    let stripe = Stripe::start().await;
    let intent = held(&stripe).await;
    let params = [("cancellation_reason", "requested_by_customer")];
    let canceled = step(&stripe, &intent, "cancel", &params).await.ok();
    assert_eq!(
        (&canceled["status"], &canceled["amount_capturable"]),
        (&json!("canceled"), &json!(0))
    );
    let charge = &read(&stripe, &intent).await["latest_charge"];
    assert_eq!(
        (&charge["captured"], &charge["refunded"]),
        (&json!(false), &json!(true))
    );
    let late = step(&stripe, &intent, "capture", &[]).await;
    assert_eq!(
        late.refusal(),
        (400, Some("payment_intent_unexpected_state"))
    );
}

#[tokio::test]
async fn a_hold_ends_after_seven_days() {
    let stripe = Stripe::start().await;
    let (customer, method) = saved(&stripe).await;
    let more = [
        HOLD,
        &[(
            "payment_method_options[card][stored_credential_usage]",
            "unscheduled",
        )],
    ]
    .concat();
    let intent = charge(&stripe, &customer, &method, &more).await.ok();
    assert_eq!(intent["status"], "requires_capture");
    stripe
        .control("/clock", json!({"advance": 7 * 86_400 - 60}))
        .await;
    assert_eq!(read(&stripe, &intent).await["status"], "requires_capture");
    stripe.control("/clock", json!({"advance": 120})).await;
    let now = read(&stripe, &intent).await;
    assert_eq!(
        (
            &now["status"],
            &now["cancellation_reason"],
            &now["latest_charge"]["refunded"]
        ),
        (&json!("canceled"), &json!("automatic"), &json!(true))
    );
    assert!(stripe.events().await.contains(&"charge.expired".to_owned()));
}
