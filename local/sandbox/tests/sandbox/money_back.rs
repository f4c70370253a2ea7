use crate::support::{Shopper, Stripe, id};
use serde_json::{Value, json};

/// A shopper whose first payment went through, with its subscription, PaymentIntent and charge.
async fn paid(stripe: &Stripe) -> (Shopper, String, String, String) {
    let shopper = stripe.shopper().await;
    let params = [
        ("customer", shopper.customer.as_str()),
        ("items[0][price]", &shopper.price),
        ("default_payment_method", &shopper.method),
        ("off_session", "true"),
    ];
    let subscription = stripe.id("/v1/subscriptions", &params).await;
    let intents = stripe.get("/v1/payment_intents", &[]).await.ok();
    let intent = &intents["data"][0];
    let charge = intent["latest_charge"].as_str().unwrap().to_owned();
    (shopper, subscription, id(intent), charge)
}

async fn charge_of(stripe: &Stripe, charge: &str) -> Value {
    stripe.get(&format!("/v1/charges/{charge}"), &[]).await.ok()
}

async fn last_event(stripe: &Stripe, kind: &str) -> Value {
    let events = stripe.get("/v1/events", &[("type", kind)]).await.ok();
    events["data"][0].clone()
}

#[tokio::test]
async fn a_charge_is_refunded_in_parts_until_nothing_is_left() {
    let stripe = Stripe::start().await;
    let (shopper, _, intent, charge) = paid(&stripe).await;
    let part = [("payment_intent", intent.as_str()), ("amount", "500")];
    let first = stripe.post("/v1/refunds", &part).await.ok();
    assert_eq!(first["status"], "succeeded");
    assert_eq!(first["customer"], shopper.customer.as_str());
    assert_eq!(
        first["destination_details"],
        json!({"type": "amazon_pay", "amazon_pay": {}})
    );
    let after = charge_of(&stripe, &charge).await;
    assert_eq!(
        (&after["amount_refunded"], &after["refunded"]),
        (&json!(500), &json!(false))
    );
    let refunded = last_event(&stripe, "charge.refunded").await;
    assert_eq!(
        refunded["data"]["previous_attributes"],
        json!({"amount_refunded": 0})
    );

    let too_much = [("charge", charge.as_str()), ("amount", "1001")];
    assert_eq!(
        stripe.post("/v1/refunds", &too_much).await.refusal(),
        (400, None)
    );
    let rest = [
        ("charge", charge.as_str()),
        ("reason", "requested_by_customer"),
    ];
    let second = stripe.post("/v1/refunds", &rest).await.ok();
    assert_eq!(
        (&second["amount"], &second["reason"]),
        (&json!(1000), &json!("requested_by_customer"))
    );
    assert_eq!(charge_of(&stripe, &charge).await["refunded"], true);
    let again = stripe.post("/v1/refunds", &rest).await;
    assert_eq!(again.refusal(), (400, Some("charge_already_refunded")));

    let listed = stripe.get("/v1/refunds", &[("charge", &charge)]).await.ok();
    assert_eq!(listed["data"], json!([second, first]));
    let path = format!("/v1/refunds/{}", id(&first));
    let read = stripe.get(&path, &[("expand[]", "charge")]).await.ok();
    assert_eq!(read["charge"]["refunded"], true);
    let created = stripe
        .get("/v1/events", &[("type", "refund.created")])
        .await
        .ok();
    assert_eq!(created["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_refund_names_one_charge_that_went_through() {
    let stripe = Stripe::start().await;
    let (_, _, intent, charge) = paid(&stripe).await;
    let both = [("charge", charge.as_str()), ("payment_intent", &intent)];
    let cases: [(&[(&str, &str)], _); 5] = [
        (&[], (400, None)),
        (&both, (400, Some("parameters_exclusive"))),
        (&[("charge", "ch_none")], (404, Some("resource_missing"))),
        (
            &[("charge", &charge), ("amount", "0")],
            (400, Some("parameter_invalid_integer")),
        ),
        (
            &[("charge", &charge), ("reverse_transfer", "true")],
            (400, Some("sandbox_not_simulated")),
        ),
    ];
    for (params, expected) in cases {
        assert_eq!(
            stripe.post("/v1/refunds", params).await.refusal(),
            expected,
            "{params:?}"
        );
    }
    assert_eq!(charge_of(&stripe, &charge).await["amount_refunded"], 0);
}

#[tokio::test]
async fn a_refund_that_waits_arrives_or_comes_back() {
    let stripe = Stripe::start().await;
    stripe
        .control("/account", json!({"refunds": "pending"}))
        .await;
    let (_, _, _, charge) = paid(&stripe).await;
    let refund = stripe
        .post("/v1/refunds", &[("charge", &charge)])
        .await
        .ok();
    assert_eq!(
        (&refund["status"], &refund["pending_reason"]),
        (&json!("pending"), &json!("processing"))
    );

    let path = format!("/refunds/{}", id(&refund));
    let arrived = stripe.control(&format!("{path}/succeed"), json!({})).await;
    assert_eq!(
        (&arrived["status"], arrived.get("pending_reason")),
        (&json!("succeeded"), None)
    );
    let updated = last_event(&stripe, "refund.updated").await;
    assert_eq!(updated["data"]["previous_attributes"]["status"], "pending");

    let failed = stripe.control(&format!("{path}/fail"), json!({})).await;
    assert_eq!(
        (&failed["status"], &failed["failure_reason"]),
        (&json!("failed"), &json!("declined"))
    );
    assert_eq!(
        last_event(&stripe, "refund.failed").await["data"]["object"],
        failed
    );
    let after = charge_of(&stripe, &charge).await;
    assert_eq!(
        (&after["amount_refunded"], &after["refunded"]),
        (&json!(0), &json!(false))
    );
}

#[tokio::test]
async fn a_dispute_is_opened_and_decided() {
    let stripe = Stripe::start().await;
    let (_, _, intent, charge) = paid(&stripe).await;
    let open = stripe
        .control(&format!("/charges/{charge}/dispute"), json!({}))
        .await;
    assert_eq!(open["status"], "needs_response");
    assert_eq!(open["payment_intent"], intent.as_str());
    assert_eq!(
        open["payment_method_details"]["amazon_pay"]["dispute_type"],
        "chargeback"
    );
    assert_eq!(charge_of(&stripe, &charge).await["disputed"], true);
    assert_eq!(
        last_event(&stripe, "charge.dispute.created").await["data"]["object"],
        open
    );
    let refused = stripe.post("/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(refused.refusal(), (400, Some("charge_disputed")));

    let path = format!("/disputes/{}/close", id(&open));
    let won = stripe.control(&path, json!({"status": "won"})).await;
    assert_eq!(
        stripe
            .get(&format!("/v1/disputes/{}", id(&open)), &[])
            .await
            .ok(),
        won
    );
    assert_eq!(won["status"], "won");
    assert_eq!(
        last_event(&stripe, "charge.dispute.closed").await["data"]["object"],
        won
    );
    stripe
        .post("/v1/refunds", &[("charge", &charge)])
        .await
        .ok();

    let (_, _, _, charge) = paid(&stripe).await;
    let open = stripe
        .control(
            &format!("/charges/{charge}/dispute"),
            json!({"reason": "general"}),
        )
        .await;
    let path = format!("/disputes/{}/close", id(&open));
    let lost = stripe.control(&path, json!({"status": "lost"})).await;
    assert_eq!(
        (&lost["status"], &lost["reason"]),
        (&json!("lost"), &json!("general"))
    );
    let refused = stripe.post("/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(refused.refusal(), (400, Some("charge_disputed")));
}

#[tokio::test]
async fn a_warning_is_actionable_until_the_charge_is_disputed_or_refunded() {
    let stripe = Stripe::start().await;
    stripe
        .control("/account", json!({"refunds": "pending"}))
        .await;
    for (fraud_type, is_disputed) in [("unauthorized_use_of_card", true), ("misc", false)] {
        let (_, _, intent, charge) = paid(&stripe).await;
        let path = format!("/charges/{charge}/fraud_warning");
        let warning = stripe
            .control(&path, json!({"fraud_type": fraud_type}))
            .await;
        assert!(id(&warning).starts_with("issfr_"));
        assert_eq!(warning["object"], "radar.early_fraud_warning");
        assert_eq!(warning["charge"], charge.as_str());
        assert_eq!(warning["payment_intent"], intent.as_str());
        assert_eq!(warning["fraud_type"], fraud_type);
        assert_eq!(warning["actionable"], true);
        let created = last_event(&stripe, "radar.early_fraud_warning.created").await;
        assert_eq!(created["data"]["object"], warning);

        let one = format!("/v1/radar/early_fraud_warnings/{}", id(&warning));
        let part = [("charge", charge.as_str()), ("amount", "500")];
        stripe.post("/v1/refunds", &part).await.ok();
        assert_eq!(stripe.get(&one, &[]).await.ok(), warning);
        if is_disputed {
            let path = format!("/charges/{charge}/dispute");
            stripe.control(&path, json!({})).await;
        } else {
            let all = [("charge", charge.as_str())];
            let refund = stripe.post("/v1/refunds", &all).await.ok();
            assert_eq!(stripe.get(&one, &[]).await.ok()["actionable"], false);
            let path = format!("/refunds/{}/fail", id(&refund));
            stripe.control(&path, json!({})).await;
            assert_eq!(stripe.get(&one, &[]).await.ok()["actionable"], true);
            stripe.post("/v1/refunds", &all).await.ok();
        }
        let after = stripe.get(&one, &[("expand[]", "charge")]).await.ok();
        assert_eq!(after["actionable"], false);
        assert_eq!(after["charge"]["disputed"], is_disputed);
        let updated = last_event(&stripe, "radar.early_fraud_warning.updated").await;
        assert_eq!(updated["data"]["object"]["id"], warning["id"]);
        assert_eq!(
            updated["data"]["previous_attributes"],
            json!({"actionable": true})
        );
    }
}

#[tokio::test]
async fn events_about_what_pays_say_what_was_before() {
    let stripe = Stripe::start().await;
    let (shopper, subscription, _, _) = paid(&stripe).await;
    stripe
        .control(&format!("/mandates/{}/revoke", shopper.mandate), json!({}))
        .await;
    let revoked = last_event(&stripe, "mandate.updated").await;
    assert_eq!(
        revoked["data"]["previous_attributes"],
        json!({"status": "active"})
    );

    stripe
        .delete(&format!("/v1/customers/{}", shopper.customer))
        .await
        .ok();
    let detached = last_event(&stripe, "payment_method.detached").await;
    assert_eq!(
        detached["data"]["previous_attributes"]["customer"],
        shopper.customer.as_str()
    );
    assert_eq!(detached["data"]["object"]["customer"], Value::Null);
    let ended = last_event(&stripe, "customer.subscription.deleted").await;
    assert_eq!(ended["data"]["object"]["id"], subscription.as_str());
    let deleted = last_event(&stripe, "customer.deleted").await;
    assert_eq!(deleted["data"]["object"]["id"], shopper.customer.as_str());
}
