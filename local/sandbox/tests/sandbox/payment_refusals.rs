//! Payments that are declined, and requests that contradict themselves.

use crate::payment_intents::{PAYMENT, charge, confirm, create, read, saved};
use crate::support::{Pairs, Stripe, id};
use serde_json::json;

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
    for (behavior, code, decline_code) in cases {
        let path = format!("/payment_methods/{method}/behavior");
        stripe.control(&path, behavior).await;
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
