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
        // A bank that asks for the customer is asked before anything is charged: inferred.
        if code == "authentication_required" {
            assert_eq!(now["last_payment_error"].get("charge"), None);
            assert_eq!(error.get("charge"), None);
            assert!(now["latest_charge"].is_null());
        } else {
            assert_eq!(now["latest_charge"]["status"], "failed");
        }
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

/// <https://docs.stripe.com/changelog/2023-08-16/automatic-payment-methods>
#[tokio::test]
async fn a_confirmation_needs_a_way_back_where_redirects_are_possible() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let card = stripe.id(attach, &[("customer", &customer)]).await;
    let payment = [("amount", "1500"), ("currency", "usd")];
    for (path, name, own) in [
        ("/v1/payment_intents", "PaymentIntent", payment.as_slice()),
        ("/v1/setup_intents", "SetupIntent", &[]),
    ] {
        let base: Vec<(&str, &str)> =
            [own, &[("customer", &*customer), ("payment_method", &*card)]].concat();
        let words = format!(
            "This {name} is configured to accept payment methods enabled in your Dashboard."
        );
        let confirmed = [("confirm", "true")];
        let automatic = ("automatic_payment_methods[enabled]", "true");
        for more in [vec![], vec![automatic]] {
            let answer = stripe
                .post(path, &[&*base, &confirmed, &*more].concat())
                .await;
            assert_eq!(answer.refusal(), (400, None), "{path} {more:?}");
            let message = answer.json["error"]["message"].as_str().unwrap();
            assert!(message.starts_with(&words), "{message}");
        }
        let left = stripe.get(path, &[("customer", &customer)]).await.ok();
        assert_eq!(
            left["data"],
            json!([]),
            "nothing is left of what was refused"
        );
        // Neither where there is a way back, nor where nothing leads away.
        let never = ("automatic_payment_methods[allow_redirects]", "never");
        for more in [
            vec![("return_url", "https://shop.example/back")],
            vec![automatic, never],
            vec![("allowed_payment_method_types[0]", "card")],
        ] {
            let params = [&*base, &confirmed, &*more].concat();
            let done = stripe.post(path, &params).await.ok();
            assert_eq!(done["status"], "succeeded", "{path} {more:?}");
        }
        // The same when a second call confirms.
        let open = id(&stripe.post(path, &base).await.ok());
        let confirm = format!("{path}/{open}/confirm");
        assert_eq!(stripe.post(&confirm, &[]).await.refusal(), (400, None));
        let back = [("return_url", "https://shop.example/back")];
        let done = stripe.post(&confirm, &back).await.ok();
        assert_eq!(done["status"], "succeeded");
    }
    let away = [
        ("amount", "1500"),
        ("currency", "usd"),
        ("customer", &*customer),
        ("payment_method", &*card),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    let done = stripe.post("/v1/payment_intents", &away).await.ok();
    assert_eq!(done["status"], "succeeded");
}
