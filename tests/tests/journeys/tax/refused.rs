//! Addresses that are missing, malformed or unknown, and amounts that have moved.

use serde_json::{Value, json};

use super::{AUSTRIA, Buyer, CALIFORNIA, DE, address, asked};
use crate::payments::text;

#[tokio::test]
async fn without_an_address_no_wallet_is_offered_and_no_click_taken() {
    let it = Buyer::start().await;
    let request = it.alice.calls.request("GET", "/wallets?plan=exclusive");
    let told = it.alice.calls.send(request).await.expect(200).json();
    assert!(told.get("tax").is_none(), "{told}");
    for wallet in told["wallets"].as_array().unwrap() {
        assert_eq!(wallet["offer"], false, "{wallet}");
        let reasons = wallet["reasons"].as_array().unwrap();
        assert!(
            reasons.iter().any(|it| it["code"] == "address_needed"),
            "{wallet}"
        );
    }
    let nothing = it.ask(&json!({"plan": "exclusive"})).await;
    assert_eq!(nothing.expect_error(400), "missing_field");
    for (more, status, code) in [
        (json!({}), 400, "address_needed"),
        (json!({"tax": {"amount": 1785}}), 400, "address_needed"),
        // It was shown without its taxes.
        (json!({"billing_address": address(DE)}), 409, "tax_outdated"),
    ] {
        for wallet in ["amazon_pay", "apple_pay"] {
            let mut body = json!({"plan": "exclusive", "wallet": wallet});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let answer = it.alice.calls.client_secret(&body).await;
            assert_eq!(answer.expect_error(status), code, "{body}");
        }
        let mut body = json!({"plan": "exclusive", "wallet": "apple_pay", "first": "subscription"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = it.alice.calls.post_subscription(&body).await;
        assert_eq!(answer.expect_error(status), code, "{body}");
    }
    // Taxes were shown that are not charged.
    let body = json!({"plan": "plain", "wallet": "amazon_pay", "tax": {"amount": 1785}, "billing_address": address(DE)});
    let answer = it.alice.calls.client_secret(&body).await;
    assert_eq!(answer.expect_error(409), "tax_outdated");
    assert!(it.app.stripe.objects("customer").await.is_empty());
}

#[tokio::test]
async fn an_address_that_is_malformed_is_refused_with_what_is_wrong() {
    let it = Buyer::start().await;
    for (wrong, code) in [
        (json!({"country": "de"}), "invalid_field"),
        (json!({"country": "US"}), "invalid_field"),
        (
            json!({"country": "US", "postal_code": "secret"}),
            "invalid_field",
        ),
        (json!({"country": "CA"}), "invalid_field"),
        (
            json!({"country": "DE", "postal_code": "1\u{0}"}),
            "invalid_field",
        ),
        (
            json!({"country": "DE", "postal_code": 10115}),
            "invalid_field",
        ),
        (json!({"country": "DE", "city": "Berlin"}), "unknown_field"),
        (json!({"postal_code": "10115"}), "missing_field"),
        (json!("DE"), "invalid_field"),
    ] {
        let body = json!({"plan": "exclusive", "billing_address": wrong});
        let answer = it.ask(&body).await;
        assert_eq!(answer.expect_error(400), code, "{wrong}");
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        let body = json!({"plan": "exclusive", "wallet": "amazon_pay", "tax": {"amount": 1785}, "billing_address": wrong});
        let answer = it.alice.calls.client_secret(&body).await;
        assert_eq!(answer.expect_error(400), code, "{wrong}");
    }
    for wrong in [
        json!({"amount": -1}),
        json!({"amount": "1785"}),
        json!(1785),
    ] {
        let body = json!({"plan": "exclusive", "wallet": "amazon_pay", "tax": wrong, "billing_address": address(DE)});
        let answer = it.alice.calls.client_secret(&body).await;
        assert_eq!(answer.expect_error(400), "invalid_field", "{wrong}");
    }
}

/// Stripe says so in an answer or in a refusal, before a wallet is asked for anything.
#[tokio::test]
async fn an_address_that_stripe_does_not_recognize_is_refused_before_the_wallet() {
    let it = Buyer::start().await;
    for place in [("US", Some("00117")), ("ZZ", None)] {
        let body = json!({"plan": "exclusive", "billing_address": address(place)});
        let answer = it.ask(&body).await;
        assert_eq!(answer.expect_error(400), "address_not_recognized");
        let mut told = it.told("exclusive", DE).await;
        told["tax"]["amount"] = 1500.into();
        let answer = it.click(&told, "amazon_pay", place).await;
        assert_eq!(answer.expect_error(400), "address_not_recognized");
    }
    let refusals = [
        json!({"code": "customer_tax_location_invalid"}),
        json!({"param": "customer_details[address][country]"}),
    ];
    for mut error in refusals {
        error["type"] = "invalid_request_error".into();
        let fault = json!({"method": "POST", "path": "/v1/invoices/create_preview", "fault": "status", "status": 400, "times": 1, "body": {"error": error}});
        it.app.stripe.fault(fault).await;
        let body = json!({"plan": "exclusive", "billing_address": address(DE)});
        let answer = it.ask(&body).await;
        assert_eq!(answer.expect_error(400), "address_not_recognized");
    }
    // An account without Stripe Tax, which no address is to blame for.
    let error = json!({"type": "invalid_request_error", "code": "stripe_tax_inactive"});
    let fault = json!({"method": "POST", "path": "/v1/invoices/create_preview", "fault": "status", "status": 400, "times": 1, "body": {"error": error}});
    it.app.stripe.fault(fault).await;
    let body = json!({"plan": "exclusive", "billing_address": address(DE)});
    let answer = it.ask(&body).await;
    assert_eq!(answer.expect_error(409), "plan_not_available");
    assert!(it.app.stripe.objects("customer").await.is_empty());
    assert!(it.app.stripe.objects("setup_intent").await.is_empty());
}

/// Stripe may know less of a customer's address than of the same one in a preview.
#[tokio::test]
async fn an_address_that_the_customer_cannot_have_opens_no_checkout() {
    let it = Buyer::start().await;
    let told = it.told("exclusive", DE).await;
    let error = json!({"type": "invalid_request_error", "code": "customer_tax_location_invalid", "message": "secret"});
    let fault = json!({"method": "POST", "path": "/v1/customers/{id}", "fault": "status", "status": 400, "times": 1, "body": {"error": error}});
    it.app.stripe.fault(fault).await;
    let answer = it.click(&told, "amazon_pay", DE).await;
    assert_eq!(answer.expect_error(400), "address_not_recognized");
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    assert!(it.app.stripe.objects("setup_intent").await.is_empty());
    it.buy("exclusive", DE).await;
    assert_eq!(it.paid().await, [1785]);
}

/// Between the look and the click, whichever way it moves.
#[tokio::test]
async fn an_amount_that_has_moved_since_it_was_shown_is_shown_again() {
    for rate in ["20", "18", "0"] {
        let it = Buyer::start().await;
        let told = it.told("exclusive", DE).await;
        it.app.stripe.set_tax("DE", rate).await;
        let answer = it.click(&told, "amazon_pay", DE).await;
        assert_eq!(answer.expect_error(409), "tax_outdated");
        let mut first = asked(&told, "apple_pay", DE);
        first["first"] = "subscription".into();
        let answer = it.alice.calls.post_subscription(&first).await;
        assert_eq!(answer.expect_error(409), "tax_outdated");
        assert!(it.app.stripe.objects("customer").await.is_empty());
        let told = it.buy("exclusive", DE).await;
        assert_eq!(it.paid().await, [told["tax"]["amount"].as_u64().unwrap()]);
    }
}

/// Between the click and the charge: nothing is charged, and the reason says why.
#[tokio::test]
async fn an_amount_that_moves_after_the_click_charges_nothing() {
    for rate in ["20", "18"] {
        let it = Buyer::start().await;
        let told = it.told("exclusive", DE).await;
        let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
        it.app.stripe.set_tax("DE", rate).await;
        let landed = it.agree(&opened).await;
        assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
        assert_eq!(landed.landed_with("reason").as_deref(), Some("tax_changed"));
        it.app.quiet().await;
        assert!(it.paid().await.is_empty());
        assert!(it.app.stripe.objects("subscription").await.is_empty());
        let checkout = text(&opened["checkout"]);
        let found = it.alice.calls.checkout(checkout).await.expect(200).json();
        assert_eq!(found["reason"], "tax_changed");
        assert_eq!(found["may_retry"], true);
        let finished = it.alice.calls.subscribe(checkout).await;
        assert_eq!(finished.expect_error(409), "tax_changed");
        let failed = it.app.table.items_of("OUT#").await;
        let failed = failed.iter().filter(|event| {
            let data = event["data"].as_str().unwrap_or_default();
            event["type"] == "checkout.failed" && data.contains("tax_changed")
        });
        assert_eq!(failed.count(), 1);
        it.buy("exclusive", DE).await;
        assert_eq!(it.paid().await.len(), 1);
    }
}

/// The customer's address, which the shop has removed at Stripe since, or one by which Stripe refuses the creation.
#[tokio::test]
async fn a_place_that_is_lost_after_the_click_charges_nothing() {
    let it = Buyer::start().await;
    let told = it.told("exclusive", DE).await;
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app.stripe.api("POST", &path, &[("address", "")]).await;
    let landed = it.agree(&opened).await;
    assert_eq!(landed.landed_with("reason").as_deref(), Some("tax_changed"));
    it.app.quiet().await;
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    let error = json!({"type": "invalid_request_error", "code": "customer_tax_location_invalid"});
    let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "status", "status": 400, "times": 1, "body": {"error": error}});
    it.app.stripe.fault(fault).await;
    let landed = it.agree(&opened).await;
    assert_eq!(landed.landed_with("reason").as_deref(), Some("tax_changed"));
    it.app.quiet().await;
    assert!(it.paid().await.is_empty());
    it.buy("exclusive", DE).await;
    assert_eq!(it.paid().await, [1785]);
}

/// The address is the customer's: that of the last click counts, and a checkout that was shown another amount ends.
#[tokio::test]
async fn another_address_takes_the_place_of_the_one_before() {
    let it = Buyer::start().await;
    let german = it.told("exclusive", DE).await;
    let first = it.click(&german, "amazon_pay", DE).await.expect(201).json();
    // A street that support has written down goes with it.
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app
        .stripe
        .api(
            "POST",
            &path,
            &[("address[line1]", "A 1"), ("address[state]", "BE")],
        )
        .await;
    let same = it.click(&german, "amazon_pay", DE).await.expect(200).json();
    assert_eq!(same["checkout"], first["checkout"]);
    let kept = it.app.stripe.objects("customer").await.remove(0);
    assert_eq!(
        kept["address"]["line1"], "A 1",
        "the same address is not written again"
    );
    // Of another place the amount that was shown is not right.
    let answer = it.click(&german, "amazon_pay", CALIFORNIA).await;
    assert_eq!(answer.expect_error(409), "tax_outdated");
    assert_eq!(it.place().await, (json!("DE"), Value::Null));
    let american = it.told("exclusive", CALIFORNIA).await;
    let other = it
        .click(&american, "apple_pay", CALIFORNIA)
        .await
        .expect(201)
        .json();
    assert_eq!(it.place().await, (json!("US"), json!("94103")));
    let moved = it.app.stripe.objects("customer").await.remove(0);
    assert_eq!(
        (&moved["address"]["line1"], &moved["address"]["state"]),
        (&Value::Null, &Value::Null)
    );
    let landed = it.agree(&first).await;
    assert_eq!(landed.landed_with("reason").as_deref(), Some("tax_changed"));
    it.alice.approve_apple_pay(&other).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1609]);
}

/// Austria's 20% for an open checkout that another click takes from Germany.
#[tokio::test]
async fn a_click_from_another_place_opens_another_checkout() {
    let it = Buyer::start().await;
    let german = it.told("exclusive", DE).await;
    let first = it.click(&german, "amazon_pay", DE).await.expect(201).json();
    let austrian = it.told("exclusive", AUSTRIA).await;
    let second = it
        .click(&austrian, "amazon_pay", AUSTRIA)
        .await
        .expect(201)
        .json();
    assert_ne!(first["checkout"], second["checkout"]);
    it.agree(&second).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1800]);
}

/// Who is exempt at Stripe is told what they will be charged, and not what others are.
#[tokio::test]
async fn a_customer_who_is_exempt_is_shown_no_taxes() {
    let it = Buyer::start().await;
    let told = it.told("exclusive", DE).await;
    it.click(&told, "amazon_pay", DE).await.expect(201);
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app
        .stripe
        .api("POST", &path, &[("tax_exempt", "reverse")])
        .await;
    let told = it.told("exclusive", DE).await;
    assert_eq!(told["tax"]["amount"], 1500);
    assert_eq!(told["tax"]["tax_amount"], 0);
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    it.agree(&opened).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1500]);
}

/// What was bought in Germany is renewed as in Austria, once a click has said that its shopper is there.
#[tokio::test]
async fn a_subscription_that_runs_follows_its_customers_address() {
    let it = Buyer::start().await;
    it.buy("exclusive", DE).await;
    let request = it.alice.calls.request("GET", "/wallets?plan=dear");
    it.alice.calls.send(request).await.expect(200);
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app
        .stripe
        .api("POST", &path, &[("address[country]", "AT")])
        .await;
    assert_eq!(it.mine().await["next_charge"]["amount"], 1800);
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1785, 1800]);
}
