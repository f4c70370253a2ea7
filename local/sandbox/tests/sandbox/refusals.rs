//! What Stripe refuses when a request is well formed, and in which words.

use crate::payment_intents::create;
use crate::support::{Stripe, client, id};
use serde_json::json;

// https://docs.stripe.com/testing#declined-payments
#[tokio::test]
async fn a_test_card_is_declined_for_its_own_reason() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    for (card, code, decline_code, message) in [
        (
            "pm_card_chargeDeclinedExpiredCard",
            "expired_card",
            None,
            "Your card has expired.",
        ),
        (
            "pm_card_chargeDeclinedProcessingError",
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            Some("insufficient_funds"),
            "Your card has insufficient funds.",
        ),
    ] {
        let attached = stripe
            .post(
                &format!("/v1/payment_methods/{card}/attach"),
                &[("customer", &customer)],
            )
            .await;
        let paid = create(&stripe, &[("payment_method", card), ("confirm", "true")]).await;
        for answer in [attached, paid] {
            assert_eq!(answer.refusal(), (402, Some(code)), "{card}");
            let error = &answer.json["error"];
            assert_eq!(error["decline_code"].as_str(), decline_code, "{card}");
            assert_eq!(error["message"], message);
        }
        let charges = stripe.get("/v1/charges", &[("limit", "1")]).await.ok();
        let charge = &charges["data"][0];
        assert_eq!(charge["failure_code"], code);
        assert_eq!(charge["outcome"]["reason"], decline_code.unwrap_or(code));
    }
    for card in [
        "pm_card_createDispute",
        "pm_card_createIssuerFraudRecord",
        "pm_card_fr",
    ] {
        let answer = create(&stripe, &[("payment_method", card), ("confirm", "true")]).await;
        assert_eq!(
            answer.refusal(),
            (400, Some("sandbox_not_simulated")),
            "{card}"
        );
    }
    let debit = create(
        &stripe,
        &[
            ("payment_method", "pm_card_visa_debit"),
            ("confirm", "true"),
        ],
    )
    .await
    .ok();
    assert_eq!(debit["status"], "succeeded");
}

// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
#[tokio::test]
async fn the_smallest_amount_is_that_of_the_currency() {
    let stripe = Stripe::start().await;
    for (amount, currency, message) in [
        ("49", "usd", "Amount must be at least $0.50 usd"),
        ("29", "gbp", "Amount must be at least £0.30 gbp"),
        ("49", "jpy", "Amount must be at least ¥50 jpy"),
    ] {
        let params = [("amount", amount), ("currency", currency)];
        let answer = stripe.post("/v1/payment_intents", &params).await;
        assert_eq!(answer.refusal(), (400, Some("amount_too_small")));
        assert_eq!(answer.json["error"]["message"], message);
    }
    let params = [("amount", "30"), ("currency", "GBP")];
    let smallest = stripe.post("/v1/payment_intents", &params).await.ok();
    assert_eq!(smallest["currency"], "gbp");
}

// https://docs.stripe.com/payments/3d-secure/authentication-flow
#[tokio::test]
async fn a_server_that_confirms_a_payment_sends_the_customer_to_the_bank() {
    let stripe = Stripe::start().await;
    let more = [
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("confirm", "true"),
        ("return_url", "https://shop.example/back?order=1"),
    ];
    for (choice, status, told) in [
        ("approve", "succeeded", "succeeded"),
        ("decline", "requires_payment_method", "failed"),
        ("close", "requires_action", "pending"),
    ] {
        let intent = create(&stripe, &more).await.ok();
        assert_eq!(intent["status"], "requires_action");
        let action = &intent["next_action"];
        assert_eq!(action["type"], "redirect_to_url");
        let there = &action["redirect_to_url"];
        assert_eq!(there["return_url"], "https://shop.example/back?order=1");
        let page = there["url"].as_str().unwrap();
        let html = client()
            .get(page)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(html.contains("Is it you who pays with this card?"));
        let press = client().post(page).body(format!("choice={choice}"));
        let back = press.send().await.unwrap();
        assert_eq!(back.status(), 303);
        let back = back.headers()["location"].to_str().unwrap().to_owned();
        let secret = intent["client_secret"].as_str().unwrap();
        assert_eq!(
            back,
            format!(
                "https://shop.example/back?order=1&payment_intent={}&payment_intent_client_secret={secret}&redirect_status={told}",
                id(&intent)
            )
        );
        let path = format!("/v1/payment_intents/{}", id(&intent));
        assert_eq!(stripe.get(&path, &[]).await.ok()["status"], status);
    }
    // Stripe.js asks in the page.
    let script = [&more[..], &[("use_stripe_sdk", "true")]].concat();
    let intent = create(&stripe, &script).await.ok();
    assert_eq!(intent["next_action"]["type"], "use_stripe_sdk");
}

// Recorded by others of a test account at 2026-08-26.dahlia.
#[tokio::test]
async fn addresses_are_whole_and_keep_what_is_not_sent() {
    let stripe = Stripe::start().await;
    let address = [
        ("address[city]", "Berlin"),
        ("address[country]", "DE"),
        ("shipping[name]", "A"),
        ("shipping[address][line1]", "Weg 1"),
    ];
    let customer = stripe.post("/v1/customers", &address).await.ok();
    assert_eq!(
        customer["address"],
        json!({"city": "Berlin", "country": "DE", "line1": null, "line2": null, "postal_code": null, "state": null})
    );
    assert_eq!(customer["shipping"]["phone"], json!(null));
    let path = format!("/v1/customers/{}", id(&customer));
    let changed = [
        ("address[city]", ""),
        ("address[line1]", "Allee 2"),
        ("shipping[address][city]", "Bonn"),
        ("shipping[name]", "B"),
        ("shipping[phone]", "030"),
    ];
    let customer = stripe.post(&path, &changed).await.ok();
    assert_eq!(
        customer["address"],
        json!({"city": null, "country": "DE", "line1": "Allee 2", "line2": null, "postal_code": null, "state": null})
    );
    let shipping = &customer["shipping"];
    assert_eq!(
        (&shipping["name"], &shipping["phone"]),
        (&json!("B"), &json!("030"))
    );
    let address = &shipping["address"];
    assert_eq!(
        (&address["line1"], &address["city"]),
        (&json!("Weg 1"), &json!("Bonn"))
    );
    let cleared = stripe
        .post(&path, &[("address", ""), ("shipping", "")])
        .await
        .ok();
    assert_eq!(
        (&cleared["address"], &cleared["shipping"]),
        (&json!(null), &json!(null))
    );
}

// Recorded by others of a test account at 2026-08-26.dahlia.
#[tokio::test]
async fn what_has_to_be_there_cannot_be_emptied_and_what_need_not_can() {
    let stripe = Stripe::start().await;
    let refused = stripe.post("/v1/products", &[("name", "")]).await;
    assert_eq!(refused.refusal(), (400, Some("parameter_invalid_empty")));
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let cleared = stripe
        .post(&path, &[("default_payment_method", "")])
        .await
        .ok();
    assert_eq!(cleared["default_payment_method"], json!(null));
    let price = format!("/v1/prices/{}", shopper.price);
    stripe
        .post(&price, &[("lookup_key", "k"), ("nickname", "n")])
        .await
        .ok();
    let cleared = stripe
        .post(&price, &[("lookup_key", ""), ("nickname", "")])
        .await
        .ok();
    assert_eq!(
        (&cleared["lookup_key"], &cleared["nickname"]),
        (&json!(null), &json!(null))
    );
}

// Recorded by others of a test account at 2026-08-26.dahlia.
#[tokio::test]
async fn some_ids_in_parameters_are_looked_for_as_in_a_path() {
    let stripe = Stripe::start().await;
    let subscription = [("customer", "cus_none"), ("items[0][price]", "price_none")];
    for (path, params, param) in [
        ("/v1/subscriptions", &subscription[..], "customer"),
        ("/v1/refunds", &[("charge", "ch_none")], "id"),
        ("/v1/refunds", &[("payment_intent", "pi_none")], "intent"),
    ] {
        let answer = stripe.post(path, params).await;
        assert_eq!(answer.refusal(), (404, Some("resource_missing")), "{path}");
        assert_eq!(answer.json["error"]["param"], param);
    }
}

#[tokio::test]
async fn a_paid_invoice_is_neither_paid_nor_voided_again() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let invoice = subscription["latest_invoice"].as_str().unwrap();
    // Without a code, as others recorded of a test account at 2026-08-26.dahlia.
    for step in ["pay", "void"] {
        let answer = stripe
            .post(&format!("/v1/invoices/{invoice}/{step}"), &[])
            .await;
        assert_eq!(answer.refusal(), (400, None), "{step}");
    }
}

#[tokio::test]
async fn a_test_clock_begins_at_a_time_that_there_is() {
    let stripe = Stripe::start().await;
    for time in ["-1", "99999999999"] {
        let answer = stripe
            .post("/v1/test_helpers/test_clocks", &[("frozen_time", time)])
            .await;
        assert_eq!(answer.refusal(), (400, None), "{time}");
        assert_eq!(answer.json["error"]["param"], "frozen_time");
    }
}
